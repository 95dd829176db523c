#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <utility>

#include "gateway/base/file.h"
#include "gateway/map/v2/tables_internal.h"

namespace gw::map::v2 {
namespace {

std::string_view TrimLine(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

// The first `count` words of a line; fewer where it ends before.
std::vector<std::string> Words(std::string_view text, size_t count) {
  std::vector<std::string> words;
  while (!text.empty() && words.size() < count) {
    const size_t end = text.find_first_of(" \t");
    words.emplace_back(text.substr(0, end));
    text = end == text.npos ? std::string_view{} : TrimLine(text.substr(end));
  }
  return words;
}

Result<std::vector<Line>> ReadLines(const std::filesystem::path& path, std::string_view directory) {
  const auto content = ReadFile(path.string(), kPartBytesMax);
  if (!content) {
    return Error{Code::kInvalid, "the file cannot be read", path.string() + ":0"};
  }
  const std::string name = path.string().substr(directory.size());
  std::vector<Line> lines;
  std::string_view rest = *content;
  for (uint32_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::string_view used = TrimLine(line.substr(0, line.find('#')));
    if (!used.empty()) {
      lines.push_back({"hl7v2" + name, number, std::string(used)});
    }
  }
  return lines;
}

bool TakeIndex(const std::string& word, size_t expected, size_t most) {
  size_t index = 0;
  const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), index);
  return fault == std::errc{} && end == word.data() + word.size() && index == expected &&
         index <= most;
}

struct NamedForm {
  std::string_view fhir_type;
  Form form;
};
constexpr std::array kForms = {
    NamedForm{"string", Form::kText}, NamedForm{"decimal", Form::kNumber},
    NamedForm{"date", Form::kDate},   NamedForm{"dateTime", Form::kDateTime},
    NamedForm{"time", Form::kTime},   NamedForm{"varies", Form::kVaries},
};

// Fills the tables from the files; the types of the model are added at the end.
class Loader {
 public:
  Loader(Tables* tables, const fhir::Definitions& definitions, std::string directory)
      : tables_(tables),
        definitions_(definitions),
        directory_(std::move(directory)),
        structures_(tables) {}

  Status Run() {
    const std::filesystem::path root(directory_);
    GW_TRY(const auto types, ReadLines(root / "types.txt", directory_));
    for (const Line& line : types) {
      GW_RETURN_IF_ERROR(ReadType(line));
    }
    GW_RETURN_IF_ERROR(ResolveParts());
    GW_RETURN_IF_ERROR(ReadSegments(root / "segments"));
    GW_TRY(const auto structures, ReadLines(root / "structures.txt", directory_));
    GW_RETURN_IF_ERROR(structures_.Read(structures));
    AddTypes();
    GW_RETURN_IF_ERROR(tables_->builder.Finish());
    Bind();
    structures_.Bind();
    return {};
  }

 private:
  struct PartLine {
    DataType* type;
    std::string part;
    Line line;
  };
  struct FieldSpec {
    const DataType* type;
    bool required, essential, repeats;
  };

  // "ST string", "TX string as-is", "TS = DTM" or "CX 1 ST ID Number".
  Status ReadType(const Line& line) {
    const std::vector<std::string> words = Words(line.text, 4);
    if (words.size() < 2) {
      return AtLine(line, "a type needs what it is");
    }
    if (words.size() == 3 && words[1] == "=") {
      tables_->aliases[words[0]] = words[2];
      return {};
    }
    auto& type = tables_->types[words[0]];
    const auto* const form =
        std::find_if(kForms.begin(), kForms.end(),
                     [&](const NamedForm& named) { return named.fhir_type == words[1]; });
    if (form != kForms.end()) {
      const bool as_is = words.size() == 3 && words[2] == "as-is";
      if (type != nullptr || words.size() > 3 || (words.size() == 3 && !as_is)) {
        return AtLine(line, "a primitive type has one line: name, FHIR type, perhaps as-is");
      }
      type = std::make_unique<DataType>();
      type->name = words[0];
      type->form = as_is ? Form::kTextAsIs : form->form;
      type->in_field = type->in_component = definitions_.Find(form->fhir_type);
      return {};
    }
    if (type == nullptr) {
      type = std::make_unique<DataType>();
      type->name = words[0];
      type->form = Form::kComposite;
    }
    if (words.size() < 4 || type->form != Form::kComposite ||
        !TakeIndex(words[1], type->parts.size() + 1, kSubcomponentsMax)) {
      return AtLine(line, "a component needs type, its number in turn, data type and name");
    }
    type->parts.push_back(nullptr);
    parts_.push_back({type.get(), words[2], line});
    return {};
  }

