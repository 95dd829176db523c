// One table of cases per area of FHIRPath 2.0: expression, what it gives.
#include <gtest/gtest.h>

#include <span>
#include <string>

#include "tests/fhir/path_testing.h"

namespace gw::fhir::path {
namespace {

constexpr std::string_view kPatient = R"({
  "resourceType": "Patient", "id": "p1",
  "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">A <b>b</b></div>"},
  "extension": [{"url": "urn:ex:colour", "valueCode": "green"}],
  "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9991001018"}],
  "active": true,
  "name": [
    {"use": "official", "family": "Testcase", "given": ["Ada", "Bea"]},
    {"use": "nickname", "given": ["Addie"]}],
  "gender": "female",
  "birthDate": "1950-03-31",
  "_birthDate": {"extension": [{"url": "urn:ex:time", "valueDateTime": "1950-03-31T08:05:00Z"}]},
  "multipleBirthInteger": 2,
  "contact": [{"name": {"_family": {"extension": [{"url": "urn:ex:why", "valueString": "asked"}]}}}],
  "managingOrganization": {"reference": "Organization/X9900"},
  "generalPractitioner": [{"reference": "Practitioner/gp1"}, {"reference": "#own"}],
  "contained": [{"resourceType": "Practitioner", "id": "own", "name": [{"family": "Inside"}]}]
})";

constexpr std::string_view kObservation = R"({
  "resourceType": "Observation", "status": "final",
  "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category",
                            "code": "vital-signs"}]}],
  "code": {"text": "weight"},
  "valueQuantity": {"value": 72.50, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
  "referenceRange": [{"low": {"value": 50, "code": "kg"}, "high": {"value": 90000, "code": "g"}}]
})";

struct Case {
  std::string_view expression;
  std::string_view expected;
};

void Check(std::string_view json, std::span<const Case> cases, Mode mode = Mode::kStrict) {
  const Resource resource = Parsed(json);
  for (const Case& one : cases) {
    EXPECT_EQ(Outcome(one.expression, &resource.root(), mode), one.expected) << one.expression;
  }
}

TEST(FhirPathFunction, Navigation) {
  static constexpr Case kCases[] = {
      {"name.given", "Ada ; Bea ; Addie"},
      {"Patient.name.given", "Ada ; Bea ; Addie"},
      {"Resource.id", "p1"},
      {"DomainResource.text.status", "generated"},
      {"name.`given`[1]", "Bea"},
      {"name[5]", ""},
      {"Patient.multipleBirth", "2"},
      {"Patient.multipleBirth is integer", "true"},
      {"name.suffix", ""},
      {"contact.name.family", "<string>"},
      {"children().count()", "15"},
      {"contained.name.family", "Inside"},
      {"descendants().where($this is HumanName).count()", "4"},
      {"%resource.id", "p1"},
      {"%context.gender", "female"},
      {"name.select(%resource.id)", "p1 ; p1"},
      {"contained.select(%rootResource.id)", "p1"},
      {"identifier.value & '/' & gender", "9991001018/female"},
  };
  Check(kPatient, kCases);
}

