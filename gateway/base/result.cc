#include "gateway/base/result.h"

namespace gw::internal {

Failure::Failure(Error&& error) : error_(new Error(std::move(error))) {}

Failure::Failure(const Failure& other)
    : error_(other.error_ == nullptr ? nullptr : new Error(*other.error_)) {}

Failure& Failure::operator=(const Failure& other) {
  Failure copy(other);
  error_ = std::move(copy.error_);
  return *this;
}

void Failure::Deleter::operator()(Error* error) const { delete error; }

}  // namespace gw::internal
