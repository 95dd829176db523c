#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/fhir/resource.h"
#include "tests/validate/validate_testing.h"

namespace gw::validate {
namespace {

fhir::Resource Parsed(std::string_view json) {
  Result<fhir::Resource> resource = fhir::ParseJson(json, R4(), Limits{});
  EXPECT_TRUE(resource.ok()) << json << "\n"
                             << resource.error().detail << " at " << resource.error().where;
  return std::move(*resource);
}

// "error required CarePlan; ..." of errors and warnings but dom-6, which asks each resource for a
// narrative.
std::string Summary(const std::vector<Issue>& issues) {
  std::string summary;
  for (const Issue& issue : issues) {
    if (issue.rule == "dom-6" || issue.severity == Severity::kInformation) {
      continue;
    }
    summary += summary.empty() ? "" : "; ";
    summary += issue.severity == Severity::kError ? "error " : "warning ";
    summary += issue.code + " " + issue.location;
    const size_t colon = issue.detail.find(':');
    if (issue.code == "invariant" || issue.detail.starts_with("ref-1")) {
      summary += " " + issue.detail.substr(0, colon);
    }
  }
  return summary;
}

std::string Checked(std::string_view json) { return Summary(TheValidator().Check(Parsed(json))); }

TEST(ValidatorTest, EveryInvariantCompiles) {
  for (const std::string& refused : TheValidator().Uncompiled()) {
    ADD_FAILURE() << refused;
  }
}

struct Case {
  const char* what;
  const char* json;
  const char* expected;
};

// The beginning of a CarePlan that is complete.
#define GW_PLAN                                                      \
  R"({"resourceType":"CarePlan","status":"active","intent":"plan",)" \
  R"("subject":{"reference":"Patient/p1"})"

constexpr Case kStructure[] = {
    {"a complete plan", GW_PLAN "}", ""},
    {"missing elements, in definition order", R"({"resourceType":"CarePlan","id":"c"})",
     "error required CarePlan; error required CarePlan; error required CarePlan"},
    {"missing within", GW_PLAN R"(,"activity":[{"detail":{"kind":"Task"}}]})",
     "error required CarePlan.activity[0].detail"},
    {"a reference to a type that is not allowed",
     R"({"resourceType":"CarePlan","status":"active","intent":"plan",)"
     R"("subject":{"reference":"Practitioner/p1"}})",
     "error structure CarePlan.subject"},
    {"an absolute one, with a version",
     R"({"resourceType":"CarePlan","status":"active","intent":"plan",)"
     R"("subject":{"reference":"https://example.org/fhir/Location/l1/_history/2"}})",
     "error structure CarePlan.subject"},
    {"a conditional one",
     R"({"resourceType":"CarePlan","status":"active","intent":"plan",)"
     R"("subject":{"reference":"Device?identifier=x"}})",
     "error structure CarePlan.subject"},
    {"one that tells its type by an element",
     R"({"resourceType":"CarePlan","status":"active","intent":"plan",)"
     R"("subject":{"type":"Device","identifier":{"value":"x"}}})",
     "error structure CarePlan.subject"},
    {"one that does not tell",
     R"({"resourceType":"CarePlan","status":"active","intent":"plan",)"
     R"("subject":{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}})",
     ""},
    {"a contained one of the wrong type",
     R"({"resourceType":"CarePlan","contained":[{"resourceType":"Location","id":"l"}],)"
     R"("status":"active","intent":"plan","subject":{"reference":"#l"}})",
     "error structure CarePlan.subject"},
    {"a contained one that is not there",
     R"({"resourceType":"CarePlan","status":"active","intent":"plan",)"
     R"("subject":{"reference":"#x"}})",
     "error structure CarePlan.subject ref-1"},
    {"an entry of the Bundle of the wrong type",
     R"({"resourceType":"Bundle","type":"collection","entry":[)"
     R"({"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520",)"
     R"("resource":{"resourceType":"Basic","code":{"text":"x"}}},)"
     R"({"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239521","resource":)"
     R"({"resourceType":"CarePlan","status":"active","intent":"plan",)"
     R"("subject":{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}}}]})",
     "error structure Bundle.entry[1].resource.subject"},
    {"a code that is not of the required set",
     R"({"resourceType":"CarePlan","status":"planned","intent":"plan",)"
     R"("subject":{"reference":"Patient/p1"}})",
     "error code-invalid CarePlan.status"},
    {"a required code with an extension for a value",
     R"({"resourceType":"CarePlan","_status":{"extension":[{"url":"http://example.org/x",)"
     R"("valueCode":"y"}]},"intent":"plan","subject":{"reference":"Patient/p1"}})",
     "error code-invalid CarePlan.status"},
    {"a concept needs one coding of the required set",
     R"({"resourceType":"Condition","subject":{"reference":"Patient/p1"},"clinicalStatus":)"
     R"({"coding":[{"system":"urn:x","code":"y"},{"system":)"
     R"("http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}})",
     ""},
    {"a concept without one",
     R"({"resourceType":"Condition","subject":{"reference":"Patient/p1"},"clinicalStatus":)"
     R"({"coding":[{"system":"urn:x","code":"active"}]}})",
     "error code-invalid Condition.clinicalStatus"},
    {"a set that cannot be expanded gives no issue",
     R"({"resourceType":"Binary","contentType":"no/such-type"})", ""},
};