TEST(FhirPathFunction, Existence) {
  static constexpr Case kCases[] = {
      {"name.exists()", "true"},
      {"name.exists(use = 'old')", "false"},
      {"name.exists($index = 1 and use = 'nickname')", "true"},
      {"photo.empty()", "true"},
      {"name.all(given.exists())", "true"},
      {"name.all(family.exists())", "false"},
      {"photo.all(false)", "true"},
      {"(true | false).allTrue()", "false"},
      {"(true | false).anyTrue()", "true"},
      {"(true | false).anyFalse()", "true"},
      {"(false).allFalse()", "true"},
      {"{}.allTrue()", "true"},
      {"{}.anyTrue()", "false"},
      {"name.given.count()", "3"},
      {"(1).combine(1).combine(2).distinct()", "1 ; 2"},
      {"(1).combine(1.0).isDistinct()", "false"},
      {"(1 | 2).subsetOf(1 | 2 | 3)", "true"},
      {"(1 | 2).supersetOf(1 | 2 | 3)", "false"},
      {"{}.subsetOf(1)", "true"},
      {"active.not()", "false"},
      // A number that nothing here can hold is still the same as itself.
      {"(11111111111111111111111111111111111111111111111111"
       "1111111111 'x').repeat($this).count()",
       "1"},
      {"(1 | 2).not()", "error: one item was expected, there are several (line 1, column 4)"},
      // What is not needed for the answer is not evaluated.
      {"(1 | (2 | 3).single()).first()", "1"},
      {"({} | (2 | 3).single()).first()",
       "error: one item was expected, there are several (line 1, column 15)"},
      {"(1 | 2).exists() or (2 | 3).single() = 2", "true"},
      {"(name | name).where(use.exists()).exists()", "true"},
      {"1.allTrue()", "error: a boolean was expected (line 1, column 3)"},
  };
  Check(kPatient, kCases);
}

TEST(FhirPathFunction, FilteringAndAggregates) {
  static constexpr Case kCases[] = {
      {"name.where(use = 'official').given", "Ada ; Bea"},
      {"name.where($index = 1).given", "Addie"},
      {"name.where({}).count()", "0"},
      {"name.select(given.first())", "Ada ; Addie"},
      {"(1 | 2 | 3).where($this > 1).select($this * $index)", "0 ; 3"},
      {"repeat(contained).id", "own"},
      {"1.repeat(iif($this < 5, $this + 1))", "2 ; 3 ; 4 ; 5"},
      {"(1 | 2 | 3).aggregate($this + $total, 10)", "16"},
      {"(3 | 1 | 2).aggregate(iif($total.empty() or $this < $total, $this, $total))", "1"},
      {"iif(active, 'yes', 'no')", "yes"},
      {"iif({}, 'yes')", ""},
      {"gender.iif($this = 'female', 'f', 'm')", "f"},
      {"name.trace('n', use).count()", "2"},
      {"(3 | 1 | 2).sort()", "1 ; 2 ; 3"},
      {"(3 | 1 | 2).sort(-$this)", "3 ; 2 ; 1"},
      {"name.sort(use).given.first()", "Addie"},
      {"(1 | 'a').sort()", "error: these types have no order among them (line 1, column 11)"},
      {"1.repeat($this + 1)", "error: repeat() does not come to an end (line 1, column 3)"},
      {"iif(1, 2)", "error: a boolean was expected (line 1, column 5)"},
  };
  Check(kPatient, kCases);
}

TEST(FhirPathFunction, SubsettingAndCombining) {
  static constexpr Case kCases[] = {
      {"name.given.first()", "Ada"},
      {"name.given.last()", "Addie"},
      {"name.given.tail()", "Bea ; Addie"},
      {"name.given.skip(2)", "Addie"},
      {"name.given.skip(-1).count()", "3"},
      {"name.given.take(1)", "Ada"},
      {"name.given.take(0)", ""},
      {"name.where(use = 'official').single().family", "Testcase"},
      {"name.single()", "error: one item was expected, there are several (line 1, column 6)"},
      {"(1 | 2 | 2.0)", "1 ; 2"},
      {"(1 | 2).union(2 | 3)", "1 ; 2 ; 3"},
      {"(1 | 2).combine(2 | 3)", "1 ; 2 ; 2 ; 3"},
      {"(1 | 2).intersect(2 | 3)", "2"},
      {"(1).combine(1).combine(2).exclude(2)", "1 ; 1"},
      {"2 in (1 | 2)", "true"},
      {"(1 | 2) contains 3", "false"},
      {"{} in (1 | 2)", ""},
      {"1 in {}", "false"},
  };
  Check(kPatient, kCases);
}

