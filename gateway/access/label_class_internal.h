#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "gateway/access/codes_internal.h"
#include "gateway/fhir/definitions.h"

namespace gw::access {

// A label class (label.h) read for a decision. Grammar, one blank between words:
//   class     = type *( " +" type ) [ " ~text" ] *( " " label )
//   type      = a resource type: the resource's own first, "+" before each contained one
//   "~text"   = a narrative that may repeat what the resource refers to
//   label     = as LabelText() writes it
struct LabelClass {
  enum class Kind : uint8_t {
    kSensitivity,  // v3-ActCode below _InformationSensitivityPolicy
    kHandling,     // obligation or refrain policy: does not raise confidentiality
    kPurpose,      // v3-ActReason PurposeOfUse
    kUnknown       // anything else: taken as R
  };
  struct Label {
    std::string_view text;  // as in the class
    std::string_view code;  // before '@'
    Kind kind = Kind::kUnknown;
  };
  static constexpr uint32_t kLabelsMax = 32;
  static constexpr uint32_t kContainedMax = 16;

  std::string_view type;
  std::array<std::string_view, kContainedMax> contained;
  uint32_t contained_count = 0;
  std::array<Label, kLabelsMax> labels;  // confidentiality levels excepted
  uint32_t label_count = 0;
  // The high-water mark: the highest level stated (N if none is), R where a sensitivity or an
  // unknown label stands.
  Level level = Level::kN;
  bool narrative = false;
  bool overflow = false;  // more labels or contained types than fit: nothing is shown to apply

  bool Has(std::string_view text) const;
};

// Allocates nothing; the views point into `text`.
LabelClass ReadLabelClass(std::string_view text, const fhir::Definitions& definitions);

// The kind of a label by its text ("PSY@v3-ActCode").
LabelClass::Kind KindOf(std::string_view label_text, const fhir::Definitions& definitions);

// Is v3-ActCode `label` the sensitivity `ancestor` or below it? ETH (substance abuse) is read as
// one with SUD: the guides put ETHUD and OPIOIDUD under the one or under the other.
bool SensitivityCovers(std::string_view ancestor, std::string_view label,
                       const fhir::Definitions& definitions);

}  // namespace gw::access
