#include "tests/map/samples_testing.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "tests/map/patch_testing.h"

namespace gw::map {

namespace {

using fhir::Element;

constexpr Instant kNow{1'780'000'000'000'000};

std::string IdentityOf(const Element& resource) {
  const Element* identifier = resource.Child("identifier");
  if (identifier == nullptr) {
    return {};
  }
  return std::string(resource.type().name()) +
         "?identifier=" + std::string(identifier->TextAt("system")) + "|" +
         std::string(identifier->TextAt("value"));
}

// All identities of a resource, since a reference may use any of them.
void RewriteReferences(const std::map<std::string, std::string>& identities, Element* element) {
  if (element->name() == "reference") {
    const auto known = identities.find(std::string(element->text()));
    if (known != identities.end()) {
      element->SetText(known->second);
    }
  }
  for (Element* child = element->first_child(); child != nullptr; child = child->next()) {
    RewriteReferences(identities, child);
  }
}

bool IsOrdered(const std::string& place) {
  return place.ends_with(".name") || place.ends_with(".telecom");
}

std::string MissingItems(const Json& expected, const Json& actual, const std::string& place) {
  size_t from = 0;
  for (const Json& item : expected.items()) {
    std::string reason = "nothing there";
    bool found = false;
    for (size_t i = IsOrdered(place) ? from : 0; i < actual.items().size() && !found; ++i) {
      const std::string missing = Missing(item, actual.items()[i], place + "[]");
      found = missing.empty();
      reason = found || actual.items().size() > 1 ? reason : missing;
      from = found ? i + 1 : from;
    }
    if (!found) {
      return place + ": an item is missing (" + reason + ")";
    }
  }
  return {};
}

}  // namespace

const fhir::Definitions& Definitions() {
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  return definitions;
}

const Translator& Maps() {
  static const Result<Translator> loaded =
      Translator::Load(GW_SOURCE_DIR "/mappings", GW_SOURCE_DIR "/profiles", Definitions());
  EXPECT_TRUE(loaded.ok()) << loaded.error().detail << " at " << loaded.error().where;
  return *loaded;
}

const Exporter& BackMaps() {
  static const Result<Exporter> loaded =
      Exporter::Load(GW_SOURCE_DIR "/mappings", GW_SOURCE_DIR "/profiles", Definitions());
  EXPECT_TRUE(loaded.ok()) << loaded.error().detail << " at " << loaded.error().where;
  return *loaded;
}

fhir::Resource OwnResource(const std::string& name) {
  const std::string folder = GW_SOURCE_DIR "/mappings/fhir-to-hl7v2/message/";
  auto resource = fhir::ParseJson(ReadFile(folder + name + ".in.json"), Definitions(), Limits());
  EXPECT_TRUE(resource.ok()) << name << ": " << resource.error().where;
  return *std::move(resource);
}

fhir::Resource Parsed(const std::string& json) {
  auto resource = fhir::ParseJson(json, Definitions(), Limits());
  EXPECT_TRUE(resource.ok()) << json;
  return *std::move(resource);
}

std::string ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

Feed FeedOf(const std::string& organization) {
  Feed feed;
  feed.name = "test";
  feed.organization = organization;
  feed.coded_consent_complete = true;
  return feed;
}

Outcome TranslateMessage(std::string bytes, const Feed& feed) {
  Outcome outcome;
  const auto refused = [](const Error& error) {
    return std::to_string(error.hl7_code) + " " + error.where + ": " + error.detail;
  };
  const auto message = hl7v2::Message::Parse(std::move(bytes), {});
  if (!message) {
    outcome.refusal = refused(message.error());
    return outcome;
  }
  auto translation = Maps().FromV2(*message, feed, kNow);
  if (!translation) {
    outcome.refusal = refused(translation.error());
    return outcome;
  }
  outcome.translation = *std::move(translation);
  return outcome;
}

std::string Outcomes::Json() const {
  std::string text;
  for (const fhir::Resource& resource : resources) {
    fhir::WriteJson(resource, &text);
    text += '\n';
  }
  return text;
}

Result<Outcomes> OutcomesOf(const std::vector<Change>& changes) {
  GW_TRY(const fhir::Resource bundle, ToTransaction(changes, Definitions()));
  std::map<std::string, std::string> identities;
  std::map<std::string, const Change*> by_url;
  for (const Change& change : changes) {
    by_url[change.full_url] = &change;
    identities[change.full_url] = IdentityOf(change.fragment.root());
  }
  Outcomes outcomes;
  for (const Element* entry = bundle.root().first_child(); entry != nullptr;
       entry = entry->next()) {
    if (entry->name() != "entry") {
      continue;
    }
    const Element* content = entry->Child("resource");
    fhir::Resource resource = fhir::Resource::CopyOf(*content);
    if (entry->TextAt("request.method") == "PATCH") {
      const Change* change = by_url[std::string(entry->TextAt("fullUrl"))];
      GW_TRY(resource, fhir::Resource::Make(change->fragment.type(), Definitions()));
      if (const Element* identifier = change->fragment.root().Child("identifier")) {
        GW_TRY([[maybe_unused]] Element * key, resource.root().AddCopy("identifier", *identifier));
      }
      GW_TRY([[maybe_unused]] Element * meta, resource.root().Add("meta"));
      GW_RETURN_IF_ERROR(ApplyPatch(*content, &resource, Definitions()));
      const Element* left = resource.root().Child("meta");
      if (left != nullptr && left->first_child() == nullptr) {
        resource.root().Clear("meta");
      }
    }
    RewriteReferences(identities, &resource.root());
    outcomes.resources.push_back(std::move(resource));
  }
  return outcomes;
}

std::string Missing(const Json& expected, const Json& actual, const std::string& place) {
  if (expected.kind() != actual.kind()) {
    return place + ": another kind of value";
  }
  if (expected.is_object()) {
    for (const auto& [name, value] : expected.members()) {
      if (name.starts_with("_")) {
        continue;
      }
      const Json* found = actual.Find(name);
      if (found == nullptr) {
        return place + "." + name + ": absent";
      }
      std::string missing = Missing(value, *found, place + "." + name);
      if (!missing.empty()) {
        return missing;
      }
    }
    return {};
  }
  if (expected.is_array()) {
    return MissingItems(expected, actual, place);
  }
  return expected.text() == actual.text() ? std::string() : place + ": " + actual.text();
}

std::string WithFirstIdentities(std::string expected, const Outcomes& outcomes) {
  for (const fhir::Resource& resource : outcomes.resources) {
    const std::string first = IdentityOf(resource.root());
    for (const Element* child = resource.root().first_child(); child != nullptr;
         child = child->next()) {
      if (child->name() != "identifier") {
        continue;
      }
      const std::string other = "\"" + std::string(resource.type()) +
                                "?identifier=" + std::string(child->TextAt("system")) + "|" +
                                std::string(child->TextAt("value")) + "\"";
      for (size_t at = expected.find(other); at != std::string::npos && other.size() > 2;
           at = expected.find(other, at + 1)) {
        expected.replace(at + 1, other.size() - 2, first);
      }
    }
  }
  return expected;
}

std::vector<std::string> Differences(const Json& expected, const Outcomes& outcomes) {
  std::vector<Json> actual;
  for (const fhir::Resource& resource : outcomes.resources) {
    std::string text;
    fhir::WriteJson(resource, &text);
    actual.push_back(*Json::Parse(text, Limits()));
  }
  std::vector<std::string> differences;
  const Json* entries = expected.Find("bundle")->Find("entry");
  for (const Json& entry : entries->items()) {
    const Json& resource = *entry.Find("resource");
    std::string best;
    bool found = false;
    for (const Json& candidate : actual) {
      if (candidate.TextOf("resourceType") != resource.TextOf("resourceType") || found) {
        continue;
      }
      const std::string missing =
          Missing(resource, candidate, std::string(resource.TextOf("resourceType")));
      found = missing.empty();
      best = missing.size() > best.size() ? missing : best;
    }
    if (!found) {
      differences.push_back(std::string(entry.TextOf("identity")) + ": " +
                            (best.empty() ? "no resource of the type" : best));
    }
  }
  return differences;
}

}  // namespace gw::map
