#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "gateway/access/codes_internal.h"
#include "gateway/access/label.h"
#include "gateway/base/file.h"
#include "gateway/base/json.h"

namespace gw::access {

// Codes that say something sensitive, and the v3-ActCode sensitivity each means.
struct Labeller::Sets {
  using Code = std::pair<std::string, std::string>;  // system, code
  struct Less {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the library's name
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      const int systems = std::string_view(a.first).compare(b.first);
      return systems != 0 ? systems < 0 : std::string_view(a.second) < std::string_view(b.second);
    }
  };
  std::map<Code, std::vector<std::string>, Less> sensitivities;
};

namespace {

constexpr int kFileBytesMax = 16 << 20;

Error BadSet(const std::string& file, std::string rule) {
  return Error{Code::kInvalid, std::move(rule), file};
}

// {"sensitivity": "HIV", "title": ..., "note": ..., "codes": [{"system", "code", "display"}]}
Status AddSet(const std::string& file, const Json& set, Labeller::Sets* out) {
  const std::string sensitivity(set.TextOf("sensitivity"));
  const Json* codes = set.Find("codes");
  if (sensitivity.empty() || codes == nullptr || !codes->is_array() || codes->items().empty()) {
    return BadSet(file, "a label set has a sensitivity (v3-ActCode) and codes");
  }
  for (const Json& code : codes->items()) {
    Labeller::Sets::Code key(code.TextOf("system"), code.TextOf("code"));
    if (key.first.empty() || key.second.empty()) {
      return BadSet(file, "each of codes has a system and a code");
    }
    std::vector<std::string>& means = out->sensitivities[std::move(key)];
    if (std::find(means.begin(), means.end(), sensitivity) == means.end()) {
      means.push_back(sensitivity);
    }
  }
  return {};
}

Status LoadFile(const std::filesystem::path& path, Labeller::Sets* out) {
  const std::string name = path.filename().string();
  const Result<std::string> text = ReadFile(path.string(), kFileBytesMax);
  if (!text) {
    return BadSet(name, text.error().code == Code::kUnavailable
                            ? "the file cannot be read"
                            : "a label set is a file of at most 16 MB");
  }
  const Result<Json> set = Json::Parse(*text, Limits{});
  if (!set) {
    return BadSet(name, set.error().detail + " (" + set.error().where + ")");
  }
  return AddSet(name, *set, out);
}

using Wanted = std::vector<std::string_view>;

void Collect(const fhir::Element& node, const Labeller::Sets& sets, Wanted* wanted) {
  if (node.type().name() == "Coding") {
    const auto found =
        sets.sensitivities.find(std::make_pair(node.TextAt("system"), node.TextAt("code")));
    if (found != sets.sensitivities.end()) {
      wanted->insert(wanted->end(), found->second.begin(), found->second.end());
    }
    return;
  }
  for (const fhir::Element* child = node.first_child(); child != nullptr; child = child->next()) {
    if (child->name() != "meta" || child->type().name() != "Meta") {
      Collect(*child, sets, wanted);
    }
  }
}

bool HasLabel(const fhir::Element& meta, CodeView label) {
  const std::string text = LabelText(label);
  for (const fhir::Element* child = meta.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "security" &&
        LabelText({child->TextAt("system"), child->TextAt("code")}) == text) {
      return true;
    }
  }
  return false;
}

Result<int> AddLabel(CodeView label, fhir::Element* meta) {
  if (HasLabel(*meta, label)) {
    return 0;
  }
  GW_TRY(fhir::Element * coding, meta->Add("security"));
  GW_TRY(const fhir::Element* const system, coding->Add("system", label.system));
  GW_TRY(const fhir::Element* const code, coding->Add("code", label.code));
  static_cast<void>(system);
  static_cast<void>(code);
  return 1;
}

}  // namespace

Labeller::Labeller(std::unique_ptr<Sets> sets) : sets_(std::move(sets)) {}
Labeller::Labeller(Labeller&&) noexcept = default;
Labeller::~Labeller() = default;

Result<Labeller> Labeller::Load(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".json") {
      files.push_back(entry->path());
    }
  }
  if (error) {
    return Error{Code::kInvalid, "the folder of label sets cannot be read", "labels"};
  }
  if (files.empty()) {
    return Error{Code::kInvalid, "the folder of label sets holds no .json file", "labels"};
  }
  std::sort(files.begin(), files.end());
  auto sets = std::make_unique<Sets>();
  for (const fs::path& file : files) {
    GW_RETURN_IF_ERROR(LoadFile(file, sets.get()));
  }
  return Labeller(std::move(sets));
}

Result<int> Labeller::Label(fhir::Resource* resource) const {
  Wanted wanted;
  Collect(resource->root(), *sets_, &wanted);
  if (wanted.empty()) {
    return 0;
  }
  fhir::Element* meta = resource->root().Child("meta");
  if (meta == nullptr) {
    GW_TRY(meta, resource->root().Add("meta"));
  }
  int added = 0;
  for (const std::string_view sensitivity : wanted) {
    GW_TRY(const int count, AddLabel({kActCode, sensitivity}, meta));
    added += count;
  }
  // High-water mark: V beside a sensitivity is not lowered to R (v3-Confidentiality).
  if (!HasLabel(*meta, {kConfidentiality, "V"})) {
    GW_TRY(const int count, AddLabel({kConfidentiality, "R"}, meta));
    added += count;
  }
  return added;
}

}  // namespace gw::access
