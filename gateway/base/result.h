#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace gw {

// Why something was refused. One table maps each code to an HTTP status, a FHIR issue-type and an
// HL7 v2 acknowledgment (rest/outcome.h, hl7v2/acknowledgment.h); nothing else decides on those.
enum class Code : uint8_t {
  kInvalid,             // the bytes or values break a rule of their format
  kUnauthenticated,     // nobody, or nobody we can verify, is asking
  kForbidden,           // the caller is known and may not do this at all
  kNotFound,            // absent, or withheld: callers must not be able to tell
  kGone,                // deleted, and the caller may know that it was
  kConflict,            // somebody else changed it first, or the key is taken
  kPreconditionFailed,  // If-Match or a conditional criterion did not hold
  kTooLarge,            // past a bound of Limits
  kUnprocessable,       // well formed, yet against a business rule
  kUnsupported,         // a feature, type or media type that is not offered
  kBusy,                // a bounded queue is full; try again
  kUnavailable,         // a part that must work (store, log) does not
  kInternal,            // a fault of ours
};

// A refusal. `detail` names the rule, `where` the place: "PID-3[2].4", a FHIRPath, "line 3, column
// 9", "row 7". Neither ever holds a value from a person's record.
struct Error {
  Code code = Code::kInternal;
  std::string detail;
  std::string where;
  // The code of HL7 table 0357 where the refusal is about a v2 message, 0 where the mapping from
  // `code` serves.
  int hl7_code = 0;
};

namespace internal {

// An Error that is paid for only where there is one: success is a null pointer, so that a Status or
// Result that is passed up a deep call costs no more than its value. What handles an Error is not
// inlined, and it is passed up as it is: there are thousands of places that do no more.
class Failure {
 public:
  Failure() = default;
  explicit Failure(Error&& error);
  Failure(const Failure& other);
  Failure(Failure&&) noexcept = default;
  Failure& operator=(const Failure& other);
  Failure& operator=(Failure&&) noexcept = default;
  ~Failure() = default;

  bool is_set() const { return error_ != nullptr; }
  Error& error() { return *error_; }
  const Error& error() const { return *error_; }

 private:
  struct Deleter {
    void operator()(Error* error) const;
  };
  std::unique_ptr<Error, Deleter> error_;
};

}  // namespace internal

// Either a value or an Error: the shape of std::expected<T, Error>, which g++ 12 lacks.
template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTBEGIN(google-explicit-constructor): `return value;` and `return error;` are the idiom.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  Result(internal::Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}
  // NOLINTEND(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Precondition of the value accessors: ok(). Of error(): !ok(). Breaking it throws, which no code
  // catches but the last resort of a worker.
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  Error& error() & { return std::get<1>(state_).error(); }
  const Error& error() const& { return std::get<1>(state_).error(); }
  Error&& error() && { return std::move(std::get<1>(state_).error()); }
  // For GW_TRY: the error as it is, for another Result or Status.
  internal::Failure&& failure() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, internal::Failure> state_;
};

// A Result without a value: success, or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  // NOLINTBEGIN(google-explicit-constructor): as for Result
  Status(Error error) : failure_(std::move(error)) {}
  Status(internal::Failure failure) : failure_(std::move(failure)) {}
  // NOLINTEND(google-explicit-constructor)

  bool ok() const { return !failure_.is_set(); }
  explicit operator bool() const { return ok(); }
  // Precondition: !ok().
  Error& error() & { return failure_.error(); }
  const Error& error() const& { return failure_.error(); }
  Error&& error() && { return std::move(failure_.error()); }
  // As Result::failure().
  internal::Failure&& failure() && { return std::move(failure_); }

 private:
  internal::Failure failure_;
};

}  // namespace gw

#define GW_CONCAT_INNER(a, b) a##b
#define GW_CONCAT(a, b) GW_CONCAT_INNER(a, b)

// GW_TRY(auto x, F(a, b)): takes the value of a Result, or returns its error from the enclosing
// function.
#define GW_TRY(declaration, ...)                              \
  auto GW_CONCAT(gw_try_, __LINE__) = (__VA_ARGS__);          \
  if (!GW_CONCAT(gw_try_, __LINE__)) [[unlikely]] {           \
    return std::move(GW_CONCAT(gw_try_, __LINE__)).failure(); \
  }                                                           \
  declaration = *std::move(GW_CONCAT(gw_try_, __LINE__)) /* NOLINT(bugprone-macro-parentheses) */

// Returns the error of a Status or Result from the enclosing function, if there is one. One
// statement of one nesting level, which takes no `else` of an outer `if`.
#define GW_RETURN_IF_ERROR(...)                               \
  if (auto gw_status = (__VA_ARGS__); gw_status) [[likely]] { \
  } else                                                      \
    return std::move(gw_status).failure()
