#include <algorithm>

#include "gateway/access/label_class_internal.h"

namespace gw::access {
namespace {

constexpr std::string_view kActCodeSuffix = "v3-ActCode";
constexpr std::string_view kActReasonSuffix = "v3-ActReason";

void AddLabel(std::string_view word, const fhir::Definitions& definitions, LabelClass* out) {
  if (const Level level = LevelNamed(word); level != Level::kNone) {
    out->level = std::max(out->level, level);
    return;
  }
  if (out->label_count == LabelClass::kLabelsMax) {
    out->overflow = true;
    return;
  }
  LabelClass::Label& label = out->labels[out->label_count++];
  label.text = word;
  label.code = word.substr(0, word.find('@'));
  label.kind = KindOf(word, definitions);
}

void AddContained(std::string_view type, LabelClass* out) {
  if (out->contained_count == LabelClass::kContainedMax) {
    out->overflow = true;
    return;
  }
  out->contained[out->contained_count++] = type;
}

// The highest level of what stands in `labels` beside the levels that are stated: L and M are
// below N, so a class that states only those has that as its mark.
Level StatedLevel(std::string_view text) {
  Level stated = Level::kNone;
  while (!text.empty()) {
    const size_t blank = std::min(text.find(' '), text.size());
    stated = std::max(stated, LevelNamed(text.substr(0, blank)));
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return stated == Level::kNone ? Level::kN : stated;
}

}  // namespace

bool LabelClass::Has(std::string_view text) const {
  return std::any_of(labels.begin(), labels.begin() + label_count,
                     [text](const Label& label) { return label.text == text; });
}

LabelClass::Kind KindOf(std::string_view label_text, const fhir::Definitions& definitions) {
  const size_t at = label_text.find('@');
  if (at == std::string_view::npos) {
    return LabelClass::Kind::kUnknown;
  }
  const std::string_view code = label_text.substr(0, at);
  const std::string_view system = label_text.substr(at + 1);
  if (system == kActCodeSuffix) {
    if (definitions.Subsumes(kActCode, "_InformationSensitivityPolicy", code)) {
      return LabelClass::Kind::kSensitivity;
    }
    if (definitions.Subsumes(kActCode, "ObligationPolicy", code) ||
        definitions.Subsumes(kActCode, "RefrainPolicy", code)) {
      return LabelClass::Kind::kHandling;
    }
  }
  if (system == kActReasonSuffix && definitions.Subsumes(kActReason, "PurposeOfUse", code)) {
    return LabelClass::Kind::kPurpose;
  }
  return LabelClass::Kind::kUnknown;
}

bool SensitivityCovers(std::string_view ancestor, std::string_view label,
                       const fhir::Definitions& definitions) {
  if (ancestor == label || definitions.Subsumes(kActCode, ancestor, label)) {
    return true;
  }
  if (ancestor == "ETH") {
    return definitions.Subsumes(kActCode, "SUD", label);
  }
  return label == "ETH" && definitions.Subsumes(kActCode, ancestor, "SUD");
}

LabelClass ReadLabelClass(std::string_view text, const fhir::Definitions& definitions) {
  LabelClass out;
  const size_t first = std::min(text.find(' '), text.size());
  out.type = text.substr(0, first);
  text.remove_prefix(std::min(first + 1, text.size()));
  out.level = StatedLevel(text);
  while (!text.empty()) {
    const size_t blank = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    if (word == "~text") {
      out.narrative = true;
    } else if (word.starts_with('+')) {
      AddContained(word.substr(1), &out);
    } else if (!word.empty()) {
      AddLabel(word, definitions, &out);
    }
  }
  const bool raised = std::any_of(out.labels.begin(), out.labels.begin() + out.label_count,
                                  [](const LabelClass::Label& label) {
                                    return label.kind == LabelClass::Kind::kSensitivity ||
                                           label.kind == LabelClass::Kind::kUnknown;
                                  });
  if (raised || out.overflow) {
    out.level = std::max(out.level, Level::kR);
  }
  // PDS writes U on ordinary records (consent.md section 4).
  if (out.type == "Patient" && out.level == Level::kU) {
    out.level = Level::kN;
  }
  return out;
}

}  // namespace gw::access
