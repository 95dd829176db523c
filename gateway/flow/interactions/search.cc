// https://hl7.org/fhir/R4/http.html#search
#include "gateway/flow/interactions/interactions.h"
#include "gateway/flow/person_links.h"

namespace gw::flow {
namespace {

// The links of a page: the parameters as they were applied, so that an ignored one is absent.
void AddLinks(const Asked& asked, const std::string& next_cursor, rest::Reply* reply) {
  const std::string page = asked.parts.base_url + "/" + asked.interaction.type;
  const auto& applied = asked.interaction.query.applied;
  reply->self_link = page + rest::QueryText(applied);
  if (!next_cursor.empty()) {
    auto parameters = applied;
    std::erase_if(parameters, [](const auto& parameter) { return parameter.first == "_cursor"; });
    parameters.emplace_back("_cursor", next_cursor);
    reply->next_link = page + rest::QueryText(parameters);
  }
}

// A merge moves no row: a search by one record of a person covers those that are one with it. What
// may be seen of them is decided of each, as of any other.
Status CoverLinked(const Parts& parts, fhir::Query* query) {
  PersonLinks links(parts);
  for (fhir::Criterion& criterion : query->criteria) {
    if (criterion.parameter->code != "patient" && criterion.parameter->code != "subject") {
      continue;
    }
    const std::vector<fhir::SearchValue> asked = criterion.values;
    for (const fhir::SearchValue& value : asked) {
      const bool of_patient =
          value.reference_type == "Patient" ||
          (value.reference_type.empty() && criterion.parameter->code == "patient");
      if (!of_patient || !criterion.modifier.empty()) {
        continue;
      }
      GW_TRY(const std::vector<std::string> set, links.SetOf(value.text));
      for (const std::string& record : set) {
        if (record != value.text) {
          criterion.values.push_back(value);
          criterion.values.back().text = record;
        }
      }
    }
  }
  return {};
}

}  // namespace

Result<Found> Search(const Asked& asked) {
  fhir::Query query = asked.interaction.query;
  GW_RETURN_IF_ERROR(CoverLinked(asked.parts, &query));
  GW_RETURN_IF_ERROR(asked.permit.Narrow(asked.actor, &query));
  GW_TRY(store::Page page, asked.parts.store.Search(query, asked.visibility));
  Found found;
  found.reply.form = rest::Reply::Form::kSearchset;
  found.reply.base_url = asked.parts.base_url;
  found.reply.ignored = query.ignored;
  if (page.total) {
    found.reply.total = static_cast<int64_t>(*page.total);
  }
  AddLinks(asked, page.next_cursor, &found.reply);
  found.resources = std::move(page.resources);
  return found;
}

}  // namespace gw::flow
