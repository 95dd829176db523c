#include "gateway/map/translate.h"

#include <string>

namespace gw::map {
namespace {

TEST(TranslateTest, MapsOfTheProjectLoad) {
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const auto translator =
      Translator::Load(GW_SOURCE_DIR "/mappings", GW_SOURCE_DIR "/profiles", definitions);
  ASSERT_TRUE(translator.ok()) << translator.error().detail << " at " << translator.error().where;
}

}  // namespace
}  // namespace gw::map
