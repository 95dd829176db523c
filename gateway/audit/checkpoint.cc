#include "gateway/audit/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace gw::audit {
namespace {

constexpr char kEd25519Kind = '\x01';          // C2SP signed-note, signature types
constexpr std::string_view kDash = "\u2014 ";  // an em dash and a space begin a signature line
constexpr std::string_view kTimeLine = "time ";
constexpr size_t kTimeCharacters = 24;  // "2026-01-20T10:00:00.123Z"
constexpr size_t kRootCharacters = 44;  // 32 bytes in base64
constexpr size_t kSignatureBytes = 64;
constexpr size_t kHashBytes = 4;
constexpr size_t kSignatureCharacters = 92;  // hash and signature, 68 bytes, in base64
constexpr size_t kSizeDigitsMax = 20;

Error Invalid(std::string_view rule) { return {Code::kInvalid, std::string(rule), "checkpoint"}; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsBase64(char c) {
  return IsDigit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' || c == '/' ||
         c == '=';
}
bool IsTime(char c) {
  return IsDigit(c) || c == '-' || c == ':' || c == '.' || c == 'T' || c == 'Z';
}

// Walks along the one form that a note has. Each step takes what belongs there; where the text ends
// early the walk is cut, where anything else stands it is broken.
class NoteWalk {
 public:
  explicit NoteWalk(std::string_view text) : text_(text) {}

  void Literal(std::string_view expected) {
    for (const char c : expected) {
      Take([c](char found) { return found == c; });
    }
  }
  template <typename Belongs>
  std::string_view Exactly(size_t count, Belongs belongs) {
    const size_t start = at_;
    for (size_t i = 0; i < count; ++i) {
      Take(belongs);
    }
    return text_.substr(start, at_ - start);
  }
  std::string_view Digits() {
    const size_t start = at_;
    while (whole() && at_ < text_.size() && IsDigit(text_[at_]) && at_ - start < kSizeDigitsMax) {
      ++at_;
    }
    const bool leading_zero = at_ - start > 1 && text_[start] == '0';
    broken_ = broken_ || leading_zero;
    return text_.substr(start, at_ - start);
  }

  size_t at() const { return at_; }
  bool cut() const { return cut_; }
  bool whole() const { return !cut_ && !broken_; }

 private:
  template <typename Belongs>
  void Take(Belongs belongs) {
    if (cut_ || broken_) {
      return;
    }
    cut_ = at_ == text_.size();
    broken_ = !cut_ && !belongs(text_[at_]);
    at_ += cut_ || broken_ ? 0 : 1;
  }

  std::string_view text_;
  size_t at_ = 0;
  bool cut_ = false;
  bool broken_ = false;
};

struct NoteParts {
  std::string_view size;
  std::string_view root;
  std::string_view time;
  size_t body_bytes = 0;
  std::string_view signature;
};

NoteParts WalkNote(const std::string& origin, NoteWalk* walk) {
  NoteParts parts;
  walk->Literal(origin);
  walk->Literal("\n");
  parts.size = walk->Digits();
  walk->Literal("\n");
  parts.root = walk->Exactly(kRootCharacters, IsBase64);
  walk->Literal("\n");
  walk->Literal(kTimeLine);
  parts.time = walk->Exactly(kTimeCharacters, IsTime);
  walk->Literal("\n");
  parts.body_bytes = walk->at();
  walk->Literal("\n");
  walk->Literal(kDash);
  walk->Literal(origin);
  walk->Literal(" ");
  parts.signature = walk->Exactly(kSignatureCharacters, IsBase64);
  walk->Literal("\n");
  return parts;
}

std::optional<Instant> ParseTime(std::string_view text) {
  CivilTime civil;
  int millisecond = 0;
  const auto number = [text](size_t at, size_t count, int* value) {
    std::from_chars(text.data() + at, text.data() + at + count, *value);
  };
  number(0, 4, &civil.year);
  number(5, 2, &civil.month);
  number(8, 2, &civil.day);
  number(11, 2, &civil.hour);
  number(14, 2, &civil.minute);
  number(17, 2, &civil.second);
  number(20, 3, &millisecond);
  civil.microsecond = millisecond * 1000;
  const Instant time = FromCivil(civil);
  return FormatInstant(time) == text ? std::optional(time) : std::nullopt;
}

bool IsName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<uint8_t>(c) > 0x20 && c != '+' && c != '\x7f';
  });
}

}  // namespace

VerifierKey::VerifierKey(std::string_view name, crypto::PublicKey key, std::string_view key_bytes)
    : name_(name), key_(std::move(key)), key_bytes_(1, kEd25519Kind) {
  key_bytes_.append(key_bytes);
  const crypto::Digest digest = crypto::Sha256(name_, "\n", key_bytes_);
  hash_ = crypto::AsBytes(digest).substr(0, kHashBytes);
}

