// One test for each rule that a profile or R4 may state, on definitions of our own.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/temp_folder.h"
#include "tests/validate/validate_testing.h"

namespace gw::validate {
namespace {

constexpr std::string_view kUrl = "https://example.org/fhir/StructureDefinition/";

// A guide of a test's own, and the validator that knows it.
class Guide {
 public:
  // A profile with that differential; `rest`: members of the StructureDefinition beside it.
  Guide& Profile(const std::string& name, const std::string& type, const std::string& elements,
                 const std::string& rest = "", const std::string& base = "") {
    const std::string parent =
        base.empty() ? "http://hl7.org/fhir/StructureDefinition/" + type : base;
    return File(name, R"({"resourceType":"StructureDefinition","url":")" + std::string(kUrl) +
                          name +
                          R"(","name":"X","status":"active","fhirVersion":"4.0.1","kind":")" +
                          (type == "Extension" ? "complex-type" : "resource") +
                          R"(","abstract":false,"type":")" + type + R"(","baseDefinition":")" +
                          parent + R"(","derivation":"constraint",)" + rest +
                          R"("differential":{"element":[)" + elements + "]}}");
  }
  Guide& Extension(const std::string& name, const std::string& contexts,
                   const std::string& elements = "", const std::string& rest = "") {
    return Profile(name, "Extension",
                   R"({"id":"Extension","path":"Extension"},{"id":"Extension.url",)"
                   R"("path":"Extension.url","fixedUri":")" +
                       std::string(kUrl) + name + R"("})" + elements,
                   "\"context\":[" + contexts + "]," + rest);
  }
  Guide& File(const std::string& name, const std::string& json) {
    folder_.Write(name + ".json", json);
    validator_.reset();
    return *this;
  }

  // As RulesOf. `profile`: asked of the resource.
  std::string Checked(const std::string& json, const std::string& profile = "") {
    Load();
    const std::vector<std::string> profiles =
        profile.empty() ? std::vector<std::string>() : std::vector{std::string(kUrl) + profile};
    return RulesOf(validator_->CheckText(json, Format::kJson, Limits{}, profiles));
  }

 private:
  void Load() {
    if (validator_) {
      return;
    }
    Result<fhir::Packages> packages = fhir::Packages::Load({{folder_.path()}, {}, {}}, R4());
    ASSERT_TRUE(packages.ok()) << packages.error().detail << " " << packages.error().where;
    packages_.emplace(std::move(*packages));
    validator_.emplace(R4(), *packages_);
  }

  TempFolder folder_;
  std::optional<fhir::Packages> packages_;
  std::optional<Validator> validator_;
};

std::string Patient(const std::string& rest) {
  return R"({"resourceType":"Patient")" + (rest.empty() ? "" : "," + rest) + "}";
}

std::string Observation(const std::string& rest) {
  return R"({"resourceType":"Observation","status":"final","code":{"text":"c"},)" + rest + "}";
}

// Slices of Patient.telecom, told apart by `discriminator`; each slice once at most.
std::string TelecomSlices(const std::string& discriminator, const std::string& rest = "",
                          const std::string& rules = "open") {
  return R"({"id":"Patient.telecom","path":"Patient.telecom","slicing":{"discriminator":[)" +
         discriminator + R"(],"rules":")" + rules + "\"" + rest + R"(}},)" +
         R"({"id":"Patient.telecom:phone","path":"Patient.telecom","sliceName":"phone","max":"1"},)"
         R"({"id":"Patient.telecom:phone.system","path":"Patient.telecom.system","min":1,)"
         R"("fixedCode":"phone"},)"
         R"({"id":"Patient.telecom:email","path":"Patient.telecom","sliceName":"email","max":"1"},)"
         R"({"id":"Patient.telecom:email.system","path":"Patient.telecom.system","min":1,)"
         R"("fixedCode":"email"})";
}

constexpr const char* kBySystem = R"({"type":"value","path":"system"})";

