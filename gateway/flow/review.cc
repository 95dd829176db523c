#include "gateway/flow/review.h"

#include <algorithm>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/fhir/search.h"
#include "gateway/flow/permits.h"
#include "gateway/identity/matcher.h"
#include "gateway/store/store.h"

namespace gw::flow {
namespace {

constexpr std::string_view kReviewSystem = "urn:caregate:id:review";
constexpr uint32_t kLookalikesMax = 3;

// What the gateway asks for itself is not shown to anybody: only ids leave.
class SeesAll final : public store::Visibility {
 public:
  bool Sees(std::string_view /*person*/, uint64_t /*policy_class*/,
            std::string_view /*label_class*/) const override {
    return true;
  }
};

class LooksLike final : public store::Likeness {
 public:
  explicit LooksLike(std::vector<fhir::IndexEntry> patient)
      : index_(std::move(patient)), rows_(fhir::RowsOf(index_)) {}
  bool Fits(std::span<const fhir::IndexRow> patient) const override {
    return identity::MayBeSame(rows_, patient);
  }

 private:
  const std::vector<fhir::IndexEntry> index_;
  const std::vector<fhir::IndexRow> rows_;  // of index_
};

Result<store::Page> Search(std::string_view type, const std::string& text, const Parts& parts) {
  GW_TRY(const fhir::Query query,
         fhir::ParseQuery(type, text, /*lenient=*/false, parts.indexer, parts.limits));
  return parts.store.Search(query, SeesAll());
}

// Is the Consent in force, does it rest on that document, and does it permit anything?
Result<bool> PermitsBy(const std::string& document, const fhir::StoredResource& consent,
                       const Parts& parts) {
  GW_TRY(const fhir::Resource resource,
         fhir::ParseJson(consent.json, parts.definitions, parts.limits));
  const fhir::Element* root = resource.root().Child("provision");
  if (root == nullptr || resource.root().TextAt("status") != "active" ||
      resource.root().TextAt("source.reference") != document) {
    return false;
  }
  if (IsPermit(*root)) {
    return true;
  }
  const std::vector<const fhir::Element*> rules = RulesOf(*root);
  return std::any_of(rules.begin(), rules.end(),
                     [](const fhir::Element* rule) { return IsPermit(*rule); });
}

Status AddReference(fhir::Element* parent, std::string_view name, const std::string& reference) {
  GW_TRY(fhir::Element * added, parent->Add(name));
  GW_TRY([[maybe_unused]] fhir::Element * text, added->Add("reference", reference));
  return {};
}

Status AddQuestion(const Review& review, fhir::Element* task) {
  GW_TRY(fhir::Element * code, task->Add("code"));
  GW_TRY(fhir::Element * coding, code->Add("coding"));
  GW_TRY([[maybe_unused]] fhir::Element * system,
         coding->Add("system", "urn:caregate:code-system:task"));
  GW_TRY([[maybe_unused]] fhir::Element * value, coding->Add("code", review.code));
  GW_TRY([[maybe_unused]] fhir::Element * text, code->Add("text", review.text));
  GW_TRY(fhir::Element * reason, task->Add("reasonCode"));
  GW_TRY([[maybe_unused]] fhir::Element * rule, reason->Add("text", review.reason));
  return {};
}

Status AddInput(const std::string& reference, fhir::Element* task) {
  GW_TRY(fhir::Element * input, task->Add("input"));
  GW_TRY(fhir::Element * type, input->Add("type"));
  GW_TRY([[maybe_unused]] fhir::Element * text, type->Add("text", "compare"));
  return AddReference(input, "valueReference", reference);
}

}  // namespace

Result<std::optional<map::Change>> Ask(const Review& review, const Parts& parts, Instant now,
                                       const std::string& where) {
  std::vector<std::string> sorted = review.compare;
  std::sort(sorted.begin(), sorted.end());
  std::string key(review.code);
  for (const std::string& reference : sorted) {
    key += "/" + reference.substr(reference.find('/') + 1);
  }
  const fhir::Identifier identifier{std::string(kReviewSystem), key};
  GW_TRY(const std::vector<fhir::StoredResource> asked, parts.store.Find("Task", {&identifier, 1}));
  if (!asked.empty()) {
    return std::optional<map::Change>();
  }
  GW_TRY(fhir::Resource task, fhir::Resource::Make("Task", parts.definitions));
  fhir::Element& root = task.root();
  GW_TRY(fhir::Element * name, root.Add("identifier"));
  GW_TRY([[maybe_unused]] fhir::Element * system, name->Add("system", identifier.system));
  GW_TRY([[maybe_unused]] fhir::Element * value, name->Add("value", identifier.value));
  GW_TRY([[maybe_unused]] fhir::Element * status, root.Add("status", "requested"));
  GW_TRY([[maybe_unused]] fhir::Element * intent, root.Add("intent", "order"));
  GW_RETURN_IF_ERROR(AddQuestion(review, &root));
  GW_RETURN_IF_ERROR(AddReference(&root, "focus", review.compare.front()));
  GW_RETURN_IF_ERROR(AddReference(&root, "for", "Patient/" + review.patient));
  GW_TRY([[maybe_unused]] fhir::Element * authored, root.Add("authoredOn", FormatInstant(now)));
  for (const std::string& reference : review.compare) {
    GW_RETURN_IF_ERROR(AddInput(reference, &root));
  }
  return std::optional<map::Change>(
      map::Change{map::Action::kAdd, std::move(task), "", where, false, false});
}

Status KeepSourcesOfPermits(const std::vector<map::Change>& changes, const Identified& identified,
                            const Parts& parts) {
  for (size_t index = 0; index < changes.size(); ++index) {
    const Known& document = identified.resources[identified.of_change[index]];
    if (document.key.type != "DocumentReference" || document.version == 0 ||
        changes[index].fragment.root().TextAt("status") != "entered-in-error") {
      continue;
    }
    GW_TRY(const store::Consents consents, parts.store.ConsentsOf(document.home));
    for (const fhir::StoredResource& consent : consents.resources) {
      GW_TRY(const bool permits, PermitsBy("DocumentReference/" + document.key.id, consent, parts));
      const bool is_spoken_of =
          std::any_of(identified.resources.begin(), identified.resources.end(),
                      [&consent](const Known& known) { return known.key == consent.key; });
      if (permits && !is_spoken_of) {
        return Error{Code::kConflict,
                     "a consent rests on this document and permits something: what becomes of it "
                     "must be said with it (CON)",
                     changes[index].where, hl7_code::kUnknownKeyIdentifier};
      }
    }
  }
  return {};
}

Result<std::vector<std::string>> ActivePlansOf(const std::vector<std::string>& patients,
                                               const Parts& parts) {
  std::string text = "status=active&patient=";
  for (const std::string& patient : patients) {
    text += (text.ends_with('=') ? "Patient/" : ",Patient/") + patient;
  }
  GW_TRY(const store::Page page, Search("CarePlan", text, parts));
  std::vector<std::string> plans;
  for (const fhir::StoredResource& plan : page.resources) {
    plans.push_back("CarePlan/" + plan.key.id);
  }
  return plans;
}

Result<std::vector<std::string>> LookalikesOf(const fhir::Resource& patient, const Parts& parts) {
  const LooksLike likeness(parts.indexer.Index(patient));
  GW_TRY(std::vector<std::string> lookalikes,
         parts.store.Namesakes(fhir::NamesakeKeys(patient), likeness, kLookalikesMax));
  for (std::string& lookalike : lookalikes) {
    lookalike = "Patient/" + lookalike;
  }
  return lookalikes;
}

}  // namespace gw::flow
