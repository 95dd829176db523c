// https://hl7.org/fhir/R4/http.html#search, on AuditEvent: out of the access log, never out of the
// store
#include <algorithm>

#include "gateway/flow/interactions/interactions.h"

namespace gw::flow {
namespace {

constexpr uint32_t kEntriesAtOnce = 4096;

// The index follows the log: what was appended since it was last asked goes in first.
Status CatchUp(const Parts& parts) {
  while (true) {
    GW_TRY(const uint64_t next, parts.access_index.Next());
    GW_TRY(const std::vector<audit::Stored> entries, parts.log.ReadFrom(next, kEntriesAtOnce));
    if (entries.empty()) {
      return {};
    }
    std::vector<store::AccessRow> rows;
    rows.reserve(entries.size());
    for (const audit::Stored& stored : entries) {
      const Result<AccessRecord> record = FromBytes(stored.entry.bytes);
      // What the log says of itself has no record's form; its place is kept, so that the index goes
      // on.
      rows.push_back(record ? ToRow(*record, stored.index)
                            : store::AccessRow{stored.index, stored.entry.id, {}, {}, {}, ""});
    }
    GW_RETURN_IF_ERROR(parts.access_index.Add(rows));
  }
}

// A date's interval narrows [from, until). R4 search.html 3.1.1.5.6.
Status NarrowDates(const fhir::SearchValue& value, store::AccessQuery* query) {
  const auto from = [&](int64_t us) {
    query->from = std::max(query->from.value_or(Instant{us}), Instant{us});
  };
  const auto until = [&](int64_t us) {
    query->until = std::min(query->until.value_or(Instant{us}), Instant{us});
  };
  switch (value.prefix) {
    case fhir::Prefix::kEq:
      from(value.low_us);
      until(value.high_us);
      return {};
    case fhir::Prefix::kGe:
      from(value.low_us);
      return {};
    case fhir::Prefix::kGt:
    case fhir::Prefix::kSa:
      from(value.high_us);
      return {};
    case fhir::Prefix::kLt:
    case fhir::Prefix::kEb:
      until(value.low_us);
      return {};
    case fhir::Prefix::kLe:
      until(value.high_us);
      return {};
    default:
      return Error{Code::kInvalid, "this prefix is not offered for AuditEvent", "date", 0};
  }
}

Result<store::AccessQuery> QueryOf(const fhir::Query& query) {
  store::AccessQuery asked;
  asked.count = query.count;
  asked.cursor = query.cursor;
  for (const fhir::Criterion& criterion : query.criteria) {
    const std::string_view code = criterion.parameter->code;
    if (code == "date" && criterion.values.size() > 1) {
      return Error{Code::kInvalid, "one date at a time is offered for AuditEvent", "date", 0};
    }
    std::vector<std::string>* const texts = code == "patient"   ? &asked.patients
                                            : code == "agent"   ? &asked.agents
                                            : code == "outcome" ? &asked.outcomes
                                                                : nullptr;
    for (const fhir::SearchValue& value : criterion.values) {
      if (code == "date") {
        GW_RETURN_IF_ERROR(NarrowDates(value, &asked));
      } else if (code == "_id") {
        asked.id = value.text;
      } else if (texts != nullptr) {
        texts->push_back(value.text);
      } else {
        return Error{Code::kInvalid, "this search parameter is not offered", std::string(code), 0};
      }
    }
  }
  return asked;
}

}  // namespace

Result<Found> SearchLog(const Asked& asked) {
  GW_TRY(const store::AccessQuery query, QueryOf(asked.interaction.query));
  GW_RETURN_IF_ERROR(CatchUp(asked.parts));
  GW_TRY(const store::AccessPage page, asked.parts.access_index.Search(query));
  Found found;
  found.from_log = true;
  for (const uint64_t index : page.entries) {
    GW_TRY(const std::vector<audit::Stored> entries, asked.parts.log.ReadFrom(index, 1));
    if (entries.empty()) {
      return Error{Code::kUnavailable, "the access log lacks an entry that its index has", "", 0};
    }
    const Result<AccessRecord> record = FromBytes(entries.front().entry.bytes);
    if (record) {  // what the log says of itself is no AuditEvent of anybody's access
      found.resources.push_back(ToAuditEvent(*record, asked.parts.source_name));
    }
  }
  found.reply.form = rest::Reply::Form::kSearchset;
  found.reply.base_url = asked.parts.base_url;
  found.reply.ignored = asked.interaction.query.ignored;
  const std::string base = asked.parts.base_url + "/AuditEvent";
  auto parameters = asked.interaction.query.applied;
  found.reply.self_link = base + rest::QueryText(parameters);
  if (!page.next_cursor.empty()) {
    std::erase_if(parameters, [](const auto& parameter) { return parameter.first == "_cursor"; });
    parameters.emplace_back("_cursor", page.next_cursor);
    found.reply.next_link = base + rest::QueryText(parameters);
  }
  return found;
}

}  // namespace gw::flow