std::string Telecoms(const std::vector<std::string>& systems) {
  std::string list;
  for (const std::string& system : systems) {
    list += list.empty() ? "" : ",";
    list += R"({"system":")" + system + R"(","value":"01632 960001"})";
  }
  return Patient("\"telecom\":[" + list + "]");
}

TEST(RuleTest, SlicingByValue) {
  Guide guide;
  guide.Profile("p", "Patient", TelecomSlices(kBySystem));
  EXPECT_EQ(guide.Checked(Telecoms({"phone", "email", "fax", "fax"}), "p"), "");
  EXPECT_EQ(guide.Checked(Telecoms({"phone", "phone"}), "p"), "error cardinality Patient");
}

TEST(RuleTest, SlicingClosed) {
  Guide guide;
  guide.Profile("p", "Patient", TelecomSlices(kBySystem, "", "closed"));
  EXPECT_EQ(guide.Checked(Telecoms({"phone", "email"}), "p"), "");
  EXPECT_EQ(guide.Checked(Telecoms({"phone", "fax"}), "p"), "error slicing Patient.telecom[1]");
}

TEST(RuleTest, SlicingOrdered) {
  Guide guide;
  guide.Profile("p", "Patient", TelecomSlices(kBySystem, R"(,"ordered":true)"));
  EXPECT_EQ(guide.Checked(Telecoms({"phone", "email"}), "p"), "");
  EXPECT_EQ(guide.Checked(Telecoms({"email", "phone"}), "p"), "error slicing Patient.telecom[1]");
}

TEST(RuleTest, SlicingOpenAtEnd) {
  Guide guide;
  guide.Profile("p", "Patient", TelecomSlices(kBySystem, "", "openAtEnd"));
  EXPECT_EQ(guide.Checked(Telecoms({"phone", "email", "fax"}), "p"), "");
  EXPECT_EQ(guide.Checked(Telecoms({"phone", "fax", "email"}), "p"),
            "error slicing Patient.telecom[1]");
}

TEST(RuleTest, SlicingByExists) {
  Guide guide;
  guide.Profile(
      "p", "Patient",
      R"({"id":"Patient.telecom","path":"Patient.telecom","slicing":{"rules":"open",)"
      R"("discriminator":[{"type":"exists","path":"period"}]}},)"
      R"({"id":"Patient.telecom:dated","path":"Patient.telecom","sliceName":"dated","max":"1"},)"
      R"({"id":"Patient.telecom:dated.period","path":"Patient.telecom.period","min":1},)"
      R"({"id":"Patient.telecom:always","path":"Patient.telecom","sliceName":"always","max":"1"},)"
      R"({"id":"Patient.telecom:always.period","path":"Patient.telecom.period","max":"0"})");
  const std::string dated = R"({"value":"1","system":"other","period":{"start":"2026"}})";
  const std::string always = R"({"value":"2","system":"other"})";
  EXPECT_EQ(guide.Checked(Patient("\"telecom\":[" + dated + "," + always + "]"), "p"), "");
  EXPECT_EQ(guide.Checked(Patient("\"telecom\":[" + dated + "," + dated + "]"), "p"),
            "error cardinality Patient");
  EXPECT_EQ(guide.Checked(Patient("\"telecom\":[" + always + "," + always + "]"), "p"),
            "error cardinality Patient");
}

