#include "gateway/map/export/destination.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "gateway/hl7v2/message.h"
#include "tests/map/samples_testing.h"
#include "tests/temp_folder.h"

// What a receiver's file says, and what it does to a message.

namespace gw::map {
namespace {

constexpr Instant kNow{1'780'000'000'000'000};

Result<Destination> Read(const std::string& json) {
  const TempFolder folder;
  return ReadDestination(folder.Write("destination.json", json));
}

// A receiver of HL7 v2 with these members besides.
Destination To(const std::string& members) {
  auto destination = Read(R"({"format": "hl7v2", "name": "ward")" + members + "}");
  EXPECT_TRUE(destination.ok()) << destination.error().where << destination.error().detail;
  return *std::move(destination);
}

// A person whose family name is this.
fhir::Resource PersonNamed(const std::string& family) {
  fhir::Resource resource = OwnResource("ADT_A05.team");
  fhir::Resource person =
      fhir::Resource::CopyOf(*resource.root().Child("entry")->Child("resource"));
  person.root().Child("name")->Child("family")->SetText(family);
  return person;
}

Result<ExportedMessage> Send(const fhir::Resource& resource, const Destination& to) {
  auto made = BackMaps().FromFhir(resource, to, kNow);
  if (!made) {
    return made.error();
  }
  EXPECT_EQ(made->messages.size(), 1u);
  return std::move(made->messages.front());
}

std::string FamilyIn(const std::string& bytes) {
  const auto message = hl7v2::Message::Parse(bytes, {});
  EXPECT_TRUE(message.ok());
  return message ? message->Text({"PID", 1, 5, 1, 1, 0}) : std::string();
}

std::string Field(const std::string& bytes, const char* place) {
  const auto message = hl7v2::Message::Parse(bytes, {});
  return message ? message->Text(*hl7v2::Location::FromString(place)) : std::string();
}

TEST(Destination, EachVersionHasItsOwnTeamSegment) {
  const fhir::Resource team = OwnResource("ADT_A05.team");
  for (const char* version : {"2.3", "2.3.1"}) {  // ADT has had ROL since 2.4
    EXPECT_FALSE(Send(team, To(R"(, "version": ")" + std::string(version) + "\"")).ok()) << version;
  }
  for (const auto& [version, segment, other] : {std::tuple{"2.4", "ROL", "PRT"},
                                                {"2.5", "ROL", "PRT"},
                                                {"2.5.1", "ROL", "PRT"},
                                                {"2.6", "ROL", "PRT"},
                                                {"2.7", "PRT", "ROL"},
                                                {"2.7.1", "PRT", "ROL"},
                                                {"2.8", "PRT", "ROL"},
                                                {"2.8.2", "PRT", "ROL"},
                                                {"2.9", "PRT", "ROL"},
                                                {"2.9.1", "PRT", "ROL"}}) {
    const auto message = Send(team, To(R"(, "version": ")" + std::string(version) + "\""));
    ASSERT_TRUE(message.ok()) << version;
    EXPECT_EQ(message->type, "ADT^A31");
    EXPECT_EQ(Field(message->bytes, "MSH-12"), version);
    EXPECT_NE(message->bytes.find("\r" + std::string(segment) + "|"), std::string::npos) << version;
    EXPECT_EQ(message->bytes.find("\r" + std::string(other) + "|"), std::string::npos) << version;
    EXPECT_EQ(Field(message->bytes, "MSH-9.3"), "ADT_A05");
  }
  const auto chosen = Send(team, To(R"(, "version": "2.8", "participation": "ROL")"));
  ASSERT_TRUE(chosen.ok());
  EXPECT_NE(chosen->bytes.find("\rROL|T-1^CARE1|"), std::string::npos);
}

TEST(Destination, TheStructureIsNamedSinceVersion231) {
  for (const auto& [version, structure] : {std::pair{"2.3", ""}, {"2.3.1", "ADT_A05"}}) {
    const auto message =
        Send(PersonNamed("Ada"), To(R"(, "version": ")" + std::string(version) + "\""));
    ASSERT_TRUE(message.ok()) << version;
    EXPECT_EQ(Field(message->bytes, "MSH-9.3"), structure) << version;
  }
}