#define GW_DIV(inner)                                                \
  R"({"resourceType":"Patient","text":{"status":"generated","div":)" \
  R"("<div xmlns=\"http://www.w3.org/1999/xhtml\">)" inner R"(</div>"}})"

constexpr Case kNarrative[] = {
    {"text and tables", GW_DIV("<p><b>a</b> &lt; &#160;</p><table><tr><td>c</td></tr></table>"),
     ""},
    {"links that lead somewhere",
     GW_DIV("<a href='https://example.org'>a</a><a href='mailto:a@example.org'>b</a>"
            "<a href='Patient-1.html'>c</a><a href='#d'>d</a>"),
     ""},
    {"an image is content", GW_DIV("<img src='#x' alt='y'/>"), ""},
    {"nothing to read", GW_DIV("<p> </p>"), "error txt-2 Patient.text.div"},
    {"a script", GW_DIV("<script>x</script>"),
     "error txt-1 Patient.text.div; error xhtml Patient.text.div"},
    {"an event", GW_DIV("<p onclick='x'>y</p>"),
     "error txt-1 Patient.text.div; error xhtml Patient.text.div"},
    {"a link into a program", GW_DIV("<a href=' JavaScript:x'>y</a>"),
     "error xhtml Patient.text.div"},
    {"the same link twice is told once", GW_DIV("<a href='urn:x'>y</a><a href='urn:x'>z</a>"),
     "error xhtml Patient.text.div"},
    {"an entity of HTML", GW_DIV("a &reg; b"), "error xhtml Patient.text.div"},
    {"an ampersand", GW_DIV("a & b"), "error xhtml Patient.text.div"},
    {"tags that do not nest", GW_DIV("<p><b>a</p></b>"), "error xhtml Patient.text.div"},
    {"a declaration", GW_DIV("<!DOCTYPE html>a"), "error xhtml Patient.text.div"},
    {"an attribute without quotes", GW_DIV("<p class=x>a</p>"), "error xhtml Patient.text.div"},
    {"no namespace",
     R"({"resourceType":"Patient","text":{"status":"generated","div":"<div>a</div>"}})",
     "error xhtml Patient.text.div"},
    {"another root", R"({"resourceType":"Patient","text":{"status":"generated","div":"<p>a</p>"}})",
     "error xhtml Patient.text.div"},
};

TEST(ValidatorTest, Narrative) {
  for (const Case& each : kNarrative) {
    EXPECT_EQ(RulesOf(TheValidator().Check(Parsed(each.json))), each.expected) << each.what;
  }
}