TEST(RuleTest, SlicingByPattern) {
  Guide guide;
  guide.Profile(
      "p", "Observation",
      R"({"id":"Observation.category","path":"Observation.category","slicing":{"rules":"open",)"
      R"("discriminator":[{"type":"pattern","path":"$this"}]}},)"
      R"({"id":"Observation.category:social","path":"Observation.category","sliceName":"social",)"
      R"("min":1,"max":"1","patternCodeableConcept":{"coding":[{"system":)"
      R"("https://example.org/kind","code":"social"}]}})");
  const std::string social =
      R"({"coding":[{"system":"https://example.org/kind","code":"social","display":"S"}]})";
  EXPECT_EQ(guide.Checked(Observation("\"category\":[{\"text\":\"x\"}," + social + "]"), "p"), "");
  EXPECT_EQ(guide.Checked(Observation(R"("category":[{"text":"x"}])"), "p"),
            "error cardinality Observation");
  EXPECT_EQ(guide.Checked(Observation("\"category\":[" + social + "," + social + "]"), "p"),
            "error cardinality Observation");
}

TEST(RuleTest, SlicingByType) {
  Guide guide;
  guide.Profile(
      "p", "Observation",
      R"({"id":"Observation.value[x]","path":"Observation.value[x]","slicing":{"rules":"closed",)"
      R"("discriminator":[{"type":"type","path":"$this"}]}},)"
      R"({"id":"Observation.value[x]:valueQuantity","path":"Observation.value[x]",)"
      R"("sliceName":"valueQuantity","type":[{"code":"Quantity"}]},)"
      R"({"id":"Observation.value[x]:valueQuantity.unit","path":"Observation.value[x].unit",)"
      R"("min":1})");
  EXPECT_EQ(guide.Checked(Observation(R"("valueQuantity":{"value":1,"unit":"kg"})"), "p"), "");
  EXPECT_EQ(guide.Checked(Observation(R"("valueQuantity":{"value":1})"), "p"),
            "error cardinality Observation.value.ofType(Quantity)");
  EXPECT_EQ(guide.Checked(Observation(R"("valueString":"x")"), "p"),
            "error slicing Observation.value.ofType(string)");
}

TEST(RuleTest, SlicingByProfile) {
  Guide guide;
  guide.Profile("named", "Patient", R"({"id":"Patient.name","path":"Patient.name","min":1})");
  guide.Profile(
      "p", "Bundle",
      R"({"id":"Bundle.entry","path":"Bundle.entry","slicing":{"rules":"open","discriminator":[)"
      R"({"type":"profile","path":"resource"}]}},)"
      R"({"id":"Bundle.entry:named","path":"Bundle.entry","sliceName":"named","max":"1"},)"
      R"({"id":"Bundle.entry:named.resource","path":"Bundle.entry.resource","min":1,)"
      R"("type":[{"code":"Patient","profile":[")" +
          std::string(kUrl) + R"(named"]}]})");
  const auto bundle = [](const std::string& first, const std::string& second) {
    return R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":)" + first +
           R"(},{"resource":)" + second + "}]}";
  };
  const std::string named = Patient(R"("name":[{"text":"A"}])");
  EXPECT_EQ(guide.Checked(bundle(named, Patient("")), "p"), "");
  EXPECT_EQ(guide.Checked(bundle(named, named), "p"), "error cardinality Bundle");
}

