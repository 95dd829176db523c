#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/map/samples_testing.h"

// Issue 4, item 5: FHIR -> HL7 v2 -> FHIR of our own resources is equal but for what HL7 v2 has no
// place for. That list stands here and in docs/mapping.md.

namespace gw::map {
namespace {

constexpr Instant kNow{1'780'000'000'000'000};

// HL7 v2 has no place for these, or none that says the same.
constexpr std::array<std::string_view, 20> kNoPlace = {"CarePlan.activity.detail.doNotPerform",
                                                       "CarePlan.activity.detail.performer",
                                                       "CarePlan.author",
                                                       "CarePlan.description",
                                                       "CarePlan.language",
                                                       "CarePlan.text",
                                                       "CareTeam.identifier",
                                                       "CareTeam.name",
                                                       "CareTeam.note",
                                                       "CareTeam.telecom",
                                                       "Condition.bodySite",
                                                       "Consent.policy.authority",
                                                       "Consent.verification",
                                                       "Encounter.statusHistory",
                                                       "Goal.outcomeReference",
                                                       "Goal.target.detail",
                                                       "Goal.target.measure",
                                                       "Patient.photo",
                                                       "Practitioner.qualification",
                                                       "RelatedPerson.photo"};

// What the maps that read HL7 v2 add: what follows from what was said.
constexpr std::array<std::string_view, 8> kAdded = {"CareTeam.identifier",
                                                    "CareTeam.participant.member.display",
                                                    "Condition.category",
                                                    "Consent.extension",
                                                    "Goal.achievementStatus.coding",
                                                    "Goal.addresses",
                                                    "Patient.contact",
                                                    "RelatedPerson.identifier"};

using Leaves = std::multiset<std::string>;

std::string IdentityOf(const fhir::Element& resource) {
  return std::string(resource.type().name()) +
         "?identifier=" + std::string(resource.TextAt("identifier.system")) + "|" +
         std::string(resource.TextAt("identifier.value"));
}

// "name.given=Ada": places of items in lists are not told apart, references by whom they mean.
void Collect(const fhir::Element& node, const std::string& path,
             const std::map<std::string, std::string>& identities, Leaves* leaves) {
  if (node.has_text()) {
    std::string text(node.text());
    const auto known = identities.find(text);
    leaves->insert(path + "=" + (known == identities.end() ? text : known->second));
  }
  const bool is_reference = node.type().name() == "Reference";
  for (const fhir::Element* child = node.first_child(); child != nullptr; child = child->next()) {
    const std::string_view name = child->name();
    const bool is_aside = (node.is_resource() && (name == "id" || name == "meta")) ||
                          (is_reference && (name == "type" || name == "identifier"));
    if (is_aside) {
      // A reference without a target in the Bundle means whom its identifier names.
      if (name == "identifier" && node.Child("reference") == nullptr) {
        leaves->insert(path + ".reference=" + std::string(node.TextAt("type")) +
                       "?identifier=" + std::string(child->TextAt("system")) + "|" +
                       std::string(child->TextAt("value")));
      }
      continue;
    }
    Collect(*child, path.empty() ? std::string(name) : path + "." + std::string(name), identities,
            leaves);
  }
}

std::string PathOf(std::string_view leaf) { return std::string(leaf.substr(0, leaf.find('='))); }

class Law {
 public:
  explicit Law(const std::string& version) {
    to_.version = version;
    to_.name = "law";
  }

  void Check(const std::string& file) {
    const fhir::Resource bundle = OwnResource(file);
    const auto made = BackMaps().FromFhir(bundle, to_, kNow);
    ASSERT_TRUE(made.ok()) << made.error().detail;
    std::map<std::string, Leaves> after;
    for (const auto& message : made->messages) {
      ASSERT_TRUE(message.ok()) << file << message.error().where << message.error().detail;
      Outcome outcome = TranslateMessage(message->bytes, FeedOf(""));
      ASSERT_EQ(outcome.refusal, "") << message->bytes;
      const auto outcomes = OutcomesOf(outcome.translation.changes);
      ASSERT_TRUE(outcomes.ok()) << outcomes.error().detail;
      for (const fhir::Resource& resource : outcomes->resources) {
        Join(resource, &after);
      }
    }
    Compare(file, bundle, after);
  }

  // Each entry of the lists is there for a reason that a case shows.
  std::set<std::string> missing, added;

 private:
  // Of several messages about one resource, each says what the others leave.
  static void Join(const fhir::Resource& resource, std::map<std::string, Leaves>* after) {
    Leaves leaves;
    Collect(resource.root(), "", {}, &leaves);
    Leaves& all = (*after)[IdentityOf(resource.root())];
    for (const std::string& leaf : leaves) {
      if (all.count(leaf) < leaves.count(leaf)) {
        all.insert(leaf);
      }
    }
  }

  void Compare(const std::string& file, const fhir::Resource& bundle,
               const std::map<std::string, Leaves>& after) {
    std::map<std::string, std::string> identities;
    for (const fhir::Element* entry = bundle.root().first_child(); entry != nullptr;
         entry = entry->next()) {
      if (entry->name() == "entry") {
        identities[std::string(entry->TextAt("fullUrl"))] = IdentityOf(*entry->Child("resource"));
      }
    }
    for (const fhir::Element* entry = bundle.root().first_child(); entry != nullptr;
         entry = entry->next()) {
      if (entry->name() != "entry") {
        continue;
      }
      const fhir::Element& resource = *entry->Child("resource");
      Leaves had;
      Collect(resource, "", identities, &had);
      const std::string type(resource.type().name());
      const auto found = Find(resource, after);
      ASSERT_NE(found, after.end()) << file << ": " << IdentityOf(resource) << " is gone";
      List(had, found->second, file + ": " + type + ".", kNoPlace, type + ".", &missing);
      List(found->second, had, file + " (added): " + type + ".", kAdded, type + ".", &added);
    }
  }

  // The team of a person is known by the person and its sender, an allergy by the person and what
  // it is to: there is one.
  static std::map<std::string, Leaves>::const_iterator Find(
      const fhir::Element& resource, const std::map<std::string, Leaves>& after) {
    const auto found = after.find(IdentityOf(resource));
    return found != after.end() || resource.type().name() != "CareTeam"
               ? found
               : std::find_if(after.begin(), after.end(),
                              [](const auto& each) { return each.first.starts_with("CareTeam?"); });
  }

  template <size_t N>
  static void List(const Leaves& has, const Leaves& other, const std::string& where,
                   const std::array<std::string_view, N>& allowed, const std::string& type,
                   std::set<std::string>* seen) {
    for (const std::string& leaf : std::set<std::string>(has.begin(), has.end())) {
      if (has.count(leaf) <= other.count(leaf)) {
        continue;
      }
      const std::string path = type + PathOf(leaf);
      const auto known = std::find_if(allowed.begin(), allowed.end(), [&](std::string_view entry) {
        return path == entry || path.starts_with(std::string(entry) + ".");
      });
      if (known == allowed.end()) {
        ADD_FAILURE() << where << leaf;
      } else {
        seen->insert(std::string(*known));
      }
    }
  }

  Destination to_;
};

TEST(ExportLaw, OwnResourcesComeBackButForWhatHl7V2HasNoPlaceFor) {
  Law law("2.8");
  for (const char* file : {"PPP_PCB.plan", "ADT_A05.person", "ADT_A05.team", "MDM_T02.consent",
                           "ADT_A01.visit", "PGL_PC6.goal", "PPR_PC1.problem"}) {
    law.Check(file);
  }
  const std::string page = ReadFile(GW_SOURCE_DIR "/docs/mapping.md");
  for (const std::string_view entry : kNoPlace) {
    EXPECT_TRUE(law.missing.contains(std::string(entry))) << "it has a place: " << entry;
    EXPECT_NE(page.find("`" + std::string(entry) + "`"), std::string::npos)
        << "docs/mapping.md does not list " << entry;
  }
  for (const std::string_view entry : kAdded) {
    EXPECT_TRUE(law.added.contains(std::string(entry))) << "nothing is added: " << entry;
  }
}

// With ROL instead of PRT the same comes back, but for what the older version lacks.
TEST(ExportLaw, AnOlderReceiverSaysWhatItsVersionLacks) {
  Destination to;
  to.name = "old";
  to.version = "2.5.1";
  const auto made = BackMaps().FromFhir(OwnResource("PPP_PCB.plan"), to, kNow);
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made->messages.size(), 1u);
  ASSERT_TRUE(made->messages[0].ok());
  const ExportedMessage& message = *made->messages[0];
  EXPECT_EQ(message.type, "PPP^PCB");
  EXPECT_NE(message.bytes.find("\rROL|R-1^CARE1|AD|768820003"), std::string::npos);
  EXPECT_EQ(message.bytes.find("\rPRT|"), std::string::npos);
  std::set<std::string> left;
  for (const Remark& remark : message.remarks) {
    left.insert(remark.code + " " + remark.where);
  }
  EXPECT_TRUE(left.contains("not-in-version PRB-26")) << "a severity came with 2.6";
  EXPECT_TRUE(left.contains("not-in-version PTH-7")) << "a mood came with 2.6";
  // An organisation has no place in ROL: it is listed, with the place in FHIR.
  EXPECT_NE(std::find(message.unwritten.begin(), message.unwritten.end(),
                      "CareTeam[1].participant[3].id"),
            message.unwritten.end());
}

}  // namespace
}  // namespace gw::map