// A filter of a value set whose value is an expression.
#define GW_FILTER(expression)                                                      \
  R"({"property":"p","op":"=","_value":{"extension":[{"url":)"                     \
  R"("http://hl7.org/fhir/StructureDefinition/cqf-expression","valueExpression":)" \
  R"({"language":"text/fhirpath","expression":")" expression R"("}}]}})"

constexpr Case kContent[] = {
    {"a relative canonical", GW_PLAN R"(,"instantiatesCanonical":["PlanDefinition/p"]})",
     "error uri CarePlan.instantiatesCanonical[0]"},
    {"a system that is not absolute", GW_PLAN R"(,"identifier":[{"system":"nhs","value":"1"}]})",
     "error absolute-uri CarePlan.identifier[0].system"},
    {"an OID without urn:", GW_PLAN R"(,"identifier":[{"system":"oid:1.2","value":"1"}]})",
     "error uri CarePlan.identifier[0].system"},
    {"an OID that is none", GW_PLAN R"(,"identifier":[{"system":"urn:oid:1..2","value":"1"}]})",
     "error uri CarePlan.identifier[0].system"},
    {"a UUID that is none", GW_PLAN R"(,"identifier":[{"system":"urn:uuid:1234","value":"1"}]})",
     "error uri CarePlan.identifier[0].system"},
    {"a canonical of a UUID or OID, with a version or a part of it",
     GW_PLAN R"(,"instantiatesCanonical":["urn:uuid:c757873d-ec9a-4326-a141-556f43239520|1.0",)"
             R"("urn:oid:1.2.36.1|4.0.1#a","urn:oid:1..2|4.0.1"]})",
     "error uri CarePlan.instantiatesCanonical[2]"},
    {"a UUID in capitals",
     GW_PLAN R"(,"identifier":[{"system":"urn:uuid:C757873D-EC9A-4326-A141-556F43239520",)"
             R"("value":"1"}]})",
     ""},
    {"a URI as an identifier",
     GW_PLAN R"(,"identifier":[{"system":"urn:ietf:rfc:3986","value":"https://example.org/1"}]})",
     ""},
    {"no URI as one", GW_PLAN R"(,"identifier":[{"system":"urn:ietf:rfc:3986","value":"1"}]})",
     "warning identifier-uri CarePlan.identifier[0]"},
    {"an extension of R4's tooling, on a resource that R4 itself puts it on",
     R"({"resourceType":"ValueSet","status":"draft","extension":[{"url":)"
     R"("http://hl7.org/fhir/StructureDefinition/structuredefinition-normative-version",)"
     R"("valueCode":"4.0.0"}],"name":"X","url":"https://example.org/vs"})",
     ""},
    {"a value set for a code system",
     GW_PLAN R"(,"category":[{"coding":[{"system":"http://hl7.org/fhir/ValueSet/goal-status",)"
             R"("code":"a"}]}]})",
     "error coding-system CarePlan.category[0].coding[0]"},
    {"an id of an element with a space", GW_PLAN R"(,"period":{"id":"a b","start":"2026"}})",
     "error element-id CarePlan.period.id"},
    {"what is no MIME type", R"({"resourceType":"Binary","contentType":"pdf"})",
     "warning binding Binary.contentType"},
    {"a tag that runs", GW_PLAN R"(,"title":"a <Script>b"})",
     "warning active-content CarePlan.title"},
    {"a less-than sign", GW_PLAN R"(,"title":"a < b"})", ""},
    {"a reference of no form", GW_PLAN R"(,"encounter":{"reference":"e1"}})",
     "error reference-form CarePlan.encounter"},
    {"a reference to no type", GW_PLAN R"(,"encounter":{"reference":"Penguin/1"}})",
     "error reference-form CarePlan.encounter"},
    {"a type that the reference does not bear out",
     GW_PLAN R"(,"encounter":{"reference":"Encounter/1","type":"Patient"}})",
     "error reference-type CarePlan.encounter"},
    {"a contained resource without an id", GW_PLAN R"(,"contained":[{"resourceType":"Patient"}]})",
     "error dom-3 CarePlan.contained[0]; error contained-id CarePlan.contained[0]"},
    {"the stated size",
     GW_PLAN R"(,"note":[{"text":"n","extension":[{"url":"http://example.org/x",)"
             R"("valueAttachment":{"contentType":"text/plain","data":"AAAA","size":3}}]}]})",
     ""},
    {"another size",
     GW_PLAN R"(,"note":[{"text":"n","extension":[{"url":"http://example.org/x",)"
             R"("valueAttachment":{"contentType":"text/plain","data":"AAA=","size":3}}]}]})",
     "error attachment-size CarePlan.note[0].extension[0].value.ofType(Attachment)"},
    {"que-12 as its text has it",
     R"({"resourceType":"Questionnaire","name":"Q","status":"draft","item":[{"linkId":"1",)"
     R"("type":"string","enableWhen":[{"question":"a","operator":"exists","answerBoolean":true},)"
     R"({"question":"b","operator":"exists","answerBoolean":true}]}]})",
     "error que-12 Questionnaire.item[0]"},
    {"a filter by a parameter of the value set, by a variable of FHIRPath, and by none",
     R"({"resourceType":"ValueSet","url":"https://example.org/vs","status":"draft","extension":[)"
     R"({"url":"http://hl7.org/fhir/tools/StructureDefinition/valueset-parameter","extension":[)"
     R"({"url":"name","valueCode":"is-old"}]}],"compose":{"include":[)"
     R"({"system":"https://example.org/cs","filter":[)" GW_FILTER("%is-old") "," GW_FILTER(
         "%context") "," GW_FILTER("'a' + %b") "," GW_FILTER("%is-new") "]}]}}",
     "error value-set-parameter "
     "ValueSet.compose.include[0].filter[3].value.extension[0].value.ofType(Expression)"},
    {"properties of a code system",
     R"({"resourceType":"CodeSystem","url":"https://example.org/cs","status":"draft",)"
     R"("content":"complete","property":[{"code":"a","type":"code"},{"code":"a","type":"code"},)"
     R"({"code":"inactive","uri":"http://hl7.org/fhir/concept-properties#inactive",)"
     R"("type":"string"}],"concept":[{"code":"x","property":[{"code":"a","valueString":"y"}]}]})",
     "error code-system-property CodeSystem.property[1]; "
     "error code-system-property CodeSystem.property[2]; "
     "error code-system-property CodeSystem.concept[0].property[0]"},
    {"ras-2 as its text has it: what is absent is not over 100",
     R"({"resourceType":"RiskAssessment","status":"final","subject":{"display":"p"},)"
     R"("prediction":[{"outcome":{"text":"o"}},{"probabilityRange":{"high":{"value":1,"system":"http://unitsofmeasure.org","code":"%"}}},)"
     R"({"probabilityDecimal":100},{"probabilityDecimal":100.1}]})",
     "error ras-2 RiskAssessment.prediction[3]"},
    {"no name at all", R"({"resourceType":"Library","status":"draft","type":{"text":"t"}})", ""},
    {"a name of which a part would do",
     R"({"resourceType":"Library","name":"My Library","status":"draft","type":{"text":"t"}})",
     "warning lib-0 Library"},
    {"elements of R4 that the package of definitions has otherwise",
     R"({"resourceType":"EvidenceVariable","status":"draft","characteristic":[{"definitionReference":)"
     R"({"reference":"Group/1"},"usageContext":[{"code":{"code":"focus"},"valueReference":)"
     R"({"reference":"Group/1"}}],"participantEffectivePeriod":{"start":"2026"},)"
     R"("groupMeasure":"mean"}]})",
     ""},
    {"a status that R4 has, and one that it lacks",
     R"({"resourceType":"Bundle","type":"collection","entry":[)"
     R"({"resource":{"resourceType":"DetectedIssue","status":"registered"}},)"
     R"({"resource":{"resourceType":"DetectedIssue","status":"mitigated"}}]})",
     "error binding Bundle.entry[1].resource.status"},
};