Result<VerifierKey> VerifierKey::Of(std::string_view name, const crypto::PublicKey& key) {
  const std::string bytes = key.Ed25519Bytes();
  if (bytes.empty()) {
    return Error{Code::kInvalid, "the key of the access log must be Ed25519", {}};
  }
  if (!IsName(name)) {
    return Error{Code::kInvalid, "the origin of the access log must be a name without spaces", {}};
  }
  return VerifierKey(name, key, bytes);
}

Result<VerifierKey> VerifierKey::Parse(std::string_view text) {
  const Error wrong = {Code::kInvalid, "the text is not a verifier key: NAME+HASH+KEY", {}};
  if (!text.empty() && text.back() == '\n') {
    text.remove_suffix(1);
  }
  const size_t first = text.find('+');
  if (first == std::string_view::npos || text.size() < first + 2 + 2 * kHashBytes) {
    return wrong;
  }
  const std::optional<std::string> bytes =
      crypto::FromBase64(text.substr(first + 2 + 2 * kHashBytes));
  if (!bytes || bytes->empty() || bytes->front() != kEd25519Kind) {
    return wrong;
  }
  const Result<crypto::PublicKey> key = crypto::PublicKey::FromEd25519(bytes->substr(1));
  if (!key) {
    return wrong;
  }
  GW_TRY(VerifierKey verifier, Of(text.substr(0, first), *key));
  if (verifier.Text() != text) {  // the hash, too, must be this key's
    return wrong;
  }
  return verifier;
}

std::string VerifierKey::Text() const {
  return name_ + "+" + crypto::Hex(hash_) + "+" + crypto::Base64(key_bytes_);
}

bool VerifierKey::Verify(std::string_view body, std::string_view signature) const {
  return key_.Verify(crypto::Algorithm::kEd25519, body, signature);
}

Result<Checkpoint> SignCheckpoint(uint64_t size, const crypto::Digest& root, Instant time,
                                  const VerifierKey& verifier, const crypto::PrivateKey& key) {
  Checkpoint checkpoint{verifier.name(), size, root, time, {}};
  std::string& note = checkpoint.signed_note;
  note = verifier.name() + "\n" + std::to_string(size) + "\n" +
         crypto::Base64(crypto::AsBytes(root)) + "\n";
  note.append(kTimeLine).append(FormatInstant(time)).append("\n");
  GW_TRY(const std::string signature, key.Sign(crypto::Algorithm::kEd25519, note));
  note.append("\n").append(kDash).append(verifier.name()).append(" ");
  note.append(crypto::Base64(verifier.hash() + signature)).append("\n");
  return checkpoint;
}

Result<Checkpoint> ParseCheckpoint(std::string_view note, const VerifierKey& verifier) {
  NoteWalk walk(note);
  const NoteParts parts = WalkNote(verifier.name(), &walk);
  if (!walk.whole() || walk.at() != note.size()) {
    return Invalid("the text is not a checkpoint of this log");
  }
  Checkpoint checkpoint;
  checkpoint.origin = verifier.name();
  const char* digits_end = parts.size.data() + parts.size.size();
  const auto [stopped, error] = std::from_chars(parts.size.data(), digits_end, checkpoint.size);
  const std::optional<std::string> root = crypto::FromBase64(parts.root);
  const std::optional<Instant> time = ParseTime(parts.time);
  if (error != std::errc() || stopped != digits_end || !root ||
      root->size() != checkpoint.root.size() || !time) {
    return Invalid("the size, root or time of the checkpoint is none");
  }
  std::copy(root->begin(), root->end(), checkpoint.root.begin());
  checkpoint.time = *time;
  const std::optional<std::string> signature = crypto::FromBase64(parts.signature);
  if (!signature || signature->size() != kHashBytes + kSignatureBytes ||
      signature->substr(0, kHashBytes) != verifier.hash() ||
      !verifier.Verify(note.substr(0, parts.body_bytes), signature->substr(kHashBytes))) {
    return Invalid("the checkpoint is not signed by this key");
  }
  checkpoint.signed_note = std::string(note);
  return checkpoint;
}

NoteList SplitNotes(std::string_view text, const VerifierKey& verifier) {
  NoteList list;
  while (list.whole_bytes < text.size()) {
    const std::string_view rest = text.substr(list.whole_bytes);
    NoteWalk walk(rest);
    WalkNote(verifier.name(), &walk);
    const size_t note_bytes = walk.at();
    walk.Literal("\n");
    if (!walk.whole()) {
      list.torn_bytes = walk.cut() ? rest.size() : 0;
      list.damaged = !walk.cut();
      break;
    }
    list.notes.push_back(rest.substr(0, note_bytes));
    list.whole_bytes += walk.at();
  }
  return list;
}

}  // namespace gw::audit
