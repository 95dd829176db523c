#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "gateway/fhir/resource.h"

namespace gw::fhir {
namespace {

const Definitions& R4() {
  static const Definitions kDefinitions = Definitions::R4();
  return kDefinitions;
}

constexpr std::string_view kDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

std::string InJson(const Resource& resource) {
  std::string json;
  WriteJson(resource, &json);
  return json;
}

std::string InXml(const Resource& resource) {
  std::string xml;
  WriteXml(resource, &xml);
  return xml;
}

// What a Patient holds between its tags.
std::string Patient(std::string_view content) {
  return "<Patient xmlns=\"http://hl7.org/fhir\">" + std::string(content) + "</Patient>";
}

struct Pair {
  const char* what;
  const char* xml;
  const char* json;
};

// The two forms of one resource: each is made of the other, byte for byte.
constexpr Pair kPairs[] = {
    {"nothing but a type", R"(<Patient xmlns="http://hl7.org/fhir"/>)",
     R"({"resourceType":"Patient"})"},
    {"an id is an element of a resource and an attribute of all else",
     R"(<Patient xmlns="http://hl7.org/fhir"><id value="p"/><name id="n"><family value="F"/></name></Patient>)",
     R"({"resourceType":"Patient","id":"p","name":[{"id":"n","family":"F"}]})"},
    {"numbers keep their digits, booleans are words",
     R"(<Observation xmlns="http://hl7.org/fhir"><status value="final"/><valueQuantity>)"
     R"(<value value="1.50"/></valueQuantity></Observation>)",
     R"({"resourceType":"Observation","status":"final","valueQuantity":{"value":1.50}})"},
    {"exponents and long fractions",
     R"(<Observation xmlns="http://hl7.org/fhir"><status value="final"/><valueQuantity>)"
     R"(<value value="-1.1030161663305387E+2"/></valueQuantity></Observation>)",
     R"({"resourceType":"Observation","status":"final",)"
     R"("valueQuantity":{"value":-1.1030161663305387E+2}})"},
    {"choices of types",
     R"(<Patient xmlns="http://hl7.org/fhir"><active value="true"/><multipleBirthInteger value="2"/></Patient>)",
     R"({"resourceType":"Patient","active":true,"multipleBirthInteger":2})"},
    {"an extension beside a value",
     R"(<Patient xmlns="http://hl7.org/fhir"><birthDate id="b" value="1950">)"
     R"(<extension url="http://example.org/x"><valueCode value="y"/></extension></birthDate></Patient>)",
     R"({"resourceType":"Patient","birthDate":"1950","_birthDate":{"id":"b",)"
     R"("extension":[{"url":"http://example.org/x","valueCode":"y"}]}})"},
    {"an extension in place of a value",
     R"(<Patient xmlns="http://hl7.org/fhir"><birthDate>)"
     R"(<extension url="http://example.org/x"><valueCode value="y"/></extension></birthDate></Patient>)",
     R"({"resourceType":"Patient","_birthDate":{)"
     R"("extension":[{"url":"http://example.org/x","valueCode":"y"}]}})"},
    {"gaps in arrays are elements without a value",
     R"(<Patient xmlns="http://hl7.org/fhir"><name><given value="Ann"/><given id="m"/>)"
     R"(<given id="z" value="Zoe"/></name></Patient>)",
     R"({"resourceType":"Patient","name":[{"given":["Ann",null,"Zoe"],)"
     R"("_given":[null,{"id":"m"},{"id":"z"}]}]})"},
    {"extensions of extensions, with an id",
     R"(<Basic xmlns="http://hl7.org/fhir"><extension id="e" url="http://example.org/x">)"
     R"(<extension url="a"><valueString value="A"/></extension></extension></Basic>)",
     R"({"resourceType":"Basic","extension":[{"id":"e",)"
     R"("extension":[{"url":"a","valueString":"A"}],"url":"http://example.org/x"}]})"},
    {"contained resources, each in an element of its own",
     R"(<CarePlan xmlns="http://hl7.org/fhir"><contained><Organization><id value="o"/></Organization></contained>)"
     R"(<contained><Goal><id value="g"/></Goal></contained><status value="active"/></CarePlan>)",
     R"({"resourceType":"CarePlan","contained":[{"resourceType":"Organization","id":"o"},)"
     R"({"resourceType":"Goal","id":"g"}],"status":"active"})"},
    {"a Bundle within a Bundle",
     R"(<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/><entry><resource><Bundle><entry>)"
     R"(<resource><Basic/></resource></entry></Bundle></resource></entry></Bundle>)",
     R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":)"
     R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Basic"}}]}}]})"},
    {"Parameters",
     R"(<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="r"/><resource><Patient/></resource></parameter>)"
     R"(<parameter><name value="s"/><valueString value="t"/></parameter></Parameters>)",
     R"({"resourceType":"Parameters","parameter":[{"name":"r",)"
     R"("resource":{"resourceType":"Patient"}},{"name":"s","valueString":"t"}]})"},
    {"elements defined by reference",
     R"(<Consent xmlns="http://hl7.org/fhir"><status value="active"/><provision><provision><provision>)"
     R"(<type value="deny"/></provision></provision></provision></Consent>)",
     R"({"resourceType":"Consent","status":"active",)"
     R"("provision":{"provision":[{"provision":[{"type":"deny"}]}]}})"},
    {"markup, quotes, tabs and line ends in a value",
     "<Basic xmlns=\"http://hl7.org/fhir\"><author><display value=\"&quot;A&quot; &amp;amp; "
     "&lt;b&gt; "
     "&#39;c&#39;&#9;d&#10;e&#13; \xC3\xA9\xF0\x9F\x98\x80\"/></author></Basic>",
     "{\"resourceType\":\"Basic\",\"author\":{\"display\":\"\\\"A\\\" &amp; <b> "
     "'c'\\td\\ne\\r \xC3\xA9\xF0\x9F\x98\x80\"}}"},
    {"a narrative keeps its bytes",
     "<Basic xmlns=\"http://hl7.org/fhir\"><text><status value=\"generated\"/>"
     "<div  xmlns='http://www.w3.org/1999/xhtml' ><!-- x --><p>1 &lt; 2 &#xE9;<br />\n</p ><b/>"
     "</div\n></text></Basic>",
     "{\"resourceType\":\"Basic\",\"text\":{\"status\":\"generated\","
     "\"div\":\"<div  xmlns='http://www.w3.org/1999/xhtml' ><!-- x --><p>1 &lt; 2 "
     "&#xE9;<br />\\n</p ><b/></div\\n>\"}}"},
};

TEST(XmlTest, EachFormIsMadeOfTheOther) {
  for (const Pair& pair : kPairs) {
    const Result<Resource> of_xml = ParseXml(pair.xml, R4(), Limits{});
    ASSERT_TRUE(of_xml.ok()) << pair.what << ": " << of_xml.error().detail << " at "
                             << of_xml.error().where;
    EXPECT_EQ(InJson(*of_xml), pair.json) << pair.what;
    const Result<Resource> of_json = ParseJson(pair.json, R4(), Limits{});
    ASSERT_TRUE(of_json.ok()) << pair.what << ": " << of_json.error().detail;
    EXPECT_EQ(InXml(*of_json), std::string(kDeclaration) + pair.xml) << pair.what;
  }
}

// What XML may say in several ways is one tree.
TEST(XmlTest, TakesEveryWayOfWritingIt) {
  const std::string active = R"({"resourceType":"Patient","active":true})";
  const std::pair<const char*, std::string> cases[] = {
      {"white space, comments and instructions",
       "<?xml version='1.0'?>\r\n<!-- <a b=\"--><?x y?>\n" +
           Patient("\n <!-- c --> <active value=\"true\"><?z?>\n</active>\t") + "\n<!-- d -->"},
      {"a prefix",
       R"(<f:Patient xmlns:f="http://hl7.org/fhir"><f:active value='true'/></f:Patient>)"},
      {"a schema's place",
       R"(<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance")"
       R"( xsi:schemaLocation="http://hl7.org/fhir ../fhir.xsd"><active value="true"/></Patient>)"},
      {"a byte order mark", "\xEF\xBB\xBF" + Patient(R"(<active value="true"/>)")},
      {"the encoding in small letters",
       "<?xml version=\"1.0\" encoding='utf-8'?>" + Patient(R"(<active value="true"/>)")},
      {"references", Patient("<active value=\"&#116;&#x72;ue\"/>")},
  };
  for (const auto& [what, xml] : cases) {
    const Result<Resource> read = ParseXml(xml, R4(), Limits{});
    ASSERT_TRUE(read.ok()) << what << ": " << read.error().detail << " at " << read.error().where;
    EXPECT_EQ(InJson(*read), active) << what;
  }
}

TEST(XmlTest, ElementsKnowTheirOffset) {
  const std::string text =
      "\xEF\xBB\xBF<!-- < --><Patient xmlns='http://hl7.org/fhir'>\n <id value='p'/>"
      "<contained> <Basic><id value='b'/></Basic></contained>"
      "<name id='n'><given value='>'/><given id='g' value='B'/></name>"
      "<birthDate><extension url='x'><valueCode value='y'/></extension></birthDate></Patient>";
  const Result<Resource> patient = ParseXml(text, R4(), Limits{});
  ASSERT_TRUE(patient.ok()) << patient.error().detail << " at " << patient.error().where;
  const Element& root = patient->root();
  const std::pair<const Element*, const char*> cases[] = {
      {&root, "<Patient"},
      {root.Child("id"), "<id value='p'"},
      {root.Child("contained"), "<Basic>"},
      {root.Path("contained.id"), "<id value='b'"},
      {root.Child("name"), "<name id"},
      {root.Path("name.id"), "<name id"},
      {root.Child("name")->Child("given", 0), "<given value"},
      {root.Child("name")->Child("given", 1), "<given id"},
      {root.Child("birthDate"), "<birthDate>"},
      {root.Path("birthDate.extension"), "<extension"},
      {root.Path("birthDate.extension.value"), "<valueCode"},
  };
  for (const auto& [element, start] : cases) {
    ASSERT_NE(element, nullptr) << start;
    EXPECT_EQ(text.substr(element->offset(), std::string(start).size()), start);
  }
}

struct Refused {
  std::string xml;
  const char* detail;
  const char* where;
  Code code = Code::kInvalid;
};

const Refused kRefused[] = {
    {"", "the document is empty", "line 1, column 1"},
    {" \n", "the document is empty", "line"},
    {"{}", "the document is empty", "line 1, column 1"},
    {R"(<Patient/>)", "the namespace of a resource is http://hl7.org/fhir", "line 1, column 1"},
    {R"(<Patient xmlns="http://hl7.org/fhir/"/>)",
     "the namespace of a resource is http://hl7.org/fhir", "line 1"},
    {R"(<patient xmlns="http://hl7.org/fhir"/>)", "not a resource type of FHIR R4", "line 1",
     Code::kUnsupported},
    {R"(<Resource xmlns="http://hl7.org/fhir"/>)", "not a resource type of FHIR R4", "line 1",
     Code::kUnsupported},
    {Patient("\n <activ value=\"true\"/>"), "an element that the type does not have",
     "Patient (line 2, column 2)"},
    {Patient("<name><id value=\"x\"/></name>"), "an attribute was expected, not an element",
     "Patient.name[0].id"},
    {Patient("<extension><url value=\"x\"/></extension>"),
     "an attribute was expected, not an element", "Patient.extension[0].url"},
    {Patient("<active><value value=\"true\"/></active>"), "an element that the type does not have",
     "Patient.active"},
    {Patient("<active value=\"true\"/><id value=\"p\"/>"), "the element stands out of order",
     "Patient.id (line 1"},
    {Patient("<name><given value=\"A\"/><family value=\"B\"/></name>"),
     "the element stands out of order", "Patient.name[0].family"},
    {Patient("<name><family value=\"A\"/></name><active value=\"true\"/><name><family "
             "value=\"B\"/></name>"),
     "the element stands out of order", "Patient.active"},
    {Patient("<active value=\"true\"/><active value=\"true\"/>"),
     "the element stands already and may not repeat", "Patient.active"},
    {Patient("<multipleBirthBoolean value=\"true\"/><multipleBirthInteger value=\"2\"/>"),
     "a choice of types has two values", "Patient.multipleBirthInteger"},
    {Patient("<deceased value=\"true\"/>"), "an element that the type does not have", "Patient"},
    {Patient("<active/>"), "an element without a value or content", "Patient.active"},
    {Patient("<name> </name>"), "an element without a value or content", "Patient.name[0]"},
    {Patient("<contained/>"), "an element without a value or content", "Patient.contained"},
    {Patient("<active value=\"\"/>"), "an attribute may not be empty", "Patient.active.value"},
    {Patient("<name id=\"\"><family value=\"F\"/></name>"), "an attribute may not be empty",
     "Patient.name[0].id"},
    {Patient("<active value=\"yes\"/>"), "not a valid boolean", "Patient.active (line 1"},
    {Patient("<active value=\" true\"/>"), "not a valid boolean", "Patient.active"},
    {Patient("<active valu=\"true\"/>"), "an attribute that the element does not have",
     "Patient.active"},
    {Patient("<name value=\"x\"/>"), "an attribute that the element does not have",
     "Patient.name[0]"},
    {Patient("<name url=\"x\"/>"), "an attribute that the element does not have",
     "Patient.name[0]"},
    {Patient("<contained id=\"x\"><Basic/></contained>"),
     "an attribute that the element does not have", "Patient.contained"},
    {R"(<Patient xmlns="http://hl7.org/fhir" id="p"/>)",
     "an attribute that the element does not have", "Patient (line 1"},
    {R"(<Patient xmlns="http://hl7.org/fhir" xml:lang="en"/>)",
     "an attribute that the element does not have", "Patient"},
    {Patient("text"), "text between elements", "Patient (line 1"},
    {Patient("<name>text<family value=\"F\"/></name>"), "text between elements", "Patient.name[0]"},
    {Patient("<active value=\"true\">x</active>"), "text between elements", "Patient.active"},
    {Patient("<![CDATA[x]]>"), "text between elements", "Patient"},
    {Patient("<contained><Nobody/></contained>"), "not a resource type of FHIR R4",
     "Patient.contained", Code::kUnsupported},
    {Patient("<contained><Basic/><Basic/></contained>"), "one element holds one resource",
     "Patient.contained"},
    {Patient("<contained>x</contained>"), "text between elements", "Patient.contained"},
    {Patient("<active xmlns=\"http://example.org\" value=\"true\"/>"),
     "the namespace of the element is not http://hl7.org/fhir", "Patient.active"},
    {Patient("<active xmlns=\"\" value=\"true\"/>"),
     "the namespace of the element is not http://hl7.org/fhir", "Patient.active"},
    {Patient("<text><div>x</div></text>"),
     "a div declares http://www.w3.org/1999/xhtml itself and without a prefix", "Patient.text.div"},
    {Patient("<text><h:div xmlns:h=\"http://www.w3.org/1999/xhtml\">x</h:div></text>"),
     "a div declares http://www.w3.org/1999/xhtml itself and without a prefix", "Patient.text.div"},
    {Patient("<text><div xmlns=\"http://www.w3.org/1999/xhtml\"><p "
             "xmlns=\"http://hl7.org/fhir\"/></div></text>"),
     "a narrative has elements of XHTML only, without a prefix", "Patient.text.div"},
    {Patient("<text><div xmlns=\"http://www.w3.org/1999/xhtml\" xmlns:x=\"x\" x:y=\"z\"/></text>"),
     "a narrative has attributes of XHTML only, without a prefix", "Patient.text.div"},
    {Patient("<active value=\"true\"></activ>"), "an end tag does not match its start tag",
     "line 1"},
    {R"(<Patient xmlns="http://hl7.org/fhir"><active value="true"/>)", "an element does not end",
     "line 1"},
    {Patient("") + "x", "something follows the document, or it ends early", "line 1"},
    {Patient("") + Patient(""), "something follows the document, or it ends early", "line 1"},
    {Patient("<active value=\"true\" value=\"true\"/>"), "an attribute comes twice", "line 1"},
    {Patient("<active value=true/>"), "an attribute without a value in quotes", "line 1"},
    {Patient("<x:active value=\"true\"/>"), "a prefix that no xmlns declares", "line 1"},
    {Patient("<active value=\"a<b\"/>"), "an attribute value holds a <", "line 1"},
    {Patient("<id value=\"a\x01\"/>"), "a character that XML does not allow", "line 1"},
    {Patient("<id value=\"&#0;\"/>"), "a character that XML does not allow", "line 1"},
    {Patient("<id value=\"&#xFFFE;\"/>"), "a character that XML does not allow", "line 1"},
};

TEST(XmlTest, Refusals) {
  for (const Refused& refused : kRefused) {
    const Result<Resource> read = ParseXml(refused.xml, R4(), Limits{});
    ASSERT_FALSE(read.ok()) << refused.xml;
    EXPECT_EQ(read.error().detail, refused.detail) << refused.xml;
    EXPECT_EQ(read.error().code, refused.code) << refused.xml;
    EXPECT_NE(read.error().where.find(refused.where), std::string::npos)
        << refused.xml << " at " << read.error().where;
  }
}

TEST(XmlTest, RefusalsNeverNameAValue) {
  for (const char* content :
       {"<Smith/>", "<active value=\"Smith\"/>", "Smith", "<active Smith=\"x\"/>", "&Smith;",
        "<Smith>", "<active value=\"&Smith;\"/>", "<Smith:Smith/>",
        "<contained><Smith/></contained>"}) {
    const Result<Resource> read = ParseXml(Patient(content), R4(), Limits{});
    ASSERT_FALSE(read.ok()) << content;
    EXPECT_EQ((read.error().detail + read.error().where).find("Smith"), std::string::npos)
        << content;
  }
}

std::string RefusalOf(std::string_view xml, const Limits& limits = {}) {
  const Result<Resource> read = ParseXml(xml, R4(), limits);
  return read.ok() ? "accepted" : read.error().detail;
}

// Pitfall X1: a document type is refused before the library sees it, so no entity is ever declared,
// no file or address ever opened, whatever it names.
TEST(XmlTest, X1NoDocumentTypeAndNoEntity) {
  const std::string refusal = "a document type is not allowed";
  for (const char* type :
       {"<!DOCTYPE Patient>", "<!DOCTYPE Patient SYSTEM \"file:///etc/hostname\">",
        "<!DOCTYPE Patient PUBLIC \"x\" \"http://127.0.0.1:1/x.dtd\">",
        "<!DOCTYPE Patient [<!ENTITY x SYSTEM \"file:///etc/hostname\">]>",
        "<!DOCTYPE Patient [<!ENTITY % x SYSTEM \"file:///etc/hostname\"> %x;]>",
        "<!-- --><?x?>\n<!DOCTYPE Patient [<!ATTLIST Patient id CDATA \"x\">]>"}) {
    EXPECT_EQ(RefusalOf(type + Patient("<id value=\"&x;\"/>")), refusal) << type;
    EXPECT_EQ(RefusalOf(std::string(kDeclaration) + type + Patient("")), refusal) << type;
  }
  EXPECT_EQ(RefusalOf("<!ENTITY x \"y\">" + Patient("")), refusal);
  // Entities that nobody declared, HTML's among them.
  EXPECT_EQ(RefusalOf(Patient("<id value=\"&x;\"/>")), "an entity that XML does not define");
  EXPECT_EQ(RefusalOf(Patient("&nbsp;")), "an entity that XML does not define");
  // In a comment or a value it is text.
  EXPECT_EQ(RefusalOf("<!-- <!DOCTYPE x> -->" + Patient("")), "accepted");
  EXPECT_EQ(RefusalOf(Patient("<name><text value=\"&lt;!DOCTYPE x>\"/></name>")), "accepted");
}

// Pitfall X2: entities in entities. 10^10 times the text if they were read out.
TEST(XmlTest, X2ABillionLaughsAreNotRead) {
  std::string bomb = "<!DOCTYPE Patient [<!ENTITY a0 \"ha\">";
  for (int level = 1; level <= 10; ++level) {
    const std::string below = "&a" + std::to_string(level - 1) + ";";
    bomb += "<!ENTITY a" + std::to_string(level) + " \"";
    for (int copy = 0; copy < 10; ++copy) {
      bomb += below;
    }
    bomb += "\">";
  }
  bomb += "]>" + Patient("<name><text value=\"&a10;\"/></name>");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(RefusalOf(bomb), "a document type is not allowed");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

// Pitfall X3: 100,000 attributes cost the library twenty seconds.
TEST(XmlTest, X3AttributesAtTheBoundAndPastIt) {
  const auto with = [](int count) {
    std::string tag = "<text><div xmlns=\"http://www.w3.org/1999/xhtml\"><p";
    for (int at = 0; at < count; ++at) {
      tag += (at % 2 == 0 ? " a" : "\na") + std::to_string(at) + (at % 2 == 0 ? "='>'" : "=\"'\"");
    }
    return Patient(tag + "/></div></text>");
  };
  EXPECT_EQ(RefusalOf(with(64)), "accepted");
  EXPECT_EQ(RefusalOf(with(65)), "too many attributes in an element");
  const auto start = std::chrono::steady_clock::now();
  const Result<Resource> read = ParseXml(with(100'000), R4(), Limits{});
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, Code::kTooLarge);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(XmlTest, X3NamespacesAreBoundedToo) {
  const auto with = [](int depth, int declared) {
    std::string open;
    std::string close;
    for (int level = 0; level < depth; ++level) {
      open += "<p";
      for (int at = 0; at < declared; ++at) {
        open += " xmlns:a" + std::to_string(level * 100 + at) + "=\"x\"";
      }
      open += ">";
      close += "</p>";
    }
    return Patient("<text><div xmlns=\"http://www.w3.org/1999/xhtml\">" + open + close +
                   "</div></text>");
  };
  EXPECT_EQ(RefusalOf(with(63, 2)), "accepted");
  EXPECT_EQ(RefusalOf(with(64, 2)), "too many namespaces declared");
}

// Pitfall X4: the depth is ours, not the library's 256; extensions nest without end.
TEST(XmlTest, X4DepthAtTheBoundAndPastIt) {
  const auto nested = [](int extensions) {
    std::string open;
    std::string close;
    for (int at = 0; at < extensions; ++at) {
      open += "<extension url=\"x\">";
      close += "</extension>";
    }
    return Patient(open + "<valueCode value=\"y\"/>" + close);
  };
  EXPECT_EQ(RefusalOf(nested(126)), "accepted");  // Patient and valueCode make 128
  EXPECT_EQ(RefusalOf(nested(127)), "nested too deeply");
  EXPECT_EQ(RefusalOf(nested(100'000)), "nested too deeply");
  Limits limits;
  limits.xml_depth_max = 3;
  EXPECT_EQ(RefusalOf(nested(1), limits), "accepted");
  EXPECT_EQ(RefusalOf(nested(2), limits), "nested too deeply");
}

TEST(XmlTest, X4NodesAtTheBoundAndPastIt) {
  const auto with = [](uint32_t names) {
    std::string content;
    for (uint32_t at = 0; at < names; ++at) {
      content += "<name id=\"n\"/>";
    }
    return Patient(content);
  };
  Limits limits;
  limits.xml_nodes_max = 11;
  EXPECT_EQ(RefusalOf(with(10), limits), "accepted");
  EXPECT_EQ(RefusalOf(with(11), limits), "too many elements in the document");
}

// X4 says that the library takes texts of 11 MB; values end at its bound of 10,000,000 bytes.
TEST(XmlTest, X4ALongValueIsTakenOrRefusedAndNeverCut) {
  const std::string data(9'900'000, 'A');
  const std::string binary =
      "<Binary xmlns=\"http://hl7.org/fhir\"><contentType value=\"a/b\"/>"
      "<data value=\"" +
      data + "\"/></Binary>";
  const Result<Resource> read = ParseXml(binary, R4(), Limits{});
  ASSERT_TRUE(read.ok()) << read.error().detail;
  EXPECT_EQ(read->root().TextAt("data").size(), data.size());
  const std::string longer =
      "<Binary xmlns=\"http://hl7.org/fhir\"><contentType value=\"a/b\"/>"
      "<data value=\"" +
      data + data + "\"/></Binary>";
  EXPECT_EQ(RefusalOf(longer), "an attribute value does not end, or is too long");
}

TEST(XmlTest, BytesThatAreNoText) {
  EXPECT_EQ(RefusalOf(Patient(std::string("<id value=\"a\0b\"/>", 17))),
            "a NUL byte is not allowed");
  EXPECT_EQ(RefusalOf(Patient("") + std::string(1, '\0')), "a NUL byte is not allowed");
  for (const char* bytes :
       {"\x80", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"}) {
    EXPECT_EQ(RefusalOf(Patient("<id value=\"" + std::string(bytes) + "\"/>")),
              "the bytes are not UTF-8");
  }
  EXPECT_EQ(RefusalOf("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" + Patient("")),
            "the declared encoding is not UTF-8");
  EXPECT_EQ(RefusalOf("<?xml version=\"1.0\" encoding=\"UTF-16\"?>" + Patient("")),
            "the declared encoding is not UTF-8");
  EXPECT_EQ(RefusalOf(std::string("\xFF\xFE<\0P\0", 6)), "a NUL byte is not allowed");
}

TEST(XmlTest, ManyEntriesTakeTimeInProportion) {
  std::string bundle = "<Bundle xmlns=\"http://hl7.org/fhir\"><type value=\"collection\"/>";
  for (int at = 0; at < 20'000; ++at) {
    bundle += "<entry><resource><Patient><id value=\"p" + std::to_string(at) +
              "\"/></Patient></resource></entry>";
  }
  bundle += "</Bundle>";
  const Result<Resource> read = ParseXml(bundle, R4(), Limits{});
  ASSERT_TRUE(read.ok()) << read.error().detail;
  EXPECT_EQ(read->root().Count("entry"), 20'000u);
  EXPECT_EQ(InXml(*read), std::string(kDeclaration) + bundle);
}

// A narrative that would break out of its place is written as text.
// The library takes no more than 10,000,000 bytes at once; we hand it more in pieces.
TEST(XmlTest, TakesADocumentOfManyMegabytes) {
  std::string list = "<Basic xmlns=\"http://hl7.org/fhir\">";
  const std::string text(100'000, 'x');
  for (int at = 0; at < 250; ++at) {
    list += "<extension url=\"u\"><valueString value=\"" + text + "\"/></extension>";
  }
  list += "<code id=\"c\"/></Basic>";
  const Result<Resource> read = ParseXml(list, R4(), Limits{});
  ASSERT_TRUE(read.ok()) << read.error().detail << " at " << read.error().where;
  EXPECT_EQ(list.substr(read->root().Child("code")->offset(), 5), "<code");
  EXPECT_EQ(read->root().Count("extension"), 250u);
}

TEST(XmlTest, ANarrativeOfJsonCannotBreakTheDocument) {
  const std::pair<const char*, const char*> cases[] = {
      {R"(<div>x</div>)", R"(<div xmlns="http://www.w3.org/1999/xhtml">x</div>)"},
      {R"(<div/>)", R"(<div xmlns="http://www.w3.org/1999/xhtml"/>)"},
      {R"(</text><active value='true'/><text>)",
       "<div xmlns=\"http://www.w3.org/1999/xhtml\">&lt;/text&gt;&lt;active "
       "value=&#39;true&#39;/&gt;&lt;text&gt;</div>"},
      {R"(<div xmlns='http://www.w3.org/1999/xhtml'>a&nbsp;b</div>)",
       "<div xmlns=\"http://www.w3.org/1999/xhtml\">&lt;div "
       "xmlns=&#39;http://www.w3.org/1999/xhtml&#39;&gt;a&amp;nbsp;b&lt;/div&gt;</div>"},
      {R"(<div xmlns='http://www.w3.org/1999/xhtml'>a</div><div/>)",
       "<div xmlns=\"http://www.w3.org/1999/xhtml\">&lt;div "
       "xmlns=&#39;http://www.w3.org/1999/xhtml&#39;&gt;a&lt;/div&gt;&lt;div/&gt;</div>"},
      {"x", R"(<div xmlns="http://www.w3.org/1999/xhtml">x</div>)"},
  };
  for (const auto& [div, written] : cases) {
    Result<Resource> patient = Resource::Make("Patient", R4());
    ASSERT_TRUE(patient.ok());
    Result<Element*> text = patient->root().Add("text");
    ASSERT_TRUE(text.ok());
    ASSERT_TRUE((*text)->Add("div", div).ok());
    EXPECT_EQ(InXml(*patient),
              std::string(kDeclaration) + Patient("<text>" + std::string(written) + "</text>"));
    EXPECT_EQ(RefusalOf(InXml(*patient)), "accepted") << div;
  }
}

TEST(XmlTest, WhatXmlCannotHoldIsReplaced) {
  Result<Resource> patient = Resource::Make("Patient", R4());
  ASSERT_TRUE(patient.ok());
  ASSERT_TRUE(patient->root().Add("name").ok());
  Element* name = patient->root().Child("name");
  ASSERT_TRUE(name->Add("text", "a\x01\x7F\xEF\xBF\xBF\xFFz").ok());
  Result<Element*> gone = name->Add("family");
  ASSERT_TRUE(gone.ok());
  (*gone)->SetNull();
  EXPECT_EQ(InXml(*patient),
            std::string(kDeclaration) + Patient("<name><text value=\"a\xEF\xBF\xBD\x7F\xEF\xBF\xBD"
                                                "\xEF\xBF\xBDz\"/></name>"));
}

}  // namespace
}  // namespace gw::fhir
