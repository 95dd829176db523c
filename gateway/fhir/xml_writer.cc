#include <string>
#include <string_view>
#include <vector>

#include "gateway/fhir/narrative_internal.h"
#include "gateway/fhir/resource.h"
#include "gateway/fhir/written_internal.h"
#include "gateway/fhir/xml_internal.h"

namespace gw::fhir {
namespace {

constexpr std::string_view kDivStart = "<div";

class XmlTreeWriter {
 public:
  explicit XmlTreeWriter(std::string* out) : out_(*out) {}

  void Document(const Element& resource) {
    out_ += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    Write(resource, resource.type().name(), true);
  }

 private:
  void Write(const Element& element, std::string_view name, bool is_document) {
    out_ += '<';
    out_ += name;
    if (is_document) {
      Attribute("xmlns", kFhirNamespace);
    }
    const size_t begin = pending_.size();
    AppendWritten(element, &pending_);
    const size_t end = pending_.size();
    for (size_t at = begin; at < end; ++at) {
      if (IsXmlAttribute(element.type(), pending_[at]->name())) {
        Attribute(pending_[at]->name(), pending_[at]->text());
      }
    }
    if (element.has_text()) {
      Attribute("value", element.text());
    }
    const size_t tag_end = out_.size();
    out_ += '>';
    for (size_t at = begin; at < end; ++at) {  // pending_ may move while a child is written
      if (!IsXmlAttribute(element.type(), pending_[at]->name())) {
        Child(element.type(), *pending_[at]);
      }
    }
    pending_.resize(begin);
    if (out_.size() == tag_end + 1) {
      out_.insert(tag_end, 1, '/');
      return;
    }
    out_ += "</";
    out_ += name;
    out_ += '>';
  }

  void Child(const TypeDef& parent, const Element& child) {
    const ElementDef& definition = *child.definition();
    const std::string_view name =
        definition.choice ? parent.JsonName(definition, child.type()) : definition.name;
    if (child.is_resource()) {
      out_ += '<';
      out_ += name;
      out_ += '>';
      Write(child, child.type().name(), false);
      out_ += "</";
      out_ += name;
      out_ += '>';
    } else if (child.type().primitive() == Primitive::kXhtml) {
      Narrative(child.text());
    } else {
      Write(child, name, false);
    }
  }

  // A narrative keeps its bytes. One that is not well formed would end the document early or bring
  // elements of its own into it, so it becomes text.
  void Narrative(std::string_view div) {
    const NarrativeForm form = FormOf(div);
    if (form.is_well_formed && form.has_namespace) {
      out_ += div;
      return;
    }
    out_ += kDivStart;
    Attribute("xmlns", kXhtmlNamespace);
    if (form.is_well_formed) {
      out_ += div.substr(kDivStart.size());
    } else {
      out_ += '>';
      AppendXmlText(div, &out_);
      out_ += "</div>";
    }
  }

  void Attribute(std::string_view name, std::string_view value) {
    out_ += ' ';
    out_ += name;
    out_ += "=\"";
    AppendXmlText(value, &out_);
    out_ += '"';
  }

  std::string& out_;
  std::vector<const Element*> pending_;  // a stack: the children of the elements that are open
};

}  // namespace

void WriteXml(const Resource& resource, std::string* out) {
  XmlTreeWriter(out).Document(resource.root());
}

}  // namespace gw::fhir
