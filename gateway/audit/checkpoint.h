#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/crypto.h"
#include "gateway/base/result.h"

namespace gw::audit {

// What the log was at one moment, signed: enough to tell later whether any entry below `size` was
// changed. Source: C2SP tlog-checkpoint, with one extension line for the time.
struct Checkpoint {
  std::string origin;       // the log's name, "caregate.example/log"
  uint64_t size = 0;        // entries covered
  crypto::Digest root{};    // of the tree over them
  Instant time;             // when it was signed, by the gateway's clock; milliseconds
  std::string signed_note;  // the exact text: body, empty line, signature line
};

// The public half of the key that signs checkpoints, bound to the log's name. Its text form is the
// verifier key of C2SP signed-note: NAME+HASH+KEY.
class VerifierKey {
 public:
  // kInvalid if the key is not Ed25519, or the name is empty, has a space, '+' or control
  // character.
  static Result<VerifierKey> Of(std::string_view name, const crypto::PublicKey& key);
  // Takes the text form, with or without a line feed behind it; kInvalid for anything else.
  static Result<VerifierKey> Parse(std::string_view text);

  const std::string& name() const { return name_; }
  std::string Text() const;
  // The first four bytes of SHA-256(name || 0x0A || 0x01 || key), which tell keys of a name apart.
  const std::string& hash() const { return hash_; }
  bool Verify(std::string_view body, std::string_view signature) const;

 private:
  VerifierKey(std::string_view name, crypto::PublicKey key, std::string_view key_bytes);

  std::string name_;
  crypto::PublicKey key_;
  std::string key_bytes_;  // 0x01 (Ed25519) and the 32 bytes of the key
  std::string hash_;
};

// Signs; `signed_note` of the result is what goes to the file. `key` is the private half of
// `verifier`.
Result<Checkpoint> SignCheckpoint(uint64_t size, const crypto::Digest& root, Instant time,
                                  const VerifierKey& verifier, const crypto::PrivateKey& key);

// Reads one note and checks its signature. kInvalid with the rule if it is not exactly a checkpoint
// of this log by this key.
Result<Checkpoint> ParseCheckpoint(std::string_view note, const VerifierKey& verifier);

// The notes of the file of checkpoints, each followed by an empty line, and what follows the last.
struct NoteList {
  std::vector<std::string_view> notes;  // views into the text
  size_t whole_bytes = 0;               // of the notes and their empty lines
  size_t torn_bytes = 0;                // at the end: a note that a crash cut short
  bool damaged = false;                 // what follows whole_bytes is neither a note nor a torn one
};
NoteList SplitNotes(std::string_view text, const VerifierKey& verifier);

}  // namespace gw::audit
