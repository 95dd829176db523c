#include "gateway/flow/apply.h"

#include <algorithm>
#include <unordered_set>

#include "gateway/base/hl7_code.h"
#include "gateway/flow/older.h"

namespace gw::flow {
namespace {

// The shard of what concerns nobody.
constexpr std::string_view kNoPerson;
const std::string kNobody;
constexpr size_t kUsualJsonBytes = 2048;
// Earlier versions that one message may have read and parsed.
constexpr uint32_t kLooksMax = 1000;

Status Conform(const fhir::Resource& resource, const Parts& parts) {
  for (const validate::Issue& issue : parts.validator.Check(resource)) {
    if (issue.severity == validate::Severity::kError) {
      return Error{Code::kUnprocessable, issue.detail, issue.location, hl7_code::kDataTypeError};
    }
  }
  return {};
}

// The targets of a Provenance, each once; a message may make thousands.
class Targets {
 public:
  explicit Targets(fhir::Element* provenance) : provenance_(provenance) {
    for (const fhir::Element* child = provenance->first_child(); child != nullptr;
         child = child->next()) {
      if (child->name() == "target") {
        named_.emplace(child->TextAt("reference"));
      }
    }
  }

  Status Add(std::string reference) {
    const auto [name, is_new] = named_.insert(std::move(reference));
    if (!is_new) {
      return {};
    }
    GW_TRY(fhir::Element * target, provenance_->Add("target"));
    GW_RETURN_IF_ERROR(target->Add("reference", *name));
    return {};
  }

