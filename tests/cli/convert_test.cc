// caregate convert, from FHIR: which text is one document and which is a resource a line.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/cli/command_testing.h"
#include "tests/temp_folder.h"

namespace gw::cli {
namespace {

Ran RunCommand(std::vector<std::string> words) { return Run(Convert, std::move(words)); }

constexpr const char* kPatient =
    R"({"resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number",)"
    R"("value":"9991001018"}],"name":[{"family":"Ash"}]})";

TEST(ConvertCommand, TellsADocumentFromLines) {
  const std::string bundle = R"({"resourceType":"Bundle","type":"collection","entry":[)";
  struct Case {
    std::string name, text;
    ptrdiff_t messages;
  };
  const Case cases[] = {
      {"a document whose second line begins an object",
       bundle + "\n{\"resource\":" + kPatient + "}\n]}\n", 1},
      {"a document in one line", bundle + "{\"resource\":" + kPatient + "}]}", 1},
      {"a resource a line", std::string(kPatient) + "\n" + kPatient + "\n", 2},
      {"lines with a blank one between", std::string(kPatient) + "\n\n" + kPatient, 2},
  };
  const TempFolder folder;
  for (const Case& test : cases) {
    folder.Write("in.json", test.text);
    const Ran ran =
        RunCommand({"--from", "fhir", "--to", "hl7v2", "--destination", "fenwick-ward", "--config",
                    GW_SOURCE_DIR "/config/development.json", folder.Path("in.json")});
    EXPECT_EQ(ran.exit_code, kDone) << test.name << ": " << ran.error;
    ptrdiff_t messages = 0;
    for (size_t at = 0; (at = ran.out.find("MSH|", at)) != std::string::npos; ++at) {
      ++messages;
    }
    EXPECT_EQ(messages, test.messages) << test.name;
  }
}

}  // namespace
}  // namespace gw::cli
