#include <algorithm>
#include <sstream>

#include "gateway/base/file.h"
#include "gateway/map/v2/model.h"
#include "gateway/map/v2/writer.h"

namespace gw::map {

using fhir::Element;

Result<V2Versions> V2Versions::Load(const std::string& path) {
  const auto text = ReadFile(path, kPartBytesMax);
  if (!text) {
    return Error{Code::kInvalid, "cannot be read", path};
  }
  V2Versions versions;
  std::istringstream lines(*text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    line.resize(std::min(line.find('#'), line.size()));
    std::istringstream words(line);
    Range range;
    std::string side;
    std::string version;
    if (!(words >> range.name)) {
      continue;
    }
    while (words >> side >> version) {
      const int bound = VersionNumber(version);
      int* member = side == "from" ? &range.from : side == "to" ? &range.to : nullptr;
      if (member == nullptr || bound == 0) {
        side.clear();
        break;
      }
      *member = bound;
    }
    if (side.empty() || (range.from == 0 && range.to == 0)) {
      return Error{Code::kInvalid, "a line needs a place, and 'from' or 'to' with a version",
                   path + ":" + std::to_string(number)};
    }
    versions.ranges_.push_back(std::move(range));
  }
  std::sort(versions.ranges_.begin(), versions.ranges_.end(),
            [](const Range& a, const Range& b) { return a.name < b.name; });
  return versions;
}

const V2Versions::Range* V2Versions::Find(std::string_view name) const {
  const auto found =
      std::lower_bound(ranges_.begin(), ranges_.end(), name,
                       [](const Range& range, std::string_view n) { return range.name < n; });
  return found == ranges_.end() || found->name != name ? nullptr : &*found;
}

// Walks one message.
class VersionFitter {
 public:
  VersionFitter(const V2Versions& versions, int version, std::vector<Remark>* remarks)
      : versions_(versions), version_(version), remarks_(remarks) {}

  // Groups, then segments; `name` is what versions.txt calls the node.
  void FitGroup(Element* group) {
    for (Element* child = group->first_child(); child != nullptr;) {
      Element* next = child->next();
      const bool is_segment = child->name() == child->type().name();
      if (is_segment && !Has(child->name())) {
        Drop(child);
      } else if (is_segment) {
        FitSegment(child);
      } else {
        FitGroup(child);
      }
      child = next;
    }
  }

 private:
  bool Has(std::string_view name) const {
    const V2Versions::Range* range = versions_.Find(name);
    return range == nullptr ||
           (version_ >= range->from && (range->to == 0 || version_ <= range->to + 99));
  }

  void FitSegment(Element* segment) {
    const std::string prefix = std::string(segment->name()) + "-";
    for (Element* field = segment->first_child(); field != nullptr;) {
      Element* next = field->next();
      if (Has(prefix + std::string(field->name().substr(1)))) {
        FitParts(field);
      } else {
        Drop(field);
      }
      field = next;
    }
  }

  // The components of a field, by its data type: "CX.7"; the same type below a component.
  void FitParts(Element* node) {
    const std::string_view type = node->type().name();
    const std::string prefix(type.substr(0, type.find('.')));
    KeepWords(prefix, node);
    for (Element* part = node->first_child(); part != nullptr;) {
      Element* next = part->next();
      if (Has(prefix + "." + std::string(part->name().substr(1)))) {
        FitParts(part);
      } else {
        Drop(part);
      }
      part = next;
    }
  }

  // CE had no original text: what only CWE.9 says is said in CWE.2.
  void KeepWords(const std::string& type, Element* node) {
    if ((type != "CWE" && type != "CNE") || Has(type + ".9")) {
      return;
    }
    const bool in_field = !node->type().name().ends_with(".component");
    const Element* words = node->Child(in_field ? "c9" : "s9");
    const char* second = in_field ? "c2" : "s2";
    if (words != nullptr && node->Child(second) == nullptr) {
      const std::string text(words->text());
      if (node->Add(second, text)) {
        node->Clear(in_field ? "c9" : "s9");
      }
    }
  }

  // What stands beside it in the same words is not lost (XON.3 and XON.10, XTN.1 and XTN.12).
  void Drop(Element* node) {
    bool is_said = false;
    for (const Element* other = node->parent()->first_child(); other != nullptr;
         other = other->next()) {
      is_said |= other != node && node->has_text() && other->text() == node->text() &&
                 other->parent()->definition() != nullptr && !IsSegment(*other->parent());
    }
    if (!is_said) {
      remarks_->push_back(
          {'W', "not-in-version", PlaceOf(*node), "the receiver's version has no place for it"});
    }
    node->parent()->Remove(node);
  }

  const V2Versions& versions_;
  int version_;
  std::vector<Remark>* remarks_;
};

void V2Versions::Fit(Element* message, std::string_view version,
                     std::vector<Remark>* remarks) const {
  VersionFitter(*this, VersionNumber(version), remarks).FitGroup(message);
}

}  // namespace gw::map