TEST(RuleTest, SlicesThatCannotBeToldApartRefuseNothing) {
  Guide guide;
  guide.File("far", R"({"resourceType":"ValueSet","url":"https://example.org/far",)"
                    R"("status":"active","compose":{"include":[)"
                    R"({"system":"http://snomed.info/sct"}]}})");
  guide.Profile(
      "p", "Observation",
      R"({"id":"Observation.category","path":"Observation.category","min":1,)"
      R"("slicing":{"rules":"closed","discriminator":[{"type":"value","path":"$this"}]}},)"
      R"({"id":"Observation.category:far","path":"Observation.category",)"
      R"("sliceName":"far","min":1,"binding":{"strength":"required","valueSet":)"
      R"("https://example.org/far"}})");
  EXPECT_EQ(guide.Checked(Observation(R"("category":[{"coding":[{"system":)"
                                      R"("http://snomed.info/sct","code":"1"}]}])"),
                          "p"),
            "warning slicing Observation.category[0]")
      << "the code may be in the set: nobody here can tell";
}

TEST(RuleTest, FixedValue) {
  Guide guide;
  guide.Profile("p", "Patient",
                R"({"id":"Patient.gender","path":"Patient.gender","fixedCode":"other"})");
  EXPECT_EQ(guide.Checked(Patient(R"("gender":"other")"), "p"), "");
  EXPECT_EQ(guide.Checked(Patient(R"("gender":"male")"), "p"), "error fixed Patient.gender");
}

TEST(RuleTest, FixedValueOfAComplexTypeIsTheWholeValue) {
  Guide guide;
  guide.Profile("p", "Observation",
                R"({"id":"Observation.code","path":"Observation.code","fixedCodeableConcept":)"
                R"({"text":"c"}})");
  EXPECT_EQ(guide.Checked(Observation(R"("valueString":"x")"), "p"), "");
  EXPECT_EQ(guide.Checked(R"({"resourceType":"Observation","status":"final","code":)"
                          R"({"coding":[{"code":"a"}],"text":"c"}})",
                          "p"),
            "error fixed Observation.code");
}

TEST(RuleTest, Pattern) {
  Guide guide;
  guide.Profile("p", "Observation",
                R"({"id":"Observation.code","path":"Observation.code","patternCodeableConcept":)"
                R"({"coding":[{"system":"https://example.org/c","code":"a"}]}})");
  const auto with = [](const std::string& coding) {
    return R"({"resourceType":"Observation","status":"final","code":{"coding":[)" + coding +
           R"(],"text":"t"}})";
  };
  EXPECT_EQ(guide.Checked(with(R"({"code":"z"},{"system":"https://example.org/c","code":"a",)"
                               R"("display":"A"})"),
                          "p"),
            "");
  EXPECT_EQ(guide.Checked(with(R"({"system":"https://example.org/c","code":"b"})"), "p"),
            "error pattern Observation.code");
}

struct BoundCase {
  const char* type;
  const char* bound;
  const char* below;
  const char* inside;
};

// The bound itself is inside of it.
TEST(RuleTest, MinValue) {
  const BoundCase cases[] = {
      {"Integer", "10", "9", "10"},
      {"Decimal", "1.5", "1.49", "1.50"},
      {"DateTime", R"("2026-01-20T10:00:00Z")", R"("2026-01-20T10:30:00+01:00")",
       R"("2026-01-20T11:00:00+01:00")"},
      {"Time", R"("10:00:00")", R"("09:59:59")", R"("10:00:00.5")"},
      {"Quantity", R"({"value":1,"system":"http://unitsofmeasure.org","code":"kg","unit":"kg"})",
       R"({"value":999,"system":"http://unitsofmeasure.org","code":"g","unit":"g"})",
       R"({"value":1000,"system":"http://unitsofmeasure.org","code":"g","unit":"g"})"}};
  for (const BoundCase& each : cases) {
    Guide guide;
    const std::string type = each.type;
    const std::string extension = R"({"url":")" + std::string(kUrl) + R"(e","value)" + type + "\":";
    std::string code = type;
    code[0] = type == "Quantity" ? 'Q' : static_cast<char>(code[0] - 'A' + 'a');
    guide.Extension("e", R"({"type":"element","expression":"Patient"})",
                    R"(,{"id":"Extension.value[x]","path":"Extension.value[x]","type":[{"code":")" +
                        code + R"("}],"minValue)" + type + "\":" + each.bound + "}");
    EXPECT_EQ(guide.Checked(Patient("\"extension\":[" + extension + each.inside + "}]")), "")
        << type;
    EXPECT_EQ(guide.Checked(Patient("\"extension\":[" + extension + each.below + "}]")),
              "error min-value Patient.extension[0].value.ofType(" + code + ")")
        << type;
  }
}

TEST(RuleTest, MaxValue) {
  Guide guide;
  guide.Profile(
      "p", "Patient",
      R"({"id":"Patient.multipleBirth[x]","path":"Patient.multipleBirth[x]","type":)"
      R"([{"code":"integer"}],"maxValueInteger":3},)"
      R"({"id":"Patient.birthDate","path":"Patient.birthDate","maxValueDate":"2020-06"})");
  EXPECT_EQ(guide.Checked(Patient(R"("birthDate":"2020-06","multipleBirthInteger":3)"), "p"), "");
  EXPECT_EQ(guide.Checked(Patient(R"("birthDate":"2020-07-01","multipleBirthInteger":4)"), "p"),
            "error max-value Patient.birthDate; "
            "error max-value Patient.multipleBirth.ofType(integer)");
  EXPECT_EQ(guide.Checked(Patient(R"("birthDate":"2020")"), "p"), "")
      << "a year is not past a month of it";
}

TEST(RuleTest, MaxLengthCountsCharacters) {
  Guide guide;
  guide.Profile("p", "Patient",
                R"({"id":"Patient.name.family","path":"Patient.name.family","maxLength":3})");
  EXPECT_EQ(guide.Checked(Patient("\"name\":[{\"family\":\"Zo\xC3\xAB\"}]"), "p"), "");
  EXPECT_EQ(guide.Checked(Patient(R"("name":[{"family":"Zoes"}])"), "p"),
            "error max-length Patient.name[0].family");
}

TEST(RuleTest, Cardinality) {
  Guide guide;
  guide.Profile("p", "Patient",
                R"({"id":"Patient.name","path":"Patient.name","min":1,"max":"2"},)"
                R"({"id":"Patient.photo","path":"Patient.photo","max":"0"})");
  EXPECT_EQ(guide.Checked(Patient(R"("name":[{"text":"a"},{"text":"b"}])"), "p"), "");
  EXPECT_EQ(guide.Checked(Patient(R"("active":true)"), "p"), "error cardinality Patient");
  EXPECT_EQ(guide.Checked(Patient(R"("name":[{"text":"a"},{"text":"b"},{"text":"c"}],)"
                                  R"("photo":[{"title":"t"}])"),
                          "p"),
            "error cardinality Patient; error cardinality Patient");
}

TEST(RuleTest, InvariantOfAProfile) {
  Guide guide;
  guide.Profile(
      "p", "Patient",
      R"({"id":"Patient","path":"Patient","constraint":[{"key":"own-1","severity":)"
      R"("error","human":"h","expression":"name.exists() or telecom.count() > 0"},)"
      R"({"key":"own-2","severity":"warning","human":"h","expression":"active.count() = 1"}]})");
  EXPECT_EQ(guide.Checked(Patient(R"("active":true,"name":[{"text":"a"}])"), "p"), "");
  EXPECT_EQ(guide.Checked(Patient(R"("gender":"other")"), "p"),
            "error own-1 Patient; warning own-2 Patient");
}

// A code system of three codes, a value set of two of them, and one over a system that is not here.
void AddTerms(Guide* guide) {
  guide->File("cs",
              R"({"resourceType":"CodeSystem","url":"https://example.org/cs","status":"active",)"
              R"("content":"complete","concept":[{"code":"a"},{"code":"b"},{"code":"c"}]})");
  guide->File("vs",
              R"({"resourceType":"ValueSet","url":"https://example.org/vs","status":"active",)"
              R"("compose":{"include":[{"system":"https://example.org/cs"}],)"
              R"("exclude":[{"system":"https://example.org/cs","concept":[{"code":"c"}]}]}})");
  guide->File("far", R"({"resourceType":"ValueSet","url":"https://example.org/far",)"
                     R"("status":"active","compose":{"include":[)"
                     R"({"system":"http://snomed.info/sct"}]}})");
}

std::string Bound(const std::string& strength, const std::string& value_set) {
  return R"({"id":"Observation.code","path":"Observation.code","binding":{"strength":")" +
         strength + R"(","valueSet":"https://example.org/)" + value_set + R"("}})";
}

std::string Coded(const std::string& system, const std::string& code) {
  return R"({"resourceType":"Observation","status":"final","code":{"coding":[{"system":")" +
         system + R"(","code":")" + code + R"("}]}})";
}