TEST(FhirPathFunction, Conversion) {
  static constexpr Case kCases[] = {
      {"'true'.toBoolean() and 'YES'.toBoolean() and 1.0.toBoolean()", "true"},
      {"'n'.toBoolean()", "false"},
      {"'maybe'.toBoolean()", ""},
      {"2.convertsToBoolean()", "false"},
      {"'-17'.toInteger()", "-17"},
      {"'1.0'.toInteger()", ""},
      {"true.toInteger()", "1"},
      {"'1.50'.toDecimal()", "1.50"},
      {"'1e3'.convertsToDecimal()", "false"},
      {"1.toString() & 2.50.toString() & true.toString()", "12.50true"},
      {"(4 days).toString()", "4 days"},
      {"(4 'mg').toString()", "4 'mg'"},
      {"name.toString()", "error: one item was expected, there are several (line 1, column 6)"},
      {"name.first().toString()", ""},
      {"'2026-02-29'.convertsToDate()", "false"},
      {"'2024-02-29'.convertsToDate()", "true"},
      {"@2026-01-20T10:00:00Z.toDate()", "2026-01-20"},
      {"@2026-01-20.toDateTime() is DateTime", "true"},
      {"'10:30'.toTime()", "10:30"},
      {"'24:00'.convertsToTime()", "false"},
      {"'10.5 \\'mg\\''.toQuantity()", "10.5 'mg'"},
      {"'4 days'.toQuantity() = 4 'd'", "true"},
      {"'4 parsecs'.convertsToQuantity()", "false"},
      {"(1 'g').toQuantity('mg')", "1000 'mg'"},
      {"(1 'g').toQuantity('m')", ""},
      {"birthDate.toString().length()", "10"},
  };
  Check(kPatient, kCases);
}

TEST(FhirPathFunction, Strings) {
  static constexpr Case kCases[] = {
      {"'Zoë'.length()", "3"},
      {"'Zoë'.upper()", "ZOË"},
      {"'ÅNGSTRÖM'.lower()", "ångström"},
      {"'Zoë Ö'.substring(2, 3)", "ë Ö"},
      {"'abc'.substring(3)", ""},
      {"'abc'.substring(1, 0)", ""},
      {"'abc'.substring(-1)", ""},
      {"'ëb'.indexOf('b')", "1"},
      {"'abcb'.lastIndexOf('b')", "3"},
      {"'abc'.indexOf('')", "0"},
      {"'abc'.startsWith('ab') and 'abc'.endsWith('bc') and 'abc'.contains('b')", "true"},
      {"'abc'.startsWith({})", ""},
      {"'a-b-c'.replace('-', '+')", "a+b+c"},
      {"'abc'.replace('', 'x')", "xaxbxcx"},
      {"'abc'.matches('b')", "true"},
      {"'abc'.matchesFull('b')", "false"},
      {"'9991001018'.matches('^[0-9]{10}$')", "true"},
      {"'12/03/1950'.replaceMatches('(\\\\d{2})/(\\\\d{2})/(\\\\d{4})', '$3-$2-$1')", "1950-03-12"},
      {"'abc'.matches('(')", "error: not a regular expression that is offered (line 1, column 15)"},
      {"'abc'.matches('(' & '')",
       "error: not a regular expression that is offered (line 1, column 7)"},
      {"'ab'.toChars()", "a ; b"},
      {"'  a b '.trim()", "a b"},
      {"'a,,b'.split(',').count()", "3"},
      {"name.given.join('+')", "Ada+Bea+Addie"},
      {"'a' + 'b' & {} & 'c'", "abc"},
      {"'a' + {}", ""},
      {"'<a & b>'.escape('html')", "&lt;a &amp; b&gt;"},
      {"'&lt;a&gt;'.unescape('html')", "<a>"},
      {"'\"'.escape('json')", "\\\""},
      {"'\\\\u00eb'.unescape('json')", "ë"},
      {"'Zoë'.encode('base64').decode('base64')", "Zoë"},
      {"'a?>'.encode('urlbase64')", "YT8-"},
      {"'a'.encode('rot13')", ""},
      {"'zz'.decode('hex')", ""},
      {"1.length()", "error: a string was expected (line 1, column 3)"},
  };
  Check(kPatient, kCases);
}

