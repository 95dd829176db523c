#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"

namespace gw {

// Receives one JSON document as events, in document order. A returned error stops the reading and
// comes back from ReadJson with line and column added to `where`. Views live for the call only.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  virtual Status ObjectStart() = 0;
  virtual Status Key(std::string_view name) = 0;
  virtual Status ObjectEnd() = 0;
  virtual Status ArrayStart() = 0;
  virtual Status ArrayEnd() = 0;
  virtual Status String(std::string_view text) = 0;
  virtual Status Number(std::string_view digits) = 0;  // exactly as written: 1.50 stays 1.50
  virtual Status Bool(bool value) = 0;
  virtual Status Null() = 0;

  // Where the token of the event at hand begins in the text, in bytes: for an end, the bracket.
  size_t offset() const { return offset_; }
  void SetOffset(size_t offset) { offset_ = offset; }  // for the reader only

 private:
  size_t offset_ = 0;
};

// Reads exactly one JSON document, hardened: iterative, depth, members, items and nodes bounded,
// duplicate keys, NUL bytes, U+0000, unpaired surrogates, invalid UTF-8, a byte order mark and
// trailing bytes refused. Errors: kInvalid with the rule, where = "line L, column C" (columns count
// characters); kTooLarge past a bound of `limits`; kUnprocessable for a number past the range of
// binary64. Source: RFC 8259; pitfalls R1 to R7 of RapidJSON 1.1.0. Re-entrant.
Status ReadJson(std::string_view text, const Limits& limits, JsonEvents* events);

// A small document tree, for configuration, tokens and keys: not for FHIR resources
// (fhir/resource.h is).
class Json {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

  static Result<Json> Parse(std::string_view text, const Limits& limits);

  Kind kind() const { return kind_; }
  bool is_object() const { return kind_ == Kind::kObject; }
  bool is_array() const { return kind_ == Kind::kArray; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_number() const { return kind_ == Kind::kNumber; }
  bool is_bool() const { return kind_ == Kind::kBool; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool boolean() const { return boolean_; }  // false for the other kinds
  // The string, or the digits of a number as written; empty for the other kinds.
  const std::string& text() const { return text_; }
  // A whole number of at most 18 digits; kInvalid for anything else.
  Result<int64_t> integer() const;

  const std::vector<Json>& items() const { return items_; }
  const std::vector<std::pair<std::string, Json>>& members() const { return members_; }
  const Json* Find(std::string_view name) const;  // null if absent or not an object
  // The text of a string member, or `fallback`.
  std::string_view TextOf(std::string_view name, std::string_view fallback = {}) const;

 private:
  friend class JsonTreeBuilder;
  Kind kind_ = Kind::kNull;
  bool boolean_ = false;
  std::string text_;
  std::vector<Json> items_;
  std::vector<std::pair<std::string, Json>> members_;
};

// Appends JSON to a string. The caller keeps the grammar (a key before each member); commas are its
// own business. Text is escaped; bytes that are not UTF-8 become U+FFFD.
class JsonWriter {
 public:
  explicit JsonWriter(std::string* out) : out_(out) {}
  JsonWriter& ObjectStart();
  JsonWriter& ObjectEnd();
  JsonWriter& ArrayStart();
  JsonWriter& ArrayEnd();
  JsonWriter& Key(std::string_view name);
  JsonWriter& String(std::string_view text);
  JsonWriter& Raw(std::string_view json);  // a number as written, or JSON made elsewhere
  JsonWriter& Integer(int64_t value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  // Key and String in one.
  JsonWriter& Member(std::string_view name, std::string_view text) {
    return Key(name).String(text);
  }

 private:
  void Separate();
  std::string* out_;
  bool needs_comma_ = false;
};

// Appends `text` as a JSON string, quotes included.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace gw
