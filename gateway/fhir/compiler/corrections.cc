#include "gateway/fhir/compiler/corrections.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/fhir/package/structure_internal.h"

namespace gw::fhir::compiler {
namespace {

// Is the path that of the element, or of one within it?
bool IsWithin(std::string_view path, std::string_view element) {
  return path.starts_with(element) &&
         (path.size() == element.size() || path[element.size()] == '.');
}

// An element as R4 has it: in the place of the package's own of that path, or after another one.
struct Element {
  std::string path;
  std::string after;  // empty: in the place of the package's own
  std::string json;
};

class Corrector {
 public:
  Status Read(const Json& corrections) {
    for (const Json& path : ItemsOf(corrections, "absent")) {
      absent_.push_back(path.text());
    }
    for (const Json& item : ItemsOf(corrections, "elements")) {
      const Json* element = item.Find("element");
      if (element == nullptr || element->TextOf("path").empty()) {
        return Error{Code::kInvalid, "a correction has an element with a path", "elements"};
      }
      Element own = {std::string(element->TextOf("path")), std::string(item.TextOf("after")), {}};
      AppendJson(*element, &own.json);
      elements_.push_back(std::move(own));
    }
    for (const Json& id : ItemsOf(corrections, "searchParameters")) {
      parameters_.insert(id.text());
    }
    return {};
  }

  Status CorrectStructures(std::vector<Json>* structures) {
    for (Json& structure : *structures) {
      if (Concerns(structure.TextOf("name"))) {
        GW_TRY(structure, Json::Parse(Corrected(structure), Limits{}));
      }
    }
    return {};
  }

  void CorrectParameters(std::vector<Json>* parameters) {
    std::erase_if(*parameters, [this](const Json& parameter) {
      return Meets(parameters_.contains(parameter.TextOf("id")), parameter.TextOf("id"));
    });
  }

  // The first correction that met nothing.
  Status AllMet() const {
    std::vector<std::string> all(parameters_.begin(), parameters_.end());
    all.insert(all.end(), absent_.begin(), absent_.end());
    for (const Element& element : elements_) {
      all.push_back(element.path);
    }
    for (const std::string& correction : all) {
      if (!met_.contains(correction)) {
        return Error{Code::kInvalid, "a correction that the package does not need", correction};
      }
    }
    return {};
  }

 private:
  bool Meets(bool does, std::string_view correction) {
    if (does) {
      met_.emplace(correction);
    }
    return does;
  }

  bool Concerns(std::string_view type) const {
    const auto of_type = [type](std::string_view path) {
      return path.size() > type.size() && IsWithin(path, type);
    };
    return std::any_of(absent_.begin(), absent_.end(), of_type) ||
           std::any_of(elements_.begin(), elements_.end(),
                       [&of_type](const Element& element) { return of_type(element.path); });
  }

  bool IsAbsent(std::string_view path) {
    return std::any_of(absent_.begin(), absent_.end(), [this, path](const std::string& absent) {
      return Meets(IsWithin(path, absent), absent);
    });
  }

  // The text of a StructureDefinition with the snapshot of R4.
  std::string Corrected(const Json& structure) {
    std::string text = "{";
    for (const auto& [name, value] : structure.members()) {
      text += text.size() > 1 ? "," : "";
      AppendJsonString(name, &text);
      text += ':';
      if (name == "snapshot") {
        AppendSnapshot(ItemsOf(value, "element"), &text);
      } else {
        AppendJson(value, &text);
      }
    }
    return text + "}";
  }

  void AppendSnapshot(const std::vector<Json>& elements, std::string* text) {
    std::vector<std::string> corrected;
    for (const Json& element : elements) {
      const std::string_view path = element.TextOf("path");
      if (IsAbsent(path)) {
        continue;
      }
      AppendJson(element, &corrected.emplace_back());
      Put(path, &corrected);
    }
    *text += R"({"element":[)";
    for (size_t at = 0; at < corrected.size(); ++at) {
      *text += (at > 0 ? "," : "") + corrected[at];
    }
    *text += "]}";
  }

  // What R4 has in the place of the last element, whose path is given, and after it.
  void Put(std::string_view path, std::vector<std::string>* corrected) {
    for (const Element& element : elements_) {
      if (Meets(element.after.empty() && element.path == path, element.path)) {
        corrected->back() = element.json;
      } else if (Meets(element.after == path, element.path)) {
        corrected->push_back(element.json);
        Put(element.path, corrected);
      }
    }
  }

  std::vector<std::string> absent_;
  std::vector<Element> elements_;
  std::set<std::string, std::less<>> parameters_;
  std::set<std::string, std::less<>> met_;
};

}  // namespace

Status Correct(const std::string& path, Package* package) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error{Code::kNotFound, "the corrections of the package are not there", path};
  }
  std::ostringstream text;
  text << file.rdbuf();
  GW_TRY(const Json corrections, Json::Parse(text.str(), Limits{}));
  Corrector corrector;
  GW_RETURN_IF_ERROR(corrector.Read(corrections));
  GW_RETURN_IF_ERROR(corrector.CorrectStructures(&package->structures));
  corrector.CorrectParameters(&package->search_parameters);
  return corrector.AllMet();
}

}  // namespace gw::fhir::compiler