TEST(FhirPathFunction, Mathematics) {
  static constexpr Case kCases[] = {
      {"1.10 + 2", "3.10"},
      {"0.1 + 0.2 = 0.3", "true"},
      {"7 div 2", "3"},
      {"-7 mod 3", "-1"},
      {"5.5 div 0.7", "7"},
      {"1 / 3", "0.33333333"},
      {"1 / 0", ""},
      {"9223372036854775807 + 1", ""},
      {"(-5).abs()", "5"},
      {"1.1.ceiling() + (-1.1).floor()", "0"},
      {"(-1.9).truncate()", "-1"},
      {"2.345.round(2)", "2.35"},
      {"2.5.round()", "3"},
      {"2.5.round(-1)", "error: the precision must not be negative (line 1, column 5)"},
      {"2.power(10)", "1024"},
      {"1.5.power(2)", "2.25"},
      {"(-1).power(0.5)", ""},
      {"2.sqrt().round(4)", "1.4142"},
      {"100.log(10)", "2"},
      {"1.exp().ln()", "1"},
      {"1.587.lowBoundary()", "1.58650000"},
      {"1.587.highBoundary(2)", "1.59"},
      {"1.587.lowBoundary(29)", ""},
      {"@2014.highBoundary(6)", "2014-12"},
      {"@T10:30.highBoundary()", "10:30:59.999"},
      {"@2024-02.highBoundary()", "2024-02-29"},
      {"@2014-01-01T08:05Z.lowBoundary()", "2014-01-01T08:05:00.000Z"},
      {"1.500.precision()", "3"},
      {"@2014-01.precision()", "6"},
      {"'a' * 2", "error: the operator does not take these types (line 1, column 5)"},
      {"'a'.abs()", "error: a number or a quantity was expected (line 1, column 5)"},
  };
  Check(kPatient, kCases);
}

TEST(FhirPathFunction, EqualityAndOrder) {
  static constexpr Case kCases[] = {
      {"1 = 1.0", "true"},
      {"1.50 = 1.5", "true"},
      {"'a' = 'A'", "false"},
      {"'a' ~ 'A'", "true"},
      {"1.25 ~ 1.3", "true"},
      {"name = name", "true"},
      {"name.first() = name.last()", "false"},
      {"(1 | 2) = (2 | 1)", "false"},
      {"(1 | 2) ~ (2 | 1)", "true"},
      {"{} = {}", ""},
      {"{} ~ {}", "true"},
      {"1 != 'a'", "true"},
      {"birthDate < @1960", "true"},
      {"birthDate = @1950-03", ""},
      {"birthDate ~ @1950-03", "false"},
      {"@2026-01-20T10:00:00Z = @2026-01-20T11:00:00+01:00", "true"},
      {"@2026-01-20T10:00:00Z > @2026-01-20T10:00:00", ""},
      {"@2026-01-22T10:00:00Z > @2026-01-20T10:00:00", "true"},
      {"@T10:30 < @T10:31", "true"},
      {"1 < 'a'", "error: these types have no order among them (line 1, column 3)"},
      {"name.given > 'a'", "error: one item was expected, there are several (line 1, column 12)"},
      {"true and {}", ""},
      {"false and {}", "false"},
      {"{} or true", "true"},
      {"false implies {}", "true"},
      {"true xor {}", ""},
      {"1 and 'x'", "true"},
  };
  Check(kPatient, kCases);
}