TEST(ValidatorTest, Content) {
  for (const Case& each : kContent) {
    EXPECT_EQ(RulesOf(TheValidator().Check(Parsed(each.json))), each.expected) << each.what;
  }
}

#define GW_DOCUMENT(references, rest)                                                           \
  R"({"resourceType":"Bundle","type":"document","timestamp":"2026-01-20T10:00:00Z",)"           \
  R"("identifier":{"system":"https://example.org/d","value":"1"},"entry":[{"fullUrl":)"         \
  R"("https://example.org/fhir/Composition/c","resource":{"resourceType":"Composition",)"       \
  R"("id":"c","status":"final","type":{"text":"t"},"date":"2026-01-20","title":"T","author":[)" \
  R"({"reference":"Practitioner/a"}],)" references R"("confidentiality":"N"}},{"fullUrl":)"     \
  R"("https://example.org/fhir/Practitioner/a","resource":{"resourceType":"Practitioner",)"     \
  R"("id":"a"}})" rest "]}"

// An extension that leads into the narrative of an entry.
#define GW_LINK(end)                                                              \
  R"({"url":"http://hl7.org/fhir/StructureDefinition/narrativeLink","valueUrl":)" \
  R"("urn:uuid:c757873d-ec9a-4326-a141-556f43239)" end R"("})"

constexpr Case kBundles[] = {
    {"a document that holds together", GW_DOCUMENT("", ""), ""},
    {"what a section needs is missing",
     GW_DOCUMENT(R"("section":[{"title":"s","entry":[{"reference":"Observation/o"}]}],)", ""),
     "error document-reference Bundle.entry[0].resource.section[0].entry[0]"},
    {"an entry that nothing leads to",
     GW_DOCUMENT("", R"(,{"fullUrl":"https://example.org/fhir/Patient/p","resource":)"
                     R"({"resourceType":"Patient","id":"p"}})"),
     "error bundle-linked Bundle.entry[2]"},
    {"an entry that only leads to others",
     GW_DOCUMENT("", R"(,{"fullUrl":"https://example.org/fhir/Basic/p","resource":)"
                     R"({"resourceType":"Basic","id":"p","code":{"text":"c"},)"
                     R"("author":{"reference":"Practitioner/a"}}})"),
     "warning bundle-linked Bundle.entry[2]"},
    {"a fullUrl that disagrees with the id",
     R"({"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":)"
     R"("https://example.org/fhir/Patient/q","resource":{"resourceType":"Patient","id":"p"}}]})",
     "error full-url Bundle.entry[0]"},
    {"a relative fullUrl",
     R"({"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":)"
     R"("Patient/p","resource":{"resourceType":"Patient","id":"p"}}]})",
     "error full-url Bundle.entry[0]"},
    {"a link relation twice",
     R"({"resourceType":"Bundle","type":"searchset","link":[{"relation":"self","url":)"
     R"("https://example.org/a"},{"relation":"self","url":"https://example.org/b"}]})",
     "error bundle-link Bundle.link[1]"},
    {"two entries for one reference",
     R"({"resourceType":"Bundle","type":"history","entry":[{"fullUrl":)"
     R"("https://example.org/fhir/Patient/p","resource":{"resourceType":"Patient","id":"p",)"
     R"("meta":{"versionId":"1"}},"request":{"method":"PUT","url":"Patient/p"},"response":)"
     R"({"status":"200"}},{"fullUrl":"https://example.org/fhir/Patient/p","resource":)"
     R"({"resourceType":"Patient","id":"p","meta":{"versionId":"2"},"link":[{"type":"seealso",)"
     R"("other":{"reference":"Patient/p/_history/1"}},{"type":"seealso","other":)"
     R"({"reference":"Patient/p"}}]},"request":{"method":"PUT","url":"Patient/p"},"response":)"
     R"({"status":"200"}}]})",
     "error bundle-reference Bundle.entry[1].resource.link[1].other"},
    {"a patch does not tell the type of what it is applied to",
     R"({"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":)"
     R"("urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Parameters"},)"
     R"("request":{"method":"PATCH","url":"CarePlan/1"}},{"resource":{"resourceType":"Basic",)"
     R"("code":{"text":"c"},"subject":{"type":"CarePlan","reference":)"
     R"("urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}},"request":{"method":"POST",)"
     R"("url":"Basic"}}]})",
     ""},
    {"links into a narrative: one place, none, two, and a document that is not here",
     R"({"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":)"
     R"("urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Basic",)"
     R"("text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">)"
     R"(<p id='a'>a</p><p id=\"b\">b</p></div>"},"code":{"id":"b","text":"c"}}},)"
     R"({"resource":{"resourceType":"Basic","code":{"text":"c"},"extension":[)" GW_LINK(
         "520#a") "," GW_LINK("520#c") "," GW_LINK("520#b") "," GW_LINK("521#a") "," GW_LINK("520") "]}}]}",
     "error narrative-link Bundle.entry[1].resource.extension[1].value.ofType(url); "
     "error narrative-link Bundle.entry[1].resource.extension[2].value.ofType(url)"},
    {"a UUID that no entry has",
     R"({"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":)"
     R"("urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Basic",)"
     R"("code":{"text":"c"},"subject":{"reference":)"
     R"("urn:uuid:c757873d-ec9a-4326-a141-556f43239521"}}}]})",
     "warning bundle-reference Bundle.entry[0].resource.subject"},
};