  Status ResolveParts() {
    std::map<DataType*, size_t> next;
    for (const PartLine& part : parts_) {
      const DataType* type = tables_->FindType(part.part);
      if (type == nullptr) {
        return AtLine(part.line, "an unknown data type: " + part.part);
      }
      part.type->parts[next[part.type]++] = type;
    }
    tables_->text = tables_->FindType("ST");
    tables_->varies = tables_->FindType("VARIES");
    if (tables_->text == nullptr || tables_->varies == nullptr) {
      return Error{Code::kInvalid, "the types ST and VARIES are needed", "hl7v2/types.txt:1"};
    }
    return {};
  }

  Status ReadSegments(const std::filesystem::path& directory) {
    std::error_code fault;
    std::vector<std::filesystem::path> files;
    for (auto at = std::filesystem::directory_iterator(directory, fault);
         !fault && at != std::filesystem::directory_iterator(); at.increment(fault)) {
      if (at->path().extension() == ".txt") {
        files.push_back(at->path());
      }
    }
    if (files.empty()) {
      return Error{Code::kInvalid, "no segment tables", directory.string() + ":0"};
    }
    std::sort(files.begin(), files.end());
    std::vector<Line> lines;
    for (const auto& file : files) {
      GW_TRY(auto of_file, ReadLines(file, directory_));
      lines.insert(lines.end(), of_file.begin(), of_file.end());
    }
    for (const Line& line : lines) {
      GW_RETURN_IF_ERROR(ReadField(line));
    }
    return {};
  }

  // "PID 3 CX * R Patient Identifier List"; E: not needed, but no wrong date is passed over
  Status ReadField(const Line& line) {
    const std::vector<std::string> words = Words(line.text, 6);
    if (words.size() < 6 || words[0].size() != 3 || (words[3] != "1" && words[3] != "*") ||
        (words[4] != "R" && words[4] != "E" && words[4] != "O")) {
      return AtLine(line, "a field needs segment, number, data type, 1 or *, R, E or O, and name");
    }
    SegmentDef& segment = tables_->segments[IdOf(words[0])];
    std::vector<FieldSpec>& specs = fields_[words[0]];
    const DataType* type = tables_->FindType(words[2]);
    if (type == nullptr) {
      return AtLine(line, "an unknown data type: " + words[2]);
    }
    if (!TakeIndex(words[1], specs.size() + 1, kFieldsMax)) {
      return AtLine(line, "fields are numbered in turn");
    }
    segment.name = words[0];
    specs.push_back({type, words[4] == "R", words[4] != "O", words[3] == "*"});
    return {};
  }

  static std::string ModelName(const DataType& type) {
    if (type.form == Form::kComposite) {
      return type.name;
    }
    return type.form == Form::kVaries ? "VARIES" : std::string(type.in_field->name());
  }
  static std::string ComponentName(const DataType& type) {
    if (type.form == Form::kComposite) {
      return type.name + ".component";
    }
    return type.form == Form::kVaries ? "VARIES.component" : std::string(type.in_field->name());
  }
  // The subcomponents of a component go no deeper: a composite one is text.
  static std::string SubcomponentName(const DataType& type) {
    const bool flat = type.form != Form::kComposite && type.form != Form::kVaries;
    return flat ? std::string(type.in_field->name()) : "string";
  }

  using Specs = std::vector<fhir::ModelBuilder::ElementSpec>;

  static Specs Numbered(const char* letter, size_t count, const std::string& type, uint16_t max) {
    Specs specs;
    for (size_t i = 1; i <= count; ++i) {
      specs.push_back({letter + std::to_string(i), type, max});
    }
    return specs;
  }

