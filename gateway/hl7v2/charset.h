#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace gw::hl7v2 {

// The character sets that messages and files may be in.
enum class Charset : uint8_t {
  kUtf8,
  kAscii,
  kLatin1,
  kLatin9,
  kWindows1252,
  kUtf16,  // byte order by its mark, big-endian without one
  kUtf16Le,
  kUtf16Be
};

// A name of HL7 table 0211 ("UNICODE UTF-8", "8859/1") or its IANA name ("UTF-8", "Windows-1252"),
// without regard to case.
std::optional<Charset> CharsetNamed(std::string_view name);

// UTF-8 of bytes of that character set, a byte order mark left out.
// Errors: kInvalid with where = "byte N" (from 1) at the first byte that is not of it.
Result<std::string> DecodeStrict(std::string_view bytes, Charset charset);

// UTF-8 of bytes whose sender may have named the wrong character set.
struct Decoded {
  std::string text;
  // What is to be told where the bytes disagreed with the name; empty where they did not.
  std::string_view disagreement;
  Charset charset = Charset::kUtf8;  // what they were read as
};

// As DecodeStrict, but never fails: bytes that are no UTF-8 under a UTF-8 or ASCII name are read as
// Windows-1252; bytes under a one-byte name that are well-formed UTF-8 with multi-byte characters
// are UTF-8, since chance hardly makes those; bytes 80 to 9F under 8859 are Windows-1252. What no
// set defines becomes U+FFFD.
Decoded DecodeLenient(std::string bytes, Charset charset);

// The UTF-16 variant that a byte order mark or the pattern of zero bytes at the start shows, if
// any. `first` is the ASCII character that the text begins with where no mark stands.
std::optional<Charset> Utf16ByStart(std::string_view bytes, char first);
// The same of bytes that begin with a message or a batch, perhaps behind blanks.
std::optional<Charset> Utf16OfMessages(std::string_view bytes);

}  // namespace gw::hl7v2