 private:
  fhir::Element* provenance_;
  std::unordered_set<std::string> named_;
};

// What the Provenance of a message speaks of: the versions it made, and whose record they are in.
Status AddTargets(Identified* identified, fhir::Resource* provenance) {
  Targets targets(&provenance->root());
  for (const Known& known : identified->resources) {
    if (known.changed && known.key.type != "Provenance") {
      const std::string version = "/_history/" + std::to_string(known.version + 1);
      GW_RETURN_IF_ERROR(targets.Add(known.key.type + "/" + known.key.id + version));
    }
  }
  for (const Known& known : identified->resources) {
    const std::string& person = known.key.type == "Patient" ? known.key.id
                                : known.changed             ? known.home
                                                            : kNobody;
    if (!person.empty()) {
      GW_RETURN_IF_ERROR(targets.Add("Patient/" + person));
    }
  }
  return {};
}

// What the message was taken by, as an entity of the Provenance: the feed, the maps' version.
Status AddMeans(std::string_view system, std::string_view value, fhir::Resource* provenance) {
  if (value.empty()) {
    return {};
  }
  GW_TRY(fhir::Element * entity, provenance->root().Add("entity"));
  GW_TRY(const fhir::Element* role, entity->Add("role", "derivation"));
  GW_TRY(fhir::Element * what, entity->Add("what"));
  GW_TRY(fhir::Element * identifier, what->Add("identifier"));
  GW_TRY(const fhir::Element* named, identifier->Add("system", system));
  GW_TRY(const fhir::Element* text, identifier->Add("value", value));
  static_cast<void>(role);
  static_cast<void>(named);
  static_cast<void>(text);
  return {};
}

std::string_view LastUpdateOf(const fhir::Resource& patient) {
  for (const fhir::Element* child = patient.root().first_child(); child != nullptr;
       child = child->next()) {
    if (child->name() == "extension" && child->TextAt("url") == kLastUpdate) {
      return child->TextAt("value");
    }
  }
  return {};
}

bool IsOlder(const fhir::Resource& patient, const fhir::Resource& current) {
  const std::string_view said = LastUpdateOf(patient);
  const std::string_view held = LastUpdateOf(current);
  return patient.type() == "Patient" && !said.empty() && !held.empty() && IsBefore(said, held);
}

// Would the operation change something that stands there?
bool Overwrites(const map::Operation& operation, const fhir::Element& current) {
  using Kind = map::Operation::Kind;
  if (operation.kind == Kind::kRemove || operation.kind == Kind::kRemoveItem) {
    return true;
  }
  const std::string name = operation.path.substr(0, operation.path.find('.'));
  if (operation.kind == Kind::kAddItem && name != "extension") {
    return false;
  }
  if (operation.kind == Kind::kAddItem) {
    for (const fhir::Element* child = current.first_child(); child != nullptr;
         child = child->next()) {
      if (child->name() == name && child->TextAt("url") == operation.values[0]->TextAt("url")) {
        return true;
      }
    }
    return false;
  }
  const fhir::ElementDef* element = current.type().ByJsonName(name).element;
  return current.Child(element == nullptr ? std::string_view(name) : element->name) != nullptr;
}

class SeesAll final : public store::Visibility {
 public:
  bool Sees(std::string_view, uint64_t, std::string_view) const override { return true; }
};

// Did an earlier version have what the change takes out? Then it is said once more, and that is no
// error (decision 2). `*looks`: how many versions the message may look at still. Errors:
// kUnavailable.
Result<bool> StoodBefore(const map::Change& change, const Known& known, const Parts& parts,
                         uint32_t* looks) {
  constexpr uint64_t kVersionsMax = 100;  // whoever left longer ago than that is unknown
  for (uint64_t back = 1; back < known.version && back <= kVersionsMax && *looks > 0; ++back) {
    --*looks;
    const auto stored = parts.store.ReadVersion(known.key, known.version - back, SeesAll());
    if (!stored && stored.error().code == Code::kUnavailable) {
      return stored.error();
    }
    if (!stored) {
      continue;
    }
    GW_TRY(const fhir::Resource before,
           fhir::ParseJson(stored->json, parts.definitions, parts.limits));
    if (map::OperationsOf(change, before)) {
      return true;
    }
  }
  return false;
}

void Tell(std::vector<map::Note>* notes, const std::string& where,
          std::vector<map::Remark>* remarks) {
  for (map::Note& note : *notes) {
    remarks->push_back({'W', std::string(note.code), where, std::move(note.text)});
  }
}

// How the changes of a message are applied.
struct Applying {
  const Parts& parts;
  bool upsert;
  std::vector<map::Remark>* remarks;
  uint32_t looks = kLooksMax;  // at earlier versions, which are left
};

// The operations of one change; what of it is not done becomes remarks.
Result<std::vector<map::Operation>> ToldOperations(const map::Change& change, const Known& known,
                                                   Applying* how) {
  std::vector<map::Note> notes;
  map::Comparison comparison{.repeated = false, .upsert = how->upsert, .notes = &notes};
  auto operations = map::OperationsOf(change, *known.current, comparison);
  if (!operations && operations.error().code == Code::kNotFound) {
    GW_TRY(comparison.repeated, StoodBefore(change, known, how->parts, &how->looks));
    if (comparison.repeated) {
      notes.clear();
      operations = map::OperationsOf(change, *known.current, comparison);
    }
  }
  Tell(&notes, change.where, how->remarks);
  return operations;
}

// What nobody knew yet becomes a resource of the change.
Status CreateOne(map::Change* change, bool upsert, Known* known,
                 std::vector<map::Remark>* remarks) {
  if (upsert &&
      (change->action == map::Action::kUpdate || change->action == map::Action::kCorrect)) {
    change->action = map::Action::kAdd;
  }
  std::vector<map::Note> notes;
  auto created = map::Create(change, &notes, upsert);
  Tell(&notes, change->where, remarks);
  if (!created) {
    return created.error();
  }
  if (!*created) {
    return {};
  }
  if (change->stub || change->action == map::Action::kLink) {
    remarks->push_back({'W', "stub-created", change->where,
                        "what it refers to was not known, and was created by its identifier"});
  }
  known->changed = true;
  known->current = *std::move(created);
  return {};
}

Status ChangeOne(const map::Change& change, Applying* how, Known* known) {
  const fhir::Resource& current = *known->current;
  GW_TRY(std::vector<map::Operation> operations, ToldOperations(change, *known, how));
  if (IsOlder(change.fragment, current)) {
    std::erase_if(operations, [&current](const map::Operation& operation) {
      return Overwrites(operation, current.root());
    });
    how->remarks->push_back(
        {'W', "older-update", "PID-33",
         "older than what is held of the person: only what was not known is taken"});
  }
  GW_TRY(fhir::Resource result, map::Apply(change, operations, current));
  std::vector<map::Note> notes;
  map::AlignPeriods(&result, &notes);
  Tell(&notes, change.where, how->remarks);
  if (!map::SameContent(current, result) || !map::SameLabels(current, result)) {
    known->changed = true;
    known->current.emplace(std::move(result));
  }
  return {};
}

}  // namespace

Status WhollyTaken(const map::Translation& translation) {
  for (const map::Remark& remark : translation.remarks) {
    if (remark.severity == 'E') {
      return Error{Code::kUnprocessable, remark.text, remark.where,
                   hl7_code::kUnknownKeyIdentifier};
    }
  }
  return {};
}

Status ApplyChanges(std::vector<map::Change>* changes, Identified* identified, bool upsert,
                    const Parts& parts) {
  Applying how{parts, upsert, &identified->remarks};
  for (size_t index = 0; index < changes->size(); ++index) {
    map::Change& change = (*changes)[index];
    Known& known = identified->resources[identified->of_change[index]];
    if (!known.current) {
      GW_RETURN_IF_ERROR(CreateOne(&change, upsert, &known, &identified->remarks));
    } else if (!change.stub) {  // a stub was only to be there
      GW_RETURN_IF_ERROR(ChangeOne(change, &how, &known));
    }
  }
  return {};
}

Status KeepNewer(uint64_t number, Identified* identified, store::Store* store) {
  for (Known& known : identified->resources) {
    if (!known.changed || known.version == 0) {
      continue;
    }
    GW_TRY(const std::vector<store::VersionOrigin> versions,
           store->archive().VersionsOf(known.key));
    known.changed = !versions.empty() && versions.front().message == number;
  }
  return {};
}

Result<store::Write> WriteOf(fhir::Resource* resource, const Known& known, const Parts& parts,
                             Instant now) {
  resource->SetId(known.key.id);
  resource->SetVersion(known.version + 1, FormatInstant(now));
  GW_TRY(const int labels, parts.labeller.Label(resource));
  static_cast<void>(labels);
  GW_RETURN_IF_ERROR(Conform(*resource, parts));
  store::Write write;
  write.stored.key = known.key;
  write.stored.version = known.version + 1;
  write.stored.last_updated = now;
  write.stored.json.reserve(kUsualJsonBytes);
  fhir::WriteJson(*resource, &write.stored.json);
  write.stored.label_class = access::LabelClassOf(*resource);
  write.stored.persons = access::PersonsOf(*resource);
  write.expected_version = known.version;
  write.home = write.stored.persons.empty() ? std::string(kNoPerson) : write.stored.persons.front();
  if (known.version != 0 && write.home != known.home) {
    return Error{Code::kUnprocessable, "a resource stays with the person it was made for",
                 known.key.type, hl7_code::kUnknownKeyIdentifier};
  }
  const bool personal = !parts.definitions.PatientCompartment(known.key.type).empty();
  if (personal && write.stored.persons.empty()) {
    return Error{Code::kUnprocessable, "it must say whose record it is in", known.key.type,
                 hl7_code::kRequiredFieldMissing};
  }
  write.compartments = parts.indexer.CompartmentsOf(*resource);
  write.index = parts.indexer.Index(*resource);
  write.claims = known.claims;
  return write;
}

Result<std::vector<store::Write>> WritesOf(Identified* identified, const Parts& parts, Instant now,
                                           std::string_view map_version, AccessRecord* record) {
  std::vector<store::Write> writes;
  const bool any = std::any_of(
      identified->resources.begin(), identified->resources.end(),
      [](const Known& known) { return known.changed && known.key.type != "Provenance"; });
  for (Known& known : identified->resources) {
    if (!known.changed || !any) {
      continue;
    }
    if (known.key.type == "Provenance") {
      GW_RETURN_IF_ERROR(AddTargets(identified, &*known.current));
      GW_RETURN_IF_ERROR(AddMeans("urn:caregate:map-version", map_version, &*known.current));
      GW_RETURN_IF_ERROR(AddMeans("urn:caregate:feed", record->feed, &*known.current));
    }
    GW_TRY(store::Write write, WriteOf(&*known.current, known, parts, now));
    record->resources.push_back(known.key.type + "/" + known.key.id + "/_history/" +
                                std::to_string(write.stored.version));
    writes.push_back(std::move(write));
  }
  for (const Known& known : identified->resources) {
    if (known.key.type == "Patient") {
      record->patients.push_back(known.key.id);
    }
  }
  return writes;
}

Status KeepLabels(const fhir::StoredResource& current, const Parts& parts,
                  fhir::Resource* resource) {
  GW_TRY(const fhir::Resource stored,
         fhir::ParseJson(current.json, parts.definitions, parts.limits));
  const fhir::Element* meta = stored.root().Child("meta");
  for (const fhir::Element* label = meta == nullptr ? nullptr : meta->first_child();
       label != nullptr; label = label->next()) {
    if (label->name() != "security") {
      continue;
    }
    fhir::Element* kept = resource->root().Child("meta");
    if (kept == nullptr) {
      GW_TRY(kept, resource->root().Add("meta"));
    }
    GW_TRY(const fhir::Element* copy, kept->AddCopy("security", *label));
    static_cast<void>(copy);
  }
  return {};
}

Result<std::vector<fhir::Identifier>> ClaimsOf(const fhir::Resource& resource, const fhir::Key& key,
                                               store::Store* store) {
  std::vector<fhir::Identifier> free;
  for (fhir::Identifier& identifier : IdentifiersOf(resource.root())) {
    GW_TRY(const std::vector<fhir::StoredResource> holders,
           store->Find(key.type, {&identifier, 1}));
    if (std::all_of(holders.begin(), holders.end(),
                    [&](const fhir::StoredResource& holder) { return holder.key == key; })) {
      free.push_back(std::move(identifier));
    }
  }
  return free;
}

}  // namespace gw::flow
