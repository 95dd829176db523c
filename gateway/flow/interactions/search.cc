// https://hl7.org/fhir/R4/http.html#search
#include "gateway/flow/interactions/interactions.h"

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

}  // namespace

Result<Found> Search(const Asked& asked) {
  fhir::Query query = asked.interaction.query;
  GW_RETURN_IF_ERROR(asked.permit.Narrow(&query));
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