TEST(RuleTest, RequiredBindingIsExpandedHere) {
  Guide guide;
  AddTerms(&guide);
  guide.Profile("p", "Observation", Bound("required", "vs"));
  EXPECT_EQ(guide.Checked(Coded("https://example.org/cs", "a"), "p"), "");
  EXPECT_EQ(guide.Checked(Coded("https://example.org/cs", "c"), "p"),
            "error binding Observation.code");
  EXPECT_EQ(guide.Checked(Coded("https://example.org/other", "a"), "p"),
            "error binding Observation.code");
  EXPECT_EQ(guide.Checked(Observation(R"("valueString":"x")"), "p"),
            "error binding Observation.code")
      << "a text is no code";
}

TEST(RuleTest, ExtensibleBindingWarns) {
  Guide guide;
  AddTerms(&guide);
  guide.Profile("p", "Observation", Bound("extensible", "vs"));
  EXPECT_EQ(guide.Checked(Coded("https://example.org/cs", "b"), "p"), "");
  EXPECT_EQ(guide.Checked(Coded("https://example.org/other", "z"), "p"),
            "warning binding Observation.code");
  EXPECT_EQ(guide.Checked(Observation(R"("valueString":"x")"), "p"), "");
}

TEST(RuleTest, AnUnknownCodeSystemWarns) {
  Guide guide;
  AddTerms(&guide);
  guide.Profile("p", "Observation", Bound("required", "far"));
  EXPECT_EQ(guide.Checked(Coded("http://snomed.info/sct", "1"), "p"),
            "warning binding Observation.code");
}

