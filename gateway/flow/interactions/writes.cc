// https://hl7.org/fhir/R4/http.html#create and #update: what the two share
#include "gateway/access/label.h"
#include "gateway/flow/interactions/writes_internal.h"

namespace gw::flow {

Status MayWrite(const Asked& asked, const fhir::Resource& resource) {
  const std::vector<std::string> persons = access::PersonsOf(resource);
  const Error unknown{Code::kUnprocessable, "it must be about people who are known here",
                      std::string(resource.type()), 0};
  if (persons.empty()) {
    return unknown;
  }
  asked.record->patients = persons;
  const std::string label_class = access::LabelClassOf(resource);
  for (const std::string& person : persons) {
    const Result<fhir::StoredResource> patient = asked.parts.store.Current({"Patient", person});
    const Governing governing = asked.consents->Now(person);
    if (!patient || governing.empty()) {
      return patient || patient.error().code == Code::kNotFound ? unknown : patient.error();
    }
    access::Decision decision = asked.judge.DecideByAll(person, governing, label_class);
    const bool permit = decision.permit;
    asked.record->decisions.push_back(std::move(decision));
    if (!permit) {
      return unknown;
    }
  }
  return {};
}

Result<Found> Written(const Asked& asked, ClientWrite write) {
  const bool create = write.expected_version == 0;
  GW_TRY(fhir::StoredResource stored, asked.ingest->AcceptResource(std::move(write), asked.record));
  Found found;
  found.entry_pending = true;
  found.reply.status = asked.record->status;
  rest::AddVersionHeaders(stored, &found.reply);
  if (create) {
    found.reply.headers.emplace_back("Location", asked.parts.base_url + "/" + stored.key.type +
                                                     "/" + stored.key.id + "/_history/" +
                                                     std::to_string(stored.version));
  }
  if (asked.interaction.prefer != rest::Interaction::Return::kRepresentation) {
    found.reply.form = rest::Reply::Form::kEmpty;
  }
  found.resources.push_back(std::move(stored));
  return found;
}

}  // namespace gw::flow
