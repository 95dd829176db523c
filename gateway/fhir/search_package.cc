#include <algorithm>
#include <tuple>

#include "gateway/fhir/path/path.h"
#include "gateway/fhir/search_internal.h"

namespace gw::fhir {
namespace {

// A name that a URL's query can hold as it is; what begins with _ is R4's own.
bool IsCode(std::string_view code) {
  return !code.empty() && code.front() != '_' && std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

bool IsSame(const SearchParameter& a, const SearchParameter& b) {
  return a.kind == b.kind && a.expression == b.expression &&
         std::equal(a.targets.begin(), a.targets.end(), b.targets.begin(), b.targets.end());
}

// Why a parameter is passed over; empty where it is to be offered for the type.
std::string_view ReasonToLeaveOut(std::string_view type, const SearchParameter& parameter) {
  if (type == "AuditEvent") {
    return "the access log has an index of its own";
  }
  if (!IsIndexed(parameter.kind)) {
    return "parameters of its type are not indexed";
  }
  return IsOffered(type, parameter.code) ? "R4's own parameter of this code is offered" : "";
}

Status CheckPackageSearch(const PackageSearch& search, const Definitions& definitions) {
  const SearchParameter& parameter = search.parameter;
  const auto refuse = [&search](std::string_view what, std::string_view place) {
    return Error{Code::kInvalid, std::string(what),
                 "SearchParameter " + std::string(search.url) + ": " + std::string(place)};
  };
  if (!IsCode(parameter.code)) {
    return refuse("a code is of letters, digits, - and _, and does not begin with _", "code");
  }
  const TypeDef* base = definitions.Find(parameter.base);
  if (base == nullptr || base->kind() != Kind::kResource) {
    return refuse("not a resource type of R4", "base");
  }
  if (!IsIndexed(parameter.kind)) {
    return {};  // a composite has no expression of its own
  }
  if (parameter.expression.empty()) {
    return refuse("a search parameter is evaluated by its expression, and has none", "expression");
  }
  const auto compiled =
      path::Expression::Compile(parameter.expression, definitions, path::Mode::kLenient);
  return compiled ? Status()
                  : Status(refuse(compiled.error().detail,
                                  "expression, " + std::string(compiled.error().where)));
}

}  // namespace

bool IsIndexed(SearchKind kind) {
  return kind == SearchKind::kToken || kind == SearchKind::kReference ||
         kind == SearchKind::kDate || kind == SearchKind::kString || kind == SearchKind::kUri;
}

Result<PackageOffer> OfferOf(const Definitions& definitions,
                             std::span<const PackageSearch> searches) {
  PackageOffer offer;
  for (const PackageSearch& search : searches) {
    GW_RETURN_IF_ERROR(CheckPackageSearch(search, definitions));
    const SearchParameter& parameter = search.parameter;
    bool is_served = false;
    for (const OfferedParameters& served : AllOffered()) {
      if (!definitions.Find(served.type)->Is(parameter.base)) {
        continue;
      }
      is_served = true;
      if (const std::string_view why = ReasonToLeaveOut(served.type, parameter); !why.empty()) {
        offer.left_out.push_back(std::string(search.url) + " for " + std::string(served.type) +
                                 ": " + std::string(why));
        continue;
      }
      const auto known = std::find_if(
          offer.offered.begin(), offer.offered.end(), [&](const PackageOffer::Offered& other) {
            return other.type == served.type && other.parameter->code == parameter.code;
          });
      if (known == offer.offered.end()) {
        offer.offered.push_back({served.type, &parameter});
      } else if (!IsSame(*known->parameter, parameter)) {
        return Error{Code::kInvalid, "two packages define this code for one type differently",
                     "SearchParameter " + std::string(search.url) + ": code"};
      }
    }
    if (!is_served) {
      offer.left_out.push_back(std::string(search.url) + " for " + std::string(parameter.base) +
                               ": the type is not served");
    }
  }
  return offer;
}

}  // namespace gw::fhir
