#include <map>
#include <optional>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/base/percent.h"
#include "gateway/map/change/change.h"
#include "gateway/map/change/internal.h"
#include "gateway/map/change/patch_internal.h"

namespace gw::map {

namespace {

using fhir::Element;
using fhir::Resource;

constexpr std::string_view kUrn = "urn:uuid:";

// Escapes a value for a search parameter (R4 search 3.1.1.3.1: \ before , $ | \) and then for the
// query of a URL (RFC 3986).
std::string SearchValue(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    escaped += c == ',' || c == '$' || c == '|' || c == '\\' ? "\\" : "";
    escaped += c;
  }
  return PercentEncoded(escaped, ":/@!*()");
}

// "identifier=system|value" of a fragment's key, empty where it has none. "|value" is a key without
// a system; "value" would be that of any (R4 search 3.1.1.4.10).
std::string QueryOf(const Resource& fragment) {
  const Element* identifier = fragment.root().Child("identifier");
  if (identifier == nullptr || identifier->TextAt("value").empty()) {
    return {};
  }
  return "identifier=" + SearchValue(identifier->TextAt("system")) + "|" +
         SearchValue(identifier->TextAt("value"));
}

// How an entry is asked for.
enum class Verb : uint8_t { kNone, kPost, kPut, kPatch };

Verb VerbOf(const Change& change, const std::vector<Operation>& operations) {
  if (change.if_known) {
    return operations.empty() ? Verb::kNone : Verb::kPatch;
  }
  switch (change.action) {
    case Action::kAdd:
      return Verb::kPost;
    case Action::kLink:
      return operations.empty() ? Verb::kPost : Verb::kPatch;
    case Action::kMerge:
      if (change.stub || QueryOf(change.fragment).empty()) {
        return Verb::kPost;
      }
      return HasMarkedItems(change.fragment) ? Verb::kPatch : Verb::kPut;
    default:
      return operations.empty() ? Verb::kNone : Verb::kPatch;
  }
}

// Rewrites literal references to what has no entry of its own, or to everything where the content
// will be stored as bytes: a search for the identifier in the place of the urn:uuid (R4 http
// 3.1.0.11.2, conditional references).
class References {
 public:
  void Know(const Change& change) {
    const std::string query = QueryOf(change.fragment);
    if (!query.empty()) {
      queries_[change.full_url] = std::string(change.fragment.type()) + "?" + query;
    }
  }
  void HasEntry(const Change& change) { entries_[change.full_url] = true; }
  void Rewrite(Element* element, bool all) const {
    if (element->name() == "reference" && element->text().substr(0, kUrn.size()) == kUrn) {
      const std::string url(element->text());
      const auto query = queries_.find(url);
      if (query != queries_.end() && (all || entries_.count(url) == 0)) {
        element->SetText(query->second);
      }
    }
    for (Element* child = element->first_child(); child != nullptr; child = child->next()) {
      Rewrite(child, all);
    }
  }

 private:
  std::map<std::string, std::string> queries_;
  std::map<std::string, bool> entries_;
};

// Writes the entries of one transaction.
class BundleWriter {
 public:
  BundleWriter(const fhir::Definitions& definitions, Element* root)
      : definitions_(definitions), root_(root) {}

  Status Write(std::span<const Change> changes) {
    std::vector<std::vector<Operation>> operations;
    for (const Change& change : changes) {
      GW_TRY(std::vector<Operation> known, OperationsOnKnown(change));
      references_.Know(change);
      if (VerbOf(change, known) != Verb::kNone) {
        references_.HasEntry(change);
      }
      operations.push_back(std::move(known));
    }
    for (size_t i = 0; i < changes.size(); ++i) {
      GW_RETURN_IF_ERROR(WriteEntry(changes[i], operations[i]));
    }
    references_.Rewrite(root_, false);
    return {};
  }

 private:
  Status WriteEntry(const Change& change, const std::vector<Operation>& operations) {
    const Verb verb = VerbOf(change, operations);
    if (verb == Verb::kNone) {
      return {};
    }
    GW_TRY(Element * entry, root_->Add("entry"));
    GW_TRY([[maybe_unused]] Element * full_url, entry->Add("fullUrl", change.full_url));
    GW_RETURN_IF_ERROR(verb == Verb::kPatch ? WritePatch(change, operations, entry)
                                            : WriteWhole(change, entry));
    return WriteRequest(change, verb, entry);
  }

  Status WriteRequest(const Change& change, Verb verb, Element* entry) {
    const std::string type(change.fragment.type());
    const std::string query = QueryOf(change.fragment);
    if (query.empty() && verb != Verb::kPost) {
      return Error{Code::kUnprocessable, "a change without an identifier to find its resource by",
                   change.where};
    }
    const std::string_view method = verb == Verb::kPost  ? "POST"
                                    : verb == Verb::kPut ? "PUT"
                                                         : "PATCH";
    GW_TRY(Element * request, entry->Add("request"));
    GW_TRY([[maybe_unused]] Element * m, request->Add("method", method));
    const std::string url = verb == Verb::kPost ? type : type + "?" + query;
    GW_TRY([[maybe_unused]] Element * u, request->Add("url", url));
    if (verb == Verb::kPost && !query.empty()) {
      GW_TRY([[maybe_unused]] Element * none, request->Add("ifNoneExist", query));
    }
    return {};
  }

  static Change CopyOf(const Change& change) {
    return {change.action, change.fragment.Clone(), change.full_url, change.where,
            change.stub,   change.if_known};
  }

  // The resource as the change alone makes it.
  Status WriteWhole(const Change& change, Element* entry) {
    Change own = CopyOf(change);
    // Keys are taken as known, those of its items too.
    constexpr bool kUpsert = true;
    GW_TRY(const std::optional<Resource> whole, Create(&own, nullptr, kUpsert));
    if (!whole) {
      return Error{Code::kUnprocessable, "a change of nothing makes no resource", change.where};
    }
    GW_TRY([[maybe_unused]] Element * copy, entry->AddCopy("resource", whole->root()));
    return {};
  }

  Status WritePatch(const Change& change, const std::vector<Operation>& operations,
                    Element* entry) {
    if (NeedsJsonPatch(operations)) {
      Change literal = CopyOf(change);
      references_.Rewrite(&literal.fragment.root(), true);
      GW_TRY(const std::vector<Operation> same, OperationsOnKnown(literal));
      std::string patch;
      GW_RETURN_IF_ERROR(WriteJsonPatch(literal, same, &patch));
      GW_TRY(Element * binary, entry->AddTyped("resource", *definitions_.Find("Binary")));
      GW_TRY([[maybe_unused]] Element * type,
             binary->Add("contentType", "application/json-patch+json"));
      GW_TRY([[maybe_unused]] Element * data, binary->Add("data", crypto::Base64(patch)));
      return {};
    }
    GW_TRY(Element * parameters, entry->AddTyped("resource", *definitions_.Find("Parameters")));
    return WriteFhirPathPatch(change, operations, parameters);
  }

  const fhir::Definitions& definitions_;
  Element* root_;
  References references_;
};

}  // namespace

Result<Resource> ToTransaction(std::span<const Change> changes,
                               const fhir::Definitions& definitions) {
  GW_TRY(Resource bundle, Resource::Make("Bundle", definitions));
  GW_TRY([[maybe_unused]] Element * type, bundle.root().Add("type", "transaction"));
  BundleWriter writer(definitions, &bundle.root());
  GW_RETURN_IF_ERROR(writer.Write(changes));
  return bundle;
}

}  // namespace gw::map