TEST(RuleTest, LargestValueSetAllowed) {
  Guide guide;
  AddTerms(&guide);
  guide.Profile(
      "p", "Observation",
      R"({"id":"Observation.code","path":"Observation.code","binding":{"extension":[{"url":)"
      R"("http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet","valueCanonical":)"
      R"("https://example.org/vs"}],"strength":"preferred","valueSet":"https://example.org/vs"}})");
  EXPECT_EQ(guide.Checked(Coded("https://example.org/cs", "a"), "p"), "");
  EXPECT_EQ(guide.Checked(Coded("https://example.org/cs", "c"), "p"),
            "error binding Observation.code");
}

std::string With(const std::string& extension, const std::string& value = R"("valueCode":"x")") {
  return R"({"url":")" + std::string(kUrl) + extension + "\"," + value + "}";
}

TEST(RuleTest, ExtensionContextElement) {
  Guide guide;
  guide.Extension("e", R"({"type":"element","expression":"HumanName.family"},)"
                       R"({"type":"element","expression":"Patient.contact"})");
  EXPECT_EQ(
      guide.Checked(Patient(R"("contact":[{"gender":"other","name":{"text":"n"},)"
                            R"("extension":[)" +
                            With("e") + R"(]}],"name":[{"family":"f","_family":{"extension":[)" +
                            With("e") + "]}}]")),
      "");
  EXPECT_EQ(guide.Checked(Patient("\"extension\":[" + With("e") + "]")),
            "error extension-context Patient");
}

TEST(RuleTest, ExtensionContextExtension) {
  Guide guide;
  guide.Extension("outer", R"({"type":"element","expression":"Patient"})");
  guide.Extension("inner",
                  R"({"type":"extension","expression":")" + std::string(kUrl) + R"(outer"})");
  EXPECT_EQ(guide.Checked(Patient("\"extension\":[" + With("inner") + "]")),
            "error extension-context Patient");
  EXPECT_EQ(guide.Checked(Patient("\"extension\":[" +
                                  With("outer", "\"extension\":[" + With("inner") + "]") + "]")),
            "");
}