  void AddTypes() {
    fhir::ModelBuilder& builder = tables_->builder;
    for (const auto& [name, type] : tables_->types) {
      Specs in_field, in_component;
      for (size_t i = 0; i < type->parts.size(); ++i) {
        const std::string number = std::to_string(i + 1);
        in_field.push_back({"c" + number, ComponentName(*type->parts[i]), 1});
        in_component.push_back({"s" + number, SubcomponentName(*type->parts[i]), 1});
      }
      if (type->form == Form::kComposite) {
        builder.AddType(name, std::move(in_field));
        builder.AddType(name + ".component", std::move(in_component));
      }
    }
    builder.AddType("VARIES", Numbered("c", kComponentsMax, "VARIES.component", 1));
    builder.AddType("VARIES.component", Numbered("s", kSubcomponentsMax, "string", 1));
    Specs other = Numbered("f", kFieldsMax, "VARIES", fhir::kMany);
    other.insert(other.begin(), {"name", "string", 1});
    builder.AddType("OTHER", std::move(other));
    for (const auto& [name, specs] : fields_) {
      Specs elements;
      for (const FieldSpec& spec : specs) {
        elements.push_back({"f" + std::to_string(elements.size() + 1), ModelName(*spec.type),
                            spec.repeats ? fhir::kMany : uint16_t{1}});
      }
      builder.AddType(name, std::move(elements));
    }
    structures_.AddTypes();
  }

  void Bind() {
    Tables& tables = *tables_;
    for (const auto& [name, type] : tables.types) {
      if (type->form == Form::kComposite) {
        type->in_field = tables.builder.Find(name);
        type->in_component = tables.builder.Find(name + ".component");
      }
    }
    for (auto& [id, segment] : tables.segments) {
      segment.type = tables.builder.Find(segment.name);
      const auto elements = segment.type->elements();
      const std::vector<FieldSpec>& specs = fields_[segment.name];
      for (size_t i = 0; i < specs.size(); ++i) {
        segment.fields.push_back(
            {&elements[i], specs[i].type, specs[i].required, specs[i].essential});
      }
    }
    tables.string_type = definitions_.Find("string");
    tables.varies_field = tables.builder.Find("VARIES");
    tables.varies_component = tables.builder.Find("VARIES.component");
    tables.other = tables.builder.Find("OTHER");
    tables.other_name = &tables.other->elements()[0];
    for (size_t i = 0; i < kFieldsMax; ++i) {
      tables.any_field[i] = &tables.other->elements()[i + 1];
    }
    for (size_t i = 0; i < kComponentsMax; ++i) {
      tables.any_component[i] = &tables.varies_field->elements()[i];
    }
    for (size_t i = 0; i < kSubcomponentsMax; ++i) {
      tables.any_subcomponent[i] = &tables.varies_component->elements()[i];
    }
  }

  Tables* tables_;
  const fhir::Definitions& definitions_;
  std::string directory_;
  StructureReader structures_;
  std::vector<PartLine> parts_;
  std::map<std::string, std::vector<FieldSpec>> fields_;
};

}  // namespace

SegmentId IdOf(std::string_view segment_name) {
  SegmentId id = 0;
  for (const char letter : segment_name) {
    id = id << 8 | static_cast<uint8_t>(letter);
  }
  return id;
}

Error AtLine(const Line& line, std::string detail) {
  return Error{Code::kInvalid, std::move(detail), line.file + ":" + std::to_string(line.number)};
}

const DataType* Tables::FindType(std::string_view name) const {
  const auto alias = aliases.find(name);
  const auto found = types.find(alias == aliases.end() ? name : std::string_view(alias->second));
  return found == types.end() ? nullptr : found->second.get();
}

const SegmentDef* Tables::FindSegment(SegmentId id) const {
  const auto found = segments.find(id);
  return found == segments.end() ? nullptr : &found->second;
}

Result<std::unique_ptr<Tables>> LoadTables(const std::string& directory,
                                           const fhir::Definitions& definitions) {
  auto tables = std::make_unique<Tables>(definitions);
  GW_RETURN_IF_ERROR(Loader(tables.get(), definitions, directory).Run());
  return tables;
}

}  // namespace gw::map::v2