TEST(FhirPathFunction, DatesAndTheClock) {
  static constexpr Case kCases[] = {
      {"now()", "2026-01-20T10:00:00.000Z"},
      {"today()", "2026-01-20"},
      {"timeOfDay()", "10:00:00.000"},
      {"@2024-01-31 + 1 month", "2024-02-29"},
      {"@2024-02-29 + 1 year", "2025-02-28"},
      {"@2024-02-29 - 1 day", "2024-02-28"},
      {"@2026-01-20 + 36 hours", "2026-01-21"},
      {"@2014 + 24 months", "2016"},
      {"@2014 + 23 months", "2015"},
      {"@2026-01-20T23:30:00Z + 45 minutes", "2026-01-21T00:15:00Z"},
      {"@2026-01-20T10:00:00Z + 1.5 seconds", "2026-01-20T10:00:01.500Z"},
      {"@T23:00 + 2 hours", "01:00"},
      {"@2026-01-20 + 2 'wk'", "2026-02-03"},
      {"@2026-01-20 + 1 'mo'",
       "error: the unit cannot be added to a date or time (line 1, column 13)"},
      {"@2026-01-20 + 1 'cm'",
       "error: the unit cannot be added to a date or time (line 1, column 13)"},
      {"@2026-01-20 + 1", "error: the operator does not take these types (line 1, column 13)"},
      {"@9999-12-31 + 1 day", ""},
      {"birthDate + 75 years <= today()", "true"},
  };
  Check(kPatient, kCases);
}

TEST(FhirPathFunction, Quantities) {
  static constexpr Case kCases[] = {
      {"Observation.value.value", "72.50"},
      {"Observation.value = 72500 'g'", "true"},
      {"Observation.value > 11 '[stone_av]'", "true"},
      {"referenceRange.all(low <= %resource.value and %resource.value <= high)", "true"},
      {"value * 2", "145.00 'kg'"},
      {"value + 500 'g'", "73.00 'kg'"},
      {"value + 1 'm'", ""},
      {"value < 1 'm'", ""},
      {"1 'mg/dL' = 10 'mg/L'", "true"},
      {"6.0 'mmol' / 2 'L'", "3 'mmol/L'"},
      {"1 '[in_i]' = 2.54 'cm'", "true"},
      {"1 'm2' = 10000 'cm2'", "true"},
      {"60 '/min' = 1 'Hz'", "true"},
      {"1 '10*3/uL' = 1 '10*9/L'", "true"},
      {"120 'mm[Hg]' > 15 'kPa'", "true"},
      {"1 'ug{creat}' = 0.001 'mg'", "true"},
      {"1 year = 12 months", "true"},
      {"1 year = 1 'a'", ""},
      {"1 year ~ 1 'a'", "true"},
      {"1 'cm' ~ 1 's'", "false"},
      {"37 'Cel' = 37 'Cel'", "true"},
      {"37 'Cel' = 98.6 '[degF]'", "true"},
      {"1 'm'.comparable(1 'km')", "true"},
      {"1 'm'.comparable(1 'kg')", "false"},
      {"-(5.5 'mg')", "-5.5 'mg'"},
      {"(5 'mg').value + 1", "6"},
      {"1 'mg' div 2 'mg'", "error: the operator does not take quantities (line 1, column 8)"},
  };
  Check(kObservation, kCases);
}

TEST(FhirPathFunction, Types) {
  static constexpr Case kCases[] = {
      {"1 is Integer and 1.0 is Decimal and 'a' is System.String", "true"},
      {"active is boolean", "true"},
      {"active is Boolean", "false"},
      {"gender is string", "true"},
      {"gender.as(string)", ""},
      {"gender.ofType(code)", "female"},
      {"Patient is DomainResource", "true"},
      {"(multipleBirth as boolean)", ""},
      {"(multipleBirth as integer)", "2"},
      {"1.type().name & '.' & 1.type().namespace", "Integer.System"},
      {"gender.type().namespace & '.' & gender.type().name", "FHIR.code"},
      {"contact.type().name & '.' & identifier.type().name", "BackboneElement.Identifier"},
      {"contact is BackboneElement", "true"},
      {"@2026.type().name & @T10.type().name & (1 'mg').type().name", "DateTimeQuantity"},
      {"name.as(HumanName)", "error: one item was expected, there are several (line 1, column 6)"},
      {"name is HumanName", "error: one item was expected, there are several (line 1, column 6)"},
      {"gender is Nonsense", "error: there is no type of this name (line 1, column 11)"},
      {"gender.ofType(FHIR.Nonsense)", "error: there is no type of this name (line 1, column 15)"},
      {"contained.ofType(Practitioner).id", "own"},
  };
  Check(kPatient, kCases);
}