TEST(RuleTest, ExtensionContextFhirPath) {
  Guide guide;
  guide.Extension("e",
                  R"({"type":"fhirpath","expression":"Patient.name.where(use = 'official') "})");
  const auto name = [](const std::string& use) {
    return Patient(R"("name":[{"use":")" + use + R"(","text":"n","extension":[)" + With("e") +
                   "]}]");
  };
  EXPECT_EQ(guide.Checked(name("official")), "");
  EXPECT_EQ(guide.Checked(name("usual")), "error extension-context Patient.name[0]");
}

TEST(RuleTest, ExtensionContextInvariant) {
  Guide guide;
  guide.Extension("e", R"({"type":"element","expression":"Patient"})", "",
                  R"("contextInvariant":["active = true or %extension.value = 'x'"],)");
  EXPECT_EQ(guide.Checked(
                Patient("\"active\":true,\"extension\":[" + With("e", R"("valueCode":"y")") + "]")),
            "");
  EXPECT_EQ(guide.Checked(Patient("\"active\":false,\"extension\":[" + With("e") + "]")), "");
  EXPECT_EQ(guide.Checked(Patient("\"active\":false,\"extension\":[" +
                                  With("e", R"("valueCode":"y")") + "]")),
            "error extension-context-invariant Patient.extension[0]");
}

TEST(RuleTest, ExtensionHoldsWhatItsDefinitionSays) {
  Guide guide;
  guide.Extension("e", R"({"type":"element","expression":"Patient"})",
                  R"(,{"id":"Extension.value[x]","path":"Extension.value[x]","min":1,)"
                  R"("type":[{"code":"boolean"}]})");
  EXPECT_EQ(guide.Checked(Patient("\"extension\":[" + With("e", R"("valueBoolean":true)") + "]")),
            "");
  EXPECT_EQ(guide.Checked(Patient("\"extension\":[" + With("e") + "]")),
            "error type Patient.extension[0].value.ofType(code)");
}

TEST(RuleTest, ModifierExtensions) {
  Guide guide;
  guide.Extension("plain", R"({"type":"element","expression":"Patient"})");
  guide.Profile("turns", "Extension",
                R"({"id":"Extension","path":"Extension","isModifier":true,)"
                R"("isModifierReason":"r"},{"id":"Extension.url","path":"Extension.url",)"
                R"("fixedUri":")" +
                    std::string(kUrl) + R"(turns"})",
                R"("context":[{"type":"element","expression":"Patient"}],)");
  EXPECT_EQ(guide.Checked(Patient("\"modifierExtension\":[" + With("turns") + "]")), "");
  EXPECT_EQ(guide.Checked(Patient("\"modifierExtension\":[" + With("plain") + "]")),
            "error extension-modifier Patient.modifierExtension[0]");
  EXPECT_EQ(guide.Checked(Patient("\"extension\":[" + With("turns") + "]")),
            "error extension-modifier Patient.extension[0]");
  EXPECT_EQ(guide.Checked(Patient("\"modifierExtension\":[" + With("nobody-knows") + "]")),
            "warning extension-unknown Patient.modifierExtension[0]");
}

TEST(RuleTest, ReferenceTargets) {
  Guide guide;
  guide.Profile("named", "Organization",
                R"({"id":"Organization.name","path":"Organization.name","min":1})");
  guide.Profile("p", "Patient",
                R"({"id":"Patient.managingOrganization","path":"Patient.managingOrganization",)"
                R"("type":[{"code":"Reference","targetProfile":[")" +
                    std::string(kUrl) + R"(named"]}]})");
  const auto patient = [](const std::string& contained, const std::string& reference) {
    return Patient((contained.empty() ? "" : "\"contained\":[" + contained + "],") +
                   R"("managingOrganization":{"reference":")" + reference + R"("})");
  };
  EXPECT_EQ(guide.Checked(patient("", "Organization/o1"), "p"), "");
  EXPECT_EQ(guide.Checked(patient("", "Patient/o1")),
            "error reference-target Patient.managingOrganization");
  EXPECT_EQ(guide.Checked(
                patient(R"({"resourceType":"Organization","id":"o","name":"X9901"})", "#o"), "p"),
            "");
  EXPECT_EQ(guide.Checked(patient(R"({"resourceType":"Organization","id":"o","identifier":[)"
                                  R"({"value":"X9901"}]})",
                                  "#o"),
                          "p"),
            "error target-profile Patient.managingOrganization");
}