TEST(Destination, EachCharacterSetHasItsBytesAndItsName) {
  for (const auto& [name, in_msh, bytes] :
       {std::tuple{"UNICODE UTF-8", "UNICODE UTF-8", "Zo\xC3\xAB"},
        {"8859/1", "8859/1", "Zo\xEB"},
        {"8859/15", "8859/15", "Zo\xEB"}}) {
    const auto message =
        Send(PersonNamed("Zoë"), To(R"(, "charset": ")" + std::string(name) + "\""));
    ASSERT_TRUE(message.ok()) << name;
    EXPECT_NE(message->bytes.find("||" + std::string(bytes) + "^Ivor"), std::string::npos) << name;
    EXPECT_NE(message->bytes.find(in_msh), std::string::npos);
    EXPECT_EQ(FamilyIn(message->bytes), "Zoë") << name;
  }
  // Only 8859/15 has the euro sign.
  const auto euro = Send(PersonNamed("100 €"), To(R"(, "charset": "8859/15")"));
  ASSERT_TRUE(euro.ok());
  EXPECT_NE(euro->bytes.find("100 \xA4"), std::string::npos);
  EXPECT_EQ(FamilyIn(euro->bytes), "100 €");
  const auto plain = Send(PersonNamed("Hale"), To(R"(, "charset": "ASCII")"));
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(Field(plain->bytes, "MSH-18"), "ASCII");
}

TEST(Destination, ACharacterThatTheSetLacksRefusesTheMessageWithItsPlace) {
  for (const auto& [name, family] :
       {std::pair{"ASCII", "Zoë"}, {"8859/1", "Łuczak"}, {"8859/1", "100 €"}, {"8859/15", "李"}}) {
    const auto message =
        Send(PersonNamed(family), To(R"(, "charset": ")" + std::string(name) + "\""));
    ASSERT_FALSE(message.ok()) << name;
    EXPECT_EQ(message.error().code, Code::kUnprocessable);
    EXPECT_EQ(message.error().hl7_code, 102);
    EXPECT_TRUE(message.error().where.starts_with("PID-5")) << message.error().where;
    EXPECT_EQ(message.error().detail.find(family), std::string::npos) << "no value in an error";
  }
}

TEST(Destination, OrItIsEscapedAndReadAgain) {
  for (const auto& [name, family, sent] : {std::tuple{"ASCII", "Zoë", "Zo\\XC3AB\\"},
                                           {"8859/1", "Łuczak", "\\XC581\\uczak"},
                                           {"8859/15", "李 €", "\\XE69D8E\\ \xA4"}}) {
    const auto message =
        Send(PersonNamed(family),
             To(R"(, "unrepresentable": "escape", "charset": ")" + std::string(name) + "\""));
    ASSERT_TRUE(message.ok()) << name;
    EXPECT_NE(message->bytes.find(std::string("||") + sent + "^Ivor"), std::string::npos)
        << message->bytes;
    EXPECT_EQ(FamilyIn(message->bytes), family) << name;
    const auto told =
        std::count_if(message->remarks.begin(), message->remarks.end(), [](const Remark& remark) {
          return remark.code == "escaped-character" && remark.where.starts_with("PID-5");
        });
    EXPECT_EQ(told, 1) << name;
  }
}

TEST(Destination, SeparatorsInTextAreEscapedWhicheverTheyAre) {
  const std::string family = "a|b^c~d\\e&f#g*h!i$j%k\nl";
  for (const char* separators : {"|^~\\\\&", "#*!$%", "|^~\\\\&#", "*!$%#"}) {
    const auto message = Send(PersonNamed(family), To(R"(, "version": "2.7", "separators": ")" +
                                                      std::string(separators) + "\""));
    ASSERT_TRUE(message.ok()) << separators;
    EXPECT_EQ(FamilyIn(message->bytes), family) << message->bytes;
    EXPECT_EQ(message->bytes.find('\n'), std::string::npos) << "a line feed ends no segment";
    EXPECT_EQ(Field(message->bytes, "MSH-12"), "2.7");
  }
}