TEST(ValidatorTest, Bundles) {
  for (const Case& each : kBundles) {
    EXPECT_EQ(RulesOf(TheValidator().Check(Parsed(each.json))), each.expected) << each.what;
  }
}

TEST(ValidatorTest, Structure) {
  for (const Case& each : kStructure) {
    EXPECT_EQ(Checked(each.json), each.expected) << each.what;
  }
}

constexpr Case kInvariants[] = {
    {"cpl-3",
     GW_PLAN R"(,"activity":[{"detail":{"status":"scheduled"}},)"
             R"({"reference":{"reference":"Task/t"},"detail":{"status":"scheduled"}}]})",
     "error invariant CarePlan.activity[1] cpl-3"},
    {"ctm-1",
     R"({"resourceType":"CareTeam","participant":[{"member":{"reference":"Patient/p1"},)"
     R"("onBehalfOf":{"reference":"Organization/o1"}}]})",
     "error invariant CareTeam.participant[0] ctm-1"},
    {"ctm-1 holds for a Practitioner",
     R"({"resourceType":"CareTeam","participant":[{"member":{"reference":"Practitioner/p1"},)"
     R"("onBehalfOf":{"reference":"Organization/o1"}}]})",
     ""},
    {"ppc-1",
     R"({"resourceType":"Consent","status":"active","scope":{"text":"s"},)"
     R"("category":[{"text":"c"}]})",
     "error invariant Consent ppc-1"},
    {"ppc-1 holds with a rule",
     R"({"resourceType":"Consent","status":"active","scope":{"text":"s"},)"
     R"("category":[{"text":"c"}],)"
     R"("policyRule":{"text":"r"}})",
     ""},
    {"ppc-2 to ppc-5 never fire",
     R"({"resourceType":"Consent","status":"active","scope":{"coding":[{"system":"something",)"
     R"("code":"patient-privacy"}]},"category":[{"text":"c"}],"policyRule":{"text":"r"}})",
     "warning code-invalid Consent.scope; error value Consent.scope.coding[0].system"},
    {"gol-1",
     R"({"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"d"},)"
     R"("subject":{"reference":"Patient/p1"},"target":[{"detailString":"walk"}]})",
     "error invariant Goal.target[0] gol-1"},
    {"gol-1 holds with a measure",
     R"({"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"d"},)"
     R"("subject":{"reference":"Patient/p1"},)"
     R"("target":[{"measure":{"text":"m"},"detailString":"walk"}]})",
     ""},
    {"con-5 and con-3",
     R"({"resourceType":"Condition","subject":{"reference":"Patient/p1"},)"
     R"("clinicalStatus":{"coding":[{"system":)"
     R"("http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},)"
     R"("verificationStatus":{"coding":[{"system":)"
     R"("http://terminology.hl7.org/CodeSystem/condition-ver-status",)"
     R"("code":"entered-in-error"}]}})",
     "error invariant Condition con-5"},
    {"pat-1", R"({"resourceType":"Patient","contact":[{"gender":"other"}]})",
     "error invariant Patient.contact[0] pat-1"},
    {"org-1", R"({"resourceType":"Organization","active":true})",
     "error invariant Organization org-1"},
    {"org-2, on the child",
     R"({"resourceType":"Organization","name":"X9901","address":[{"text":"a"},{"use":"home"}]})",
     "error invariant Organization.address[1] org-2"},
    {"obs-6",
     R"({"resourceType":"Observation","status":"final","code":{"text":"c"},"valueString":"v",)"
     R"("dataAbsentReason":{"text":"r"}})",
     "error invariant Observation obs-6"},
    {"per-1", GW_PLAN R"(,"period":{"start":"2026-02-01","end":"2026-01-01"}})",
     "error invariant CarePlan.period per-1"},
    {"per-1 holds within one precision",
     GW_PLAN R"(,"period":{"start":"2026-01","end":"2026-02"}})", ""},
    {"qty-3",
     R"({"resourceType":"Observation","status":"final","code":{"text":"c"},)"
     R"("valueQuantity":{"value":1.50,"code":"kg"}})",
     "error invariant Observation.value.ofType(Quantity) qty-3"},
    {"sqty-1 goes with the element",
     R"({"resourceType":"Observation","status":"final","code":{"text":"c"},)"
     R"("referenceRange":[{"low":{"value":1,"comparator":"<"}}]})",
     "error invariant Observation.referenceRange[0].low sqty-1"},
    {"tim-2",
     R"({"resourceType":"Task","status":"requested","intent":"order",)"
     R"("input":[{"type":{"text":"t"},)"
     R"("valueTiming":{"repeat":{"period":2}}}]})",
     "error invariant Task.input[0].value.ofType(Timing).repeat tim-2"},
    {"ext-1, neither", GW_PLAN R"(,"extension":[{"url":"http://example.org/x"}]})",
     "error invariant CarePlan.extension[0] ext-1"},
    {"ext-1, both",
     GW_PLAN R"(,"extension":[{"url":"http://example.org/x","valueCode":"y",)"
             R"("extension":[{"url":"z","valueCode":"y"}]}]})",
     "error invariant CarePlan.extension[0] ext-1"},
    {"ele-1, an id alone", GW_PLAN R"(,"period":{"id":"x"}})",
     "error invariant CarePlan.period ele-1"},
    {"dom-2 nested",
     R"({"resourceType":"CarePlan","contained":[{"resourceType":"Patient","id":"p",)"
     R"("contained":[{"resourceType":"Basic","id":"b","code":{"text":"c"}}]}],)"
     R"("status":"active","intent":"plan","subject":{"reference":"#p"}})",
     "error invariant CarePlan dom-2"},
    {"dom-3 unreferenced",
     R"({"resourceType":"CarePlan","contained":[{"resourceType":"Patient","id":"p"},)"
     R"({"resourceType":"Patient","id":"q"}],)"
     R"("status":"active","intent":"plan","subject":{"reference":"#p"}})",
     "error invariant CarePlan.contained[1] dom-3"},
    {"dom-3 holds where one contained refers to another",
     R"({"resourceType":"CarePlan","contained":[{"resourceType":"Organization","id":"o",)"
     R"("name":"x"},)"
     R"({"resourceType":"Patient","id":"p","managingOrganization":{"reference":"#o"}}],)"
     R"("status":"active","intent":"plan","subject":{"reference":"#p"}})",
     ""},
    {"dom-3 holds where the contained refers to its container",
     R"({"resourceType":"CarePlan","contained":[{"resourceType":"Provenance","id":"v",)"
     R"("target":[{"reference":"#"}],"recorded":"2026-01-20T10:00:00Z",)"
     R"("agent":[{"who":{"display":"d"}}]}],)"
     R"("status":"active","intent":"plan","subject":{"reference":"Patient/p"}})",
     ""},
    {"dom-3 holds for a canonical",
     R"({"resourceType":"CarePlan","contained":[{"resourceType":"PlanDefinition","id":"d",)"
     R"("name":"Walking","status":"draft"}],"instantiatesCanonical":["#d"],)"
     R"("status":"active","intent":"plan","subject":{"reference":"Patient/p"}})",
     ""},
    {"dom-3 does not take a text for a reference",
     R"({"resourceType":"CarePlan","contained":[{"resourceType":"Basic","id":"d",)"
     R"("code":{"text":"#d"}}],)"
     R"("description":"#d","status":"active","intent":"plan","subject":{"reference":"Patient/p"}})",
     "error invariant CarePlan.contained[0] dom-3"},
    {"dom-4 and dom-5",
     R"({"resourceType":"CarePlan","contained":[{"resourceType":"Patient","id":"p","meta":)"
     R"({"versionId":"1","security":[{"code":"R"}]}}],)"
     R"("status":"active","intent":"plan","subject":{"reference":"#p"}})",
     "error invariant CarePlan dom-4; error invariant CarePlan dom-5"},
    {"txt-1",
     GW_PLAN R"(,"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">)"
             R"(<script>x</script></div>"}})",
     "error invariant CarePlan.text.div txt-1; error value CarePlan.text.div"},
    {"bdl-7",
     R"({"resourceType":"Bundle","type":"collection","entry":[)"
     R"({"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520",)"
     R"("resource":{"resourceType":"Basic","code":{"text":"x"}}},)"
     R"({"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520",)"
     R"("resource":{"resourceType":"Basic","code":{"text":"x"}}}]})",
     "error invariant Bundle bdl-7"},
    {"bdl-3 asks the Bundle, not the entry",
     R"({"resourceType":"Bundle","type":"transaction","entry":[)"
     R"({"resource":{"resourceType":"Basic","code":{"text":"x"}}}]})",
     "error invariant Bundle bdl-3"},
    {"que-1, and a warning: que-0 asks for a name that programs can use",
     R"({"resourceType":"Questionnaire","name":"a b","status":"draft","item":[{"linkId":"1","type":"group"}]})",
     "warning invariant Questionnaire que-0; error invariant Questionnaire.item[0] que-1"},
};