TEST(RuleTest, ProfilesOfContainedResourcesAndEntries) {
  Guide guide;
  guide.Profile("named", "Organization",
                R"({"id":"Organization.name","path":"Organization.name","min":1})");
  const std::string claimed = R"({"resourceType":"Organization","id":"o","meta":{"profile":[")" +
                              std::string(kUrl) + R"(named"]},"identifier":[{"value":"X9901"}]})";
  EXPECT_EQ(guide.Checked(R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":)" +
                          claimed + "}]}"),
            "error cardinality Bundle.entry[0].resource");
  EXPECT_EQ(guide.Checked(Patient("\"contained\":[" + claimed +
                                  R"(],"managingOrganization":{"reference":"#o"})")),
            "error cardinality Patient.contained[0]");
  guide.Profile("p", "Bundle",
                R"({"id":"Bundle.entry.resource","path":"Bundle.entry.resource","type":[{"code":)"
                R"("Organization","profile":[")" +
                    std::string(kUrl) + R"(named"]}]})");
  EXPECT_EQ(guide.Checked(R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":)"
                          R"({"resourceType":"Organization","identifier":[{"value":"X9901"}]}}]})",
                          "p"),
            "error cardinality Bundle.entry[0].resource");
  EXPECT_EQ(guide.Checked(R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":)"
                          R"({"resourceType":"Patient"}}]})",
                          "p"),
            "error type Bundle.entry[0].resource");
}

TEST(RuleTest, ProfilesBuildOnProfiles) {
  Guide guide;
  guide.Profile("base", "Patient", R"({"id":"Patient.name","path":"Patient.name","min":1})");
  guide.Profile("p", "Patient", R"({"id":"Patient.birthDate","path":"Patient.birthDate","min":1})",
                "", std::string(kUrl) + "base");
  EXPECT_EQ(guide.Checked(Patient(R"("name":[{"text":"n"}],"birthDate":"1950")"), "p"), "");
  EXPECT_EQ(guide.Checked(Patient(R"("active":true)"), "p"),
            "error cardinality Patient; error cardinality Patient");
}

TEST(RuleTest, AClaimedProfileThatNobodyKnowsWarns) {
  Guide guide;
  guide.Profile("p", "Patient", R"({"id":"Patient.name","path":"Patient.name","min":1})");
  EXPECT_EQ(guide.Checked(Patient(R"("meta":{"profile":["https://example.org/unknown"]})")),
            "warning profile-unknown Patient.meta.profile[0]");
}

TEST(RuleTest, FhirPathAsksSlicesAndDefinitions) {
  Guide guide;
  guide.Profile(
      "p", "Patient",
      TelecomSlices(kBySystem) +
          R"(,{"id":"Patient.birthDate","path":"Patient.birthDate","constraint":[{"key":"own-1",)"
          R"("severity":"error","human":"h","expression":"%resource.telecom.slice(')" +
          std::string(kUrl) +
          R"(p', 'email').exists() and elementDefinition().path = 'Patient.birthDate'"}]})");
  const auto patient = [](const std::string& system) {
    return Patient(R"("telecom":[{"system":")" + system + R"(","value":"v"}],"birthDate":"1950")");
  };
  EXPECT_EQ(guide.Checked(patient("email"), "p"), "");
  EXPECT_EQ(guide.Checked(patient("phone"), "p"), "error own-1 Patient.birthDate");
}

}  // namespace
}  // namespace gw::validate
