#include <algorithm>
#include <utility>

#include "gateway/base/utf8.h"
#include "gateway/hl7v2/charset.h"
#include "gateway/map/csv/model.h"

namespace gw::map {
namespace {

// How many lines end in the text: at CR, LF or CRLF. One that is cut between CR and LF ends there.
uint32_t LineEnds(std::string_view text) {
  uint32_t ends = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool second = text[i] == '\n' && i > 0 && text[i - 1] == '\r';
    ends += (text[i] == '\n' || text[i] == '\r') && !second ? 1U : 0U;
  }
  return ends;
}

// The place of a byte of the text, lines and columns from 1; columns count bytes.
std::string PlaceIn(std::string_view text, size_t at) {
  const std::string_view before = text.substr(0, at);
  const size_t line_end = before.find_last_of("\r\n");
  const size_t line_start = line_end == before.npos ? 0 : line_end + 1;
  return "line " + std::to_string(LineEnds(before) + 1) + ", column " +
         std::to_string(at - line_start + 1);
}

// One pass over the text; a record ends at CR, LF or CRLF outside quotes.
class Splitter {
 public:
  Splitter(std::string_view text, const Feed& feed, const Limits& limits)
      : text_(text),
        delimiter_(feed.delimiter.empty() ? ',' : feed.delimiter[0]),
        quote_(feed.quote.empty() ? '\0' : feed.quote[0]),
        limits_(limits) {}

  Result<std::vector<CsvRecord>> Run() {
    std::vector<CsvRecord> records;
    while (at_ < text_.size()) {
      if (records.size() > limits_.csv_rows_max) {
        return Error{Code::kTooLarge, "more rows than the limit", PlaceIn(text_, at_)};
      }
      CsvRecord record;
      record.row = static_cast<uint32_t>(records.size());
      record.line = line_;
      GW_RETURN_IF_ERROR(ReadRecord(&record));
      records.push_back(std::move(record));
    }
    return records;
  }

 private:
  bool AtEnd() const { return at_ >= text_.size(); }
  bool AtLineEnd() const { return AtEnd() || text_[at_] == '\r' || text_[at_] == '\n'; }

  void PassLineEnd() {
    if (AtEnd()) {
      return;
    }
    const bool pair = text_.substr(at_).starts_with("\r\n");
    at_ += pair ? 2 : 1;
    ++line_;
  }

  Status ReadRecord(CsvRecord* record) {
    while (true) {
      if (record->cells.size() == limits_.csv_columns_max) {
        return Error{Code::kTooLarge, "more columns than the limit", PlaceIn(text_, at_)};
      }
      std::string& cell = record->cells.emplace_back();
      const bool quoted = quote_ != '\0' && !AtEnd() && text_[at_] == quote_;
      GW_RETURN_IF_ERROR(quoted ? ReadQuoted(&cell) : ReadPlain(&cell));
      if (AtLineEnd()) {
        PassLineEnd();
        return {};
      }
      ++at_;  // the delimiter
    }
  }

  Status ReadPlain(std::string* cell) {
    const size_t begin = at_;
    while (!AtLineEnd() && text_[at_] != delimiter_) {
      ++at_;
    }
    *cell = text_.substr(begin, at_ - begin);
    return {};
  }

  Status ReadQuoted(std::string* cell) {
    const size_t opening = at_++;
    while (true) {
      const size_t closing = text_.find(quote_, at_);
      if (closing == text_.npos) {
        return Error{Code::kInvalid, "a quote that nothing closes", PlaceIn(text_, opening)};
      }
      const std::string_view part = text_.substr(at_, closing - at_);
      line_ += LineEnds(part);
      cell->append(part);
      at_ = closing + 1;
      if (AtEnd() || text_[at_] != quote_) {
        break;
      }
      cell->push_back(quote_);  // a doubled quote is one
      ++at_;
    }
    while (!AtEnd() && text_[at_] == ' ' && delimiter_ != ' ') {
      ++at_;
    }
    if (!AtLineEnd() && text_[at_] != delimiter_) {
      return Error{Code::kInvalid, "text after a closing quote", PlaceIn(text_, at_)};
    }
    return {};
  }

  std::string_view text_;
  char delimiter_;
  char quote_;  // 0: none
  const Limits& limits_;
  size_t at_ = 0;
  uint32_t line_ = 1;
};

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

bool IsOneByte(hl7v2::Charset charset) {
  return charset == hl7v2::Charset::kLatin1 || charset == hl7v2::Charset::kLatin9 ||
         charset == hl7v2::Charset::kWindows1252;
}

// Does a byte order mark say another encoding than the feed?
bool ContradictsMark(std::string_view bytes, hl7v2::Charset charset) {
  const bool is_utf16 = charset == hl7v2::Charset::kUtf16 || charset == hl7v2::Charset::kUtf16Le ||
                        charset == hl7v2::Charset::kUtf16Be;
  const bool has_utf16_mark = bytes.starts_with("\xFE\xFF") || bytes.starts_with("\xFF\xFE");
  return (bytes.starts_with(kUtf8Mark) &&
          (is_utf16 || IsOneByte(charset) || charset == hl7v2::Charset::kAscii)) ||
         (has_utf16_mark && !is_utf16);
}

// ISO 8859 has control characters there that no text has: the bytes are of another set.
size_t FirstControlOf8859(std::string_view bytes, hl7v2::Charset charset) {
  const auto* const found = std::find_if(bytes.begin(), bytes.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 && static_cast<unsigned char>(c) <= 0x9F;
  });
  const bool is_8859 = charset == hl7v2::Charset::kLatin1 || charset == hl7v2::Charset::kLatin9;
  return is_8859 && found != bytes.end() ? static_cast<size_t>(found - bytes.begin()) : bytes.npos;
}

}  // namespace

bool LooksLikeUtf8(std::string_view bytes, const Feed& feed) {
  const auto charset = hl7v2::CharsetNamed(feed.encoding);
  const bool has_more = std::any_of(bytes.begin(), bytes.end(),
                                    [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return charset && IsOneByte(*charset) && has_more && IsValidUtf8(bytes);
}

Result<std::vector<CsvRecord>> ReadCsv(std::string_view bytes, const Feed& feed,
                                       const Limits& limits) {
  if (bytes.size() > limits.csv_bytes_max) {
    return Error{Code::kTooLarge, "the file is larger than the limit", "line 1, column 1"};
  }
  const auto charset = hl7v2::CharsetNamed(feed.encoding);
  if (!charset) {
    return Error{Code::kInvalid, "no such encoding is offered", "encoding"};
  }
  if (ContradictsMark(bytes, *charset)) {
    return Error{Code::kInvalid, "a byte order mark of another encoding than the feed's", "byte 1"};
  }
  if (const size_t at = FirstControlOf8859(bytes, *charset); at != bytes.npos) {
    return Error{Code::kInvalid,
                 "a control character of ISO 8859: the bytes are of another encoding",
                 "byte " + std::to_string(at + 1)};
  }
  auto text = hl7v2::DecodeStrict(bytes, *charset);
  if (!text) {
    return Error{Code::kInvalid, "bytes that are not of the feed's encoding", text.error().where};
  }
  if (const size_t nul = text->find('\0'); nul != text->npos) {
    return Error{Code::kInvalid, "a NUL character", PlaceIn(*text, nul)};
  }
  return Splitter(*text, feed, limits).Run();
}

}  // namespace gw::map
