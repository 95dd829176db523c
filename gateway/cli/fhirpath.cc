#include <cstdio>
#include <functional>
#include <memory>
#include <optional>

#include "gateway/base/clock.h"
#include "gateway/base/json.h"
#include "gateway/cli/commands.h"
#include "gateway/fhir/element_definition.h"
#include "gateway/fhir/package.h"
#include "gateway/fhir/path/path.h"
#include "gateway/validate/validator.h"

namespace gw::cli {
namespace {

using fhir::Element;
using fhir::path::Value;

constexpr size_t kInputBytesMax = size_t{256} << 20U;

// A file that the user names may be a large Bundle.
Limits InputLimits() {
  Limits limits;
  limits.body_bytes_max = kInputBytesMax;
  limits.json_items_max = 1'000'000;
  limits.json_nodes_max = 50'000'000;
  return limits;
}

std::optional<std::string> ReadWhole(const std::string& path) {
  const auto close = [](std::FILE* file) { return file == stdin ? 0 : std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(
      path == "-" ? stdin : std::fopen(path.c_str(), "rb"), close);
  if (file == nullptr) {
    return std::nullopt;
  }
  std::string text;
  size_t size = 0;
  do {
    constexpr size_t kStep = size_t{64} << 10U;
    text.resize(size + kStep);
    const size_t read = std::fread(text.data() + size, 1, kStep, file.get());
    size += read;
    if (read == 0) {
      break;
    }
  } while (size <= kInputBytesMax);
  text.resize(size);
  return std::ferror(file.get()) != 0 || size > kInputBytesMax ? std::nullopt
                                                               : std::optional(std::move(text));
}

Result<fhir::Resource> Parse(std::string_view text, const fhir::Definitions& definitions) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool xml = first != std::string_view::npos && text[first] == '<';
  return xml ? fhir::ParseXml(text, definitions, InputLimits())
             : fhir::ParseJson(text, definitions, InputLimits());
}

// A number of FHIRPath may have a sign and leading zeros that one of JSON may not.
void WriteNumber(std::string_view text, JsonWriter* writer) {
  const bool negative = text.starts_with('-');
  text.remove_prefix(negative || text.starts_with('+') ? 1 : 0);
  while (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') {
    text.remove_prefix(1);
  }
  writer->Raw((negative ? "-" : "") + std::string(text));
}

void WriteElement(const Element& element, JsonWriter* writer) {
  if (element.type().kind() == fhir::Kind::kPrimitive && !element.has_text()) {
    writer->Null();  // an extension stands in the place of its value
    return;
  }
  std::string json;
  WriteJson(element, &json);
  writer->Raw(json);
}

void WriteValue(const Value& value, JsonWriter* writer) {
  switch (value.kind()) {
    case Value::Kind::kElement:
      WriteElement(*value.element(), writer);
      return;
    case Value::Kind::kBoolean:
      writer->Bool(value.is_true());
      return;
    case Value::Kind::kInteger:
      writer->Integer(value.integer());
      return;
    case Value::Kind::kDecimal:
      WriteNumber(value.text(), writer);
      return;
    case Value::Kind::kQuantity:
      writer->String(fhir::path::QuantityText(value));
      return;
    case Value::Kind::kTypeInfo:
      writer->ObjectStart().Member("namespace", value.unit()).Member("name", value.text());
      writer->ObjectEnd();
      return;
    case Value::Kind::kUnresolved:
      writer->ObjectStart().Member("reference", value.text()).ObjectEnd();
      return;
    default:
      writer->String(value.text());
  }
}

std::string LineOf(const Value& value) {
  std::string line;
  JsonWriter writer(&line);
  writer.ObjectStart().Member("type", fhir::path::TypeNameOf(value)).Key("value");
  WriteValue(value, &writer);
  writer.ObjectEnd();
  return line;
}

void PrintTrace(std::string_view name, std::span<const Value> items) {
  for (const Value& item : items) {
    PrintError("trace " + std::string(name) + ": " + LineOf(item));
  }
}

// What expressions ask of R4's profiles and value sets; made when one asks.
class Profiles {
 public:
  explicit Profiles(const fhir::Definitions& definitions) : definitions_(definitions) {}