TEST(ValidatorTest, Invariants) {
  for (const Case& each : kInvariants) {
    EXPECT_EQ(Checked(each.json), each.expected) << each.what;
  }
}

TEST(ValidatorTest, Dom6IsAWarningOfEachWholeResource) {
  const std::vector<Issue> issues = TheValidator().Check(
      Parsed(R"({"resourceType":"CarePlan","contained":[{"resourceType":"Patient","id":"p"}],)"
             R"("status":"active","intent":"plan","subject":{"reference":"#p"}})"));
  ASSERT_EQ(issues.size(), 1u);
  EXPECT_EQ(issues[0].severity, Severity::kWarning);
  EXPECT_EQ(issues[0].location, "CarePlan");
  EXPECT_FALSE(HasErrors(issues));
}

TEST(ValidatorTest, TreesThatWereNotParsed) {
  fhir::Resource patient = *fhir::Resource::Make("Patient", R4());
  fhir::Element& root = patient.root();
  ASSERT_TRUE(root.Add("birthDate", "01/02/1950").ok());
  EXPECT_EQ(Summary(TheValidator().Check(patient)), "error value Patient.birthDate");
  root.Clear("birthDate");
  (*root.Add("birthDate"))->SetNull();
  EXPECT_EQ(Summary(TheValidator().Check(patient)), "") << "null is absent";
  ASSERT_TRUE(root.Add("maritalStatus").ok());
  EXPECT_EQ(Summary(TheValidator().Check(patient)), "error invariant Patient.maritalStatus ele-1");
  root.Clear("maritalStatus");
  const fhir::TypeDef& type = root.type();
  root.AppendRaw(type.Find("gender"), *R4().Find("code"), root.Child("birthDate")->text());
  root.Clear("gender");
  root.AppendRaw(type.Find("deceased"), *R4().Find("string"), "x");
  EXPECT_EQ(Summary(TheValidator().Check(patient)),
            "error structure Patient.deceased.ofType(string)");
  root.Clear("deceased");
  root.AppendRaw(type.Find("active"), *R4().Find("boolean"), "true");
  root.AppendRaw(type.Find("active"), *R4().Find("boolean"), "true");
  EXPECT_EQ(Summary(TheValidator().Check(patient)), "error structure Patient");
}

TEST(ValidatorTest, NeverNamesAValue) {
  const std::vector<Issue> issues = TheValidator().Check(
      Parsed(R"({"resourceType":"CarePlan","status":"secret","intent":"secret",)"
             R"("subject":{"reference":"Device/secret"},"period":{"start":"2027","end":"2026"}})"));
  EXPECT_GE(issues.size(), 4u);
  for (const Issue& issue : issues) {
    EXPECT_EQ((issue.code + issue.location + issue.detail).find("secret"), std::string::npos);
  }
}

TEST(ValidatorTest, SameResourceSameIssues) {
  for (const Case& each : kInvariants) {
    const fhir::Resource resource = Parsed(each.json);
    EXPECT_EQ(TheValidator().Check(resource), TheValidator().Check(resource.Clone())) << each.what;
  }
}

TEST(ValidatorTest, LargeBundlesTakeTimeInProportion) {
  std::string text = R"({"resourceType":"Bundle","type":"collection","entry":[)";
  for (int entry = 0; entry < 5'000; ++entry) {
    const std::string id = std::to_string(entry);
    text += entry == 0 ? "" : ",";
    text += R"({"fullUrl":"urn:x:)" + id + R"(","resource":{"resourceType":"Basic","code":)" +
            R"({"text":"c"},"subject":{"reference":"urn:x:)" + id + R"("}}})";
  }
  text += "]}";
  EXPECT_EQ(Checked(text), "");
  text = R"({"resourceType":"CarePlan","status":"active","intent":"plan","contained":[)";
  std::string references;
  for (int entry = 0; entry < 5'000; ++entry) {
    const std::string id = std::to_string(entry);
    text += entry == 0 ? "" : ",";
    text += R"({"resourceType":"Patient","id":"p)" + id + R"("})";
    references += R"(,{"reference":"#p)" + id + R"("})";
  }
  text += R"(],"subject":{"reference":"#p0"},"supportingInfo":[{"reference":"#p1"})" + references +
          "]}";
  EXPECT_EQ(Checked(text), "");
}

}  // namespace
}  // namespace gw::validate
