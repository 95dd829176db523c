#include "tests/fhir/path_testing.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace gw::fhir::path {
namespace {

std::string TextOf(const Value& value) {
  if (value.kind() == Value::Kind::kQuantity) {
    return std::string(value.text()) + " '" + std::string(value.unit()) + "'";
  }
  if (value.element() != nullptr && !value.element()->has_text()) {
    return "<" + std::string(value.element()->type().name()) + ">";
  }
  return std::string(value.text());
}

}  // namespace

const Definitions& R4() {
  static const Definitions kDefinitions = Definitions::R4();
  return kDefinitions;
}

Resource Parsed(std::string_view json) {
  auto parsed = ParseJson(json, R4(), Limits());
  if (!parsed) {
    ADD_FAILURE() << parsed.error().detail << " at " << parsed.error().where;
    std::abort();
  }
  return *std::move(parsed);
}

std::string Outcome(std::string_view expression, const Element* focus, Mode mode) {
  auto compiled = Expression::Compile(expression, R4(), mode);
  if (!compiled) {
    return "error: " + compiled.error().detail + " (" + compiled.error().where + ")";
  }
  Arena arena;
  Environment environment;
  environment.arena = &arena;
  environment.definitions = &R4();
  environment.now = FromCivil({.year = 2026, .month = 1, .day = 20, .hour = 10});
  auto result = compiled->Evaluate(focus, environment);
  if (!result) {
    return "error: " + result.error().detail + " (" + result.error().where + ")";
  }
  std::string out;
  for (const Value& value : *result) {
    out += (out.empty() ? "" : " ; ") + TextOf(value);
  }
  return out;
}

}  // namespace gw::fhir::path
