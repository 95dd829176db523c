#include <gtest/gtest.h>

#include <string>

#include "gateway/fhir/resource.h"

namespace gw::fhir {
namespace {

std::string Div(std::string_view content) {
  return "<div xmlns=\"http://www.w3.org/1999/xhtml\">" + std::string(content) + "</div>";
}

std::string RefusalOf(std::string_view div) {
  const Status status = CheckNarrative(div, Limits{});
  return status.ok() ? "" : status.error().detail;
}

TEST(NarrativeTest, TakesWhatFhirAllows) {
  for (const char* content :
       {"text",
        "<p>text</p>",
        "<b/>text",
        "&#233;",
        "&amp;",
        "<img src=\"x.png\" alt=\"x\"/>",
        "<p class=\"a\" style='color: red' title=\"&lt;\">x</p>",
        "<!-- c -->x",
        "<a name=\"x\"/><a href=\"#x\">x</a>",
        "<a href=\"http://example.org/a:b\">x</a>",
        "<a href=\"https://example.org\">x</a>",
        "<a href=\"mailto:a@example.org\">x</a>",
        "<a href=\"Patient/1\">x</a>",
        "<a href=\"a?b:c\">x</a>",
        "<img src=\"data:image/png;base64,iVBORw0K\"/>",
        "<img src=\"#contained\"/>",
        "<td style=\"background-image: url(data:image/png;base64,AAAA)\">x</td>",
        "<td style=\"fill: url('#a')\">x</td>",
        "<p xml:lang=\"en\" lang=\"en\" dir=\"ltr\">x</p>",
        "<table><caption>c</caption><colgroup><col span=\"2\"/></colgroup><thead><tr><th "
        "scope=\"col\">h</th></tr></thead><tbody><tr><td colspan=\"2\">x</td></tr></tbody></table>",
        "<blockquote cite=\"http://example.org\">x</blockquote>",
        "<u>x</u><s>y</s><font>z</font>",
        "<p xmlns=\"http://www.w3.org/1999/xhtml\">x</p>",
        "\xC3\xA9"}) {
    EXPECT_EQ(RefusalOf(Div(content)), "") << content;
  }
  EXPECT_EQ(RefusalOf(" \n" + Div("x") + "\n"), "");
}

// Pitfall X5: XHTML is active content. What runs, loads or hides something is refused, in every
// spelling that a browser understands.
TEST(NarrativeTest, X5RefusesActiveContent) {
  const std::string element = "an element that a narrative may not have (txt-1)";
  const std::string attribute = "an attribute that a narrative may not have (txt-1)";
  const std::string address = "an address of a kind that a narrative may not have";
  const std::string style = "a style that is not contained in the narrative (txt-1)";
  const std::string markup = "a narrative has no markup but elements and comments";
  const std::pair<std::string, std::string> cases[] = {
      {"<script>x</script>", element},
      {"<SCRIPT>x</SCRIPT>", element},
      {"<P>x</P>", element},
      {"<style>p {}</style>", element},
      {"<iframe src=\"x\"/>", element},
      {"<object data=\"x\"/>", element},
      {"<form><input/></form>", element},
      {"<link href=\"x\"/>", element},
      {"<base href=\"x\"/>", element},
      {"<svg/>", element},
      {"<ins>x</ins>", element},
      {"<p onclick=\"x()\">x</p>", attribute},
      {"<p ONCLICK=\"x()\">x</p>", attribute},
      {"<img src=\"x\" onerror=\"x()\"/>", attribute},
      {"<img srcset=\"x\"/>", attribute},
      {"<p data-x=\"y\">x</p>", attribute},
      {"<a target=\"_top\" href=\"x\">x</a>", attribute},
      {"<a href=\"javascript:x()\">x</a>", address},
      {"<a href=\" JaVaScRiPt:x()\">x</a>", address},
      {"<a href=\"java\nscript:x()\">x</a>", address},
      {"<a href=\"java&#9;script:x()\">x</a>", address},
      {"<a href=\"&#x6A;avascript&#58;x()\">x</a>", address},
      {"<a href=\"&#1;javascript:x()\">x</a>",
       "an attribute value holds a character that XML does not allow"},
      {"<a href=\"vbscript:x\">x</a>", address},
      {"<a href=\"data:text/html,x\">x</a>", address},
      {"<a href=\"file:///x\">x</a>", address},
      {"<img src=\"data:text/html,x\"/>", address},
      {"<q cite=\"javascript:x()\">x</q>", address},
      {"<p style=\"background: url(http://example.org/x)\">x</p>", style},
      {"<p style=\"background: URL( 'http://example.org/x')\">x</p>", style},
      {"<p style=\"background: \\75rl(http://example.org/x)\">x</p>", style},
      {"<p style=\"background: u/**/rl(http://example.org/x)\">x</p>", style},
      {"<p style=\"width: expression(x())\">x</p>", style},
      {"<p style=\"background: url(data:text/html,x)\">x</p>", style},
      {"<p style=\"b: url(#a) url(http://example.org)\">x</p>", style},
      {"<![CDATA[><img src=x onerror=x()>]]>", markup},
      {"<?php x ?>", markup},
      {"<!DOCTYPE html>", markup},
      {"<!--><img src='x'/>-->", "a comment that HTML ends earlier than XML"},
      {"<!---><img src='x'/>-->", "a comment that HTML ends earlier than XML"},
  };
  for (const auto& [content, refusal] : cases) {
    EXPECT_EQ(RefusalOf(Div(content + "x")), refusal) << content;
  }
}

TEST(NarrativeTest, RefusesWhatIsNotOneWellFormedDiv) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "an element of the narrative does not end"},
      {"text", "a narrative is one div"},
      {"<p xmlns=\"http://www.w3.org/1999/xhtml\">x</p>", "a narrative is one div"},
      {"<div>x</div>",
       "the div of a narrative declares the namespace http://www.w3.org/1999/xhtml"},
      {"<div xmlns=\"http://hl7.org/fhir\">x</div>",
       "the namespace of a narrative is http://www.w3.org/1999/xhtml"},
      {Div("x") + Div("y"), "something follows the div of the narrative"},
      {Div("x") + "y", "something follows the div of the narrative"},
      {Div("<p>x</b>"), "an end tag does not match its start tag"},
      {Div("<p>x"), "an end tag does not match its start tag"},
      {Div("x").substr(0, 43), "an element of the narrative does not end"},
      {Div("<p a>x</p>"), "an attribute without a value in quotes"},
      {Div("<p class=x>x</p>"), "an attribute without a value in quotes"},
      {Div("<p class=\"x>x</p>"), "an attribute without a value in quotes"},
      {Div("<p class=\"a\"id=\"b\">x</p>"), "a space was expected before an attribute"},
      {Div("<p class=\"a\" class=\"b\">x</p>"), "an attribute comes twice"},
      {Div("<p class=\"a<b\">x</p>"),
       "an attribute value holds a character that XML does not allow"},
      {Div("<p class=\"a&b\">x</p>"),
       "an attribute value holds a character that XML does not allow"},
      {Div("a & b"), "an entity that XML does not define"},
      {Div("a&nbsp;b"), "an entity that XML does not define"},
      {Div("a&#0;b"), "an entity that XML does not define"},
      {Div("a&#xD800;b"), "an entity that XML does not define"},
      {Div("<p title=\"\xEF\xBF\xBE\">x</p>"),
       "an attribute value holds a character that XML does not allow"},
      {Div("<!-- \xEF\xBF\xBF -->x"), "a character that XML does not allow"},
      {Div("\xEF\xBF\xBEx"), "a character that XML does not allow"},
      {Div("a ]]> b"), "a character or mark that XML does not allow in a text"},
      {Div("a\x01"
           "b"),
       "a character that XML does not allow"},
      {Div("a\x80"), "the bytes are not UTF-8"},
      {Div("<x:p>x</x:p>"), "the name of an element, without a prefix, was expected"},
      {Div("< p>x</p>"), "the name of an element, without a prefix, was expected"},
      {Div("<p x:y=\"z\">x</p>"), "the name of an attribute, without a prefix, was expected"},
      {Div("<!-- a -- b -->x"), "a comment holds -- or does not end, or stands outside of the div"},
      {Div("<!-- a"), "a comment holds -- or does not end, or stands outside of the div"},
      {Div(""), "the narrative SHALL have some non-whitespace content (txt-2)"},
      {Div(" \t<p> </p>&#160;"), "the narrative SHALL have some non-whitespace content (txt-2)"},
  };
  for (const auto& [div, refusal] : cases) {
    EXPECT_EQ(RefusalOf(div), refusal) << div;
  }
  const Status status = CheckNarrative(Div("\n <script/>"), Limits{});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().where.substr(0, 6), "line 2");
}

TEST(NarrativeTest, BoundsHold) {
  const auto nested = [](int depth) {
    std::string open;
    std::string close;
    for (int at = 0; at < depth; ++at) {
      open += "<b>";
      close += "</b>";
    }
    return Div(open + "x" + close);
  };
  EXPECT_EQ(RefusalOf(nested(63)), "");
  EXPECT_EQ(RefusalOf(nested(64)), "nested too deeply");
  Limits limits;
  limits.xml_attributes_max = 2;
  EXPECT_TRUE(CheckNarrative(Div("<p id=\"a\" class=\"b\">x</p>"), limits).ok());
  const Status status = CheckNarrative(Div("<p id=\"a\" class=\"b\" dir=\"c\">x</p>"), limits);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace gw::fhir