  void Offer(fhir::path::Environment* environment) {
    environment->conformance = &conformance_;
    environment->slicing = &slicing_;
    environment->definition = &definition_;
  }

 private:
  const fhir::Packages& packages() {
    if (!packages_) {
      packages_.emplace(fhir::Packages::R4(definitions_));
    }
    return *packages_;
  }
  const validate::Validator& validator() {
    if (!validator_) {
      validator_.emplace(definitions_, packages());
    }
    return *validator_;
  }
  const Element* DefinitionOf(const Element& element) {
    if (!elements_) {
      elements_.emplace(packages());
    }
    return elements_->Of(element);
  }

  const fhir::Definitions& definitions_;
  std::optional<fhir::Packages> packages_;
  std::optional<validate::Validator> validator_;
  std::optional<fhir::ElementDefinitions> elements_;
  std::function<std::optional<bool>(const Element&, std::string_view)> conformance_ =
      [this](const Element& element, std::string_view profile) {
        return validator().Conforms(element, profile);
      };
  std::function<bool(const Element&, std::string_view, std::string_view)> slicing_ =
      [this](const Element& element, std::string_view structure, std::string_view name) {
        return validator().IsInSlice(element, structure, name);
      };
  std::function<const Element*(const Element&)> definition_ = [this](const Element& element) {
    return DefinitionOf(element);
  };
};

struct Query {
  std::string expression;
  std::string file;  // empty: no input
  fhir::path::Mode mode = fhir::path::Mode::kLenient;
};

int Refuse(const std::string& what, const Error& error) {
  PrintError(what + ": " + error.where + ": " + error.detail);
  return kRefused;
}

int Run(const Query& query) {
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const auto expression =
      fhir::path::Expression::Compile(query.expression, definitions, query.mode);
  if (!expression) {
    return Refuse("expression", expression.error());
  }
  std::optional<fhir::Resource> input;
  if (!query.file.empty()) {
    const std::optional<std::string> text = ReadWhole(query.file);
    if (!text) {
      PrintError(query.file + ": cannot be read");
      return kCannotRun;
    }
    auto parsed = Parse(*text, definitions);
    if (!parsed) {
      return Refuse(query.file, parsed.error());
    }
    input = *std::move(parsed);
  }
  Arena arena;
  fhir::path::Environment environment;
  environment.arena = &arena;
  environment.definitions = &definitions;
  environment.now = SystemClock().Now();
  const std::function<void(std::string_view, std::span<const Value>)> tracer = PrintTrace;
  environment.tracer = &tracer;
  Profiles profiles(definitions);
  profiles.Offer(&environment);
  const auto values = expression->Evaluate(input ? &input->root() : nullptr, environment);
  if (!values) {
    return Refuse("expression", values.error());
  }
  for (const Value& value : *values) {
    std::printf("%s\n", LineOf(value).c_str());
  }
  return kDone;
}

}  // namespace

int FhirPath(Arguments arguments) {
  Query query;
  if (arguments.Flag("--strict")) {
    query.mode = fhir::path::Mode::kStrict;
  }
  const bool no_input = arguments.Flag("--no-input");
  std::string option;
  const std::vector<std::string> operands = arguments.Operands(&option);
  // An expression may begin with a minus sign.
  const bool unknown = option.starts_with("--") && option.size() > 2 && option[2] >= 'a';
  if (unknown || operands.empty() || operands.size() > (no_input ? 1 : 2)) {
    return Usage("fhirpath");
  }
  query.expression = operands[0];
  if (!no_input) {
    query.file = operands.size() > 1 ? operands[1] : "-";
  }
  return Run(query);
}

}  // namespace gw::cli