TEST(Destination, CodeTablesAndAuthoritiesAreTheReceivers) {
  const auto message = Send(PersonNamed("Hale"),
                            To(R"(, "tables": {"gender": {"1": "male", "M": "male", "2": "female"}},
                 "identifier_systems": {"NNN:SS": "https://fhir.nhs.uk/Id/nhs-number"})"));
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(Field(message->bytes, "PID-8"), "1");
  EXPECT_EQ(Field(message->bytes, "PID-3.4"), "NNN");
  EXPECT_EQ(Field(message->bytes, "PID-3.5"), "SS");
  // A code that no table of the receiver knows is told, and not sent.
  const auto none = Send(PersonNamed("Hale"), To(R"(, "tables": {"gender": {"2": "female"}})"));
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(Field(none->bytes, "PID-8"), "M") << "what its table lacks, the common table says";
}

TEST(Destination, TakesOnlyTheMessagesItNames) {
  const auto made =
      BackMaps().FromFhir(OwnResource("ADT_A05.team"), To(R"(, "messages": ["PPP"])"), kNow);
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(made->messages.empty());
  ASSERT_FALSE(made->remarks.empty());
  EXPECT_EQ(made->remarks[0].code, "not-sent");
  EXPECT_EQ(made->remarks[0].where, "CareTeam[1]");
}

TEST(Destination, AFileIsRefusedWithTheKeyThatIsWrong) {
  const std::string v2 = R"({"format": "hl7v2", "name": "w", )";
  const std::string csv = R"({"format": "csv", "name": "c", "map": "fhir-to-csv/plans", )";
  const std::string columns = R"("columns": [{"name": "title", "header": "T"}])";
  for (const auto& [json, where] : {
           std::pair{std::string("["), std::string("")},
           {R"({"name": "w"})", "$.format"},
           {R"({"format": "hl7v2"})", "$.name"},
           {v2 + R"("verzion": "2.5"})", "$.verzion"},
           {v2 + R"("version": "2.2"})", "$.version"},
           {v2 + R"("version": 2.5})", "$.version"},
           {v2 + R"("charset": "EBCDIC"})", "$.charset"},
           {v2 + R"("charset": "windows-1252"})", "$.charset"},
           {v2 + R"("separators": "|^~"})", "$.separators"},
           {v2 + R"("separators": "|^~^&"})", "$.separators"},
           {v2 + R"("separators": "A^~\\&"})", "$.separators"},
           {v2 + R"("processing_id": "X"})", "$.processing_id"},
           {v2 + R"("participation": "CTD"})", "$.participation"},
           {v2 + R"("unrepresentable": "drop"})", "$.unrepresentable"},
           {v2 + R"("messages": "PPP"})", "$.messages"},
           {v2 + R"("tables": {"gender": "M"}})", "$.tables.gender"},
           {v2 + R"("sending_application": ""})", "$.sending_application"},
           {csv + R"("columns": []})", "$.columns"},
           {csv + R"("columns": [{"header": "T"}]})", "$.columns[0].name"},
           {csv + R"("columns": [{"name": "title"}]})", "$.columns[0].header"},
           {csv + columns + R"(, "delimiter": ";;"})", "$.delimiter"},
           {csv + columns + R"(, "quote": ","})", "$.quote"},
           {csv + columns + R"(, "quoting": "never"})", "$.quoting"},
           {csv + columns + R"(, "line_end": "CR"})", "$.line_end"},
           {csv + columns + R"(, "date_style": "MM/DD/YYYY"})", "$.date_style"},
           {csv + columns + R"(, "encoding": "EBCDIC"})", "$.encoding"},
       }) {
    const auto destination = Read(json);
    ASSERT_FALSE(destination.ok()) << json;
    EXPECT_EQ(destination.error().code, Code::kInvalid);
    EXPECT_TRUE(destination.error().where.ends_with(where))
        << json << " at " << destination.error().where;
  }
  EXPECT_FALSE(ReadDestination(TempFolder().Path("no-such-file.json")).ok());
}

TEST(Destination, MapAndColumnsMustBeThere) {
  const std::string csv = R"({"format": "csv", "name": "c", "map": ")";
  auto destination = Read(csv + R"(fhir-to-csv/none", "columns": [{"name": "a", "header": "A"}]})");
  ASSERT_TRUE(destination.ok());
  EXPECT_EQ(BackMaps().Check(*destination).error().where, "c: map");
  destination = Read(csv + R"(fhir-to-csv/plans", "columns": [{"name": "a", "header": "A"}]})");
  ASSERT_TRUE(destination.ok());
  EXPECT_EQ(BackMaps().Check(*destination).error().where, "c: columns.a");
}

}  // namespace
}  // namespace gw::map