TEST(FhirPathFunction, FhirFunctions) {
  static constexpr Case kCases[] = {
      {"extension('urn:ex:colour').value", "green"},
      {"birthDate.extension('urn:ex:time').value", "1950-03-31T08:05:00Z"},
      {"birthDate.hasValue()", "true"},
      {"contact.name.family.hasValue()", "false"},
      {"contact.name.family.exists()", "true"},
      {"name.given.hasValue()", "false"},
      {"birthDate.getValue() is System.Date", "true"},
      {"managingOrganization.resolve() is Organization", "true"},
      {"generalPractitioner.resolve().ofType(Practitioner).name.family", "Inside"},
      {"generalPractitioner.where(resolve() is Practitioner).count()", "2"},
      {"generalPractitioner.where(resolve() is Patient).count()", "0"},
      {"gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')", "true"},
      {"gender.memberOf('http://hl7.org/fhir/ValueSet/task-status|4.0.1')", "false"},
      {"gender.memberOf('urn:ex:unknown-set')", ""},
      {"text.`div`.htmlChecks()", "true"},
      {"'<div>a<script>x</script></div>'.htmlChecks()", "false"},
      {"'<div>a'.htmlChecks()", "false"},
      {"'<div> </div>'.htmlChecks()", "false"},
      {"'<div onclick=\"x\">a</div>'.htmlChecks()", "false"},
      {"'<p>a</p>'.htmlChecks()", "false"},
      {"'<div>a</div><div>b</div>'.htmlChecks()", "false"},
      {"'<div xmlns=\"http://www.w3.org/1999/xhtml\"><!-- c --><img "
       "src=\"#x\"/></div>'.htmlChecks()",
       "true"},
      {"conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')", "true"},
      {"conformsTo('http://hl7.org/fhir/StructureDefinition/Group')", "false"},
      {"conformsTo('urn:ex:profile')", "error: the profile is not known here (line 1, column 1)"},
      {"checkModifiers('urn:ex:any').id", "p1"},
      {"checkModifiers().id", "p1"},
      {"name.elementDefinition()", ""},
      {"name.slice('urn:ex:profile', 'a')", ""},
      {"%sct & ' ' & %loinc", "http://snomed.info/sct http://loinc.org"},
      {"%ucum", "http://unitsofmeasure.org"},
      {"%vs-task-status", "http://hl7.org/fhir/ValueSet/task-status"},
      {"%`ext-patient-birthTime`", "http://hl7.org/fhir/StructureDefinition/patient-birthTime"},
      {"%nobody", "error: there is no variable of this name (line 1, column 1)"},
  };
  Check(kPatient, kCases);
}

TEST(FhirPathFunction, MembershipOfConcepts) {
  static constexpr Case kCases[] = {
      {"clinicalStatus.memberOf('http://hl7.org/fhir/ValueSet/condition-clinical')", "true"},
      {"clinicalStatus.coding.memberOf('http://hl7.org/fhir/ValueSet/condition-clinical')", "true"},
      {"code.memberOf('http://hl7.org/fhir/ValueSet/condition-clinical')", "false"},
      {"clinicalStatus.coding.subsumes(clinicalStatus.coding)", "true"},
      {"clinicalStatus.coding.subsumedBy(%context.code.coding)", ""},
  };
  Check(R"({"resourceType": "Condition", "subject": {"reference": "Patient/p1"},
    "clinicalStatus": {"coding": [
      {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
    "code": {"text": "asthma"}})",
        kCases);
}

}  // namespace
}  // namespace gw::fhir::path
