#include <algorithm>
#include <utility>

#include "gateway/map/v2/tables_internal.h"

namespace gw::map::v2 {
namespace {

constexpr std::string_view kMarks = "[]{}<>|:";
constexpr size_t kItemsMax = 64;  // of one group: a bit of Group::needed each

bool IsNameLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

struct Token {
  std::string text;
  const Line* line;
};

// Names of capital letters, words of small ones ("structure"), and single marks.
Result<std::vector<Token>> Tokenize(const std::vector<Line>& lines) {
  std::vector<Token> tokens;
  for (const Line& line : lines) {
    std::string_view text = line.text;
    while (!text.empty()) {
      size_t length = 1;
      if (IsNameLetter(text[0])) {
        length = static_cast<size_t>(std::find_if_not(text.begin(), text.end(), IsNameLetter) -
                                     text.begin());
      } else if (text[0] >= 'a' && text[0] <= 'z') {
        length = std::min(text.find(' '), text.size());
      } else if (text[0] != ' ' && kMarks.find(text[0]) == kMarks.npos) {
        return AtLine(line, "a character that no structure has");
      }
      if (text[0] != ' ') {
        tokens.push_back({std::string(text.substr(0, length)), &line});
      }
      text.remove_prefix(length);
    }
  }
  return tokens;
}

}  // namespace

// A group as it was written, before its elements exist.
struct StructureReader::Body {
  struct Entry {
    std::vector<const SegmentDef*> segments;  // several for a choice
    const Body* group = nullptr;
    std::string name;  // of the group
    bool optional = false;
    bool repeats = false;
  };
  std::string type_name;
  bool is_structure = false;
  bool is_open = true;  // still being read
  std::vector<Entry> entries;
};

using Body = StructureReader::Body;

// Recursive descent over the tokens of one structure; a common group is read anew in each.
class StructureParser {
 public:
  using CommonGroups = std::map<std::string, std::vector<Token>>;

  StructureParser(StructureReader* reader, const CommonGroups& common, std::string structure)
      : reader_(reader), common_(common), structure_(std::move(structure)) {}

  Status Parse(const std::vector<Token>& tokens) {
    Body* root = Open(structure_);
    root->is_structure = true;
    GW_RETURN_IF_ERROR(ParseBody(tokens, 0, tokens.size(), root));
    root->is_open = false;
    return {};
  }

 private:
  using Tokens = std::vector<Token>;

  Body* Open(std::string type_name) {
    reader_->bodies_.push_back(std::make_unique<Body>());
    reader_->bodies_.back()->type_name = std::move(type_name);
    return reader_->bodies_.back().get();
  }

  // Reads the entries in [at, end).
  Status ParseBody(const Tokens& tokens, size_t at, size_t end, Body* body) {
    while (at < end) {
      Body::Entry entry;
      GW_TRY(at, ParseEntry(tokens, at, end, &entry));
      body->entries.push_back(std::move(entry));
    }
    size_t items = 0;
    for (const Body::Entry& entry : body->entries) {
      items += std::max<size_t>(entry.segments.size(), 1);
    }
    if (body->entries.empty() || items > kItemsMax) {
      return Error{Code::kInvalid, "a group has 1 to 64 places", "structures.txt"};
    }
    return {};
  }

  // The end of what opens at `at`: behind the mark that closes it.
  static Result<size_t> ClosingOf(const Tokens& tokens, size_t at, size_t end) {
    size_t depth = 0;
    for (size_t i = at; i < end; ++i) {
      const std::string& text = tokens[i].text;
      depth += text == "[" || text == "{" || text == "<" ? 1U : 0U;
      if (text == "]" || text == "}" || text == ">") {
        if (--depth == 0) {
          return i;
        }
      }
    }
    return AtLine(*tokens[at].line, "a bracket that nothing closes");
  }

  Result<size_t> ParseEntry(const Tokens& tokens, size_t at, size_t end, Body::Entry* entry) {
    const std::string& text = tokens[at].text;
    if (text == "[" || text == "{") {
      GW_TRY(const size_t close, ClosingOf(tokens, at, end));
      (text == "[" ? entry->optional : entry->repeats) = true;
      GW_TRY(const size_t next, ParseBracket(tokens, at + 1, close, entry));
      if (next != close) {
        return AtLine(*tokens[next].line, "what stands together in brackets needs a group name");
      }
      return close + 1;
    }
    if (text == "<") {
      return ParseChoice(tokens, at, end, entry);
    }
    GW_RETURN_IF_ERROR(ParseName(tokens[at], entry));
    return at + 1;
  }

  // What stands in [at, end) of a pair of brackets: a group with its content, or one entry.
  Result<size_t> ParseBracket(const Tokens& tokens, size_t at, size_t end, Body::Entry* entry) {
    if (at + 1 < end && tokens[at + 1].text == ":") {
      GW_RETURN_IF_ERROR(DefineGroup(tokens, at, end, entry));
      return end;
    }
    return ParseEntry(tokens, at, end, entry);
  }

  Result<size_t> ParseChoice(const Tokens& tokens, size_t at, size_t end, Body::Entry* entry) {
    GW_TRY(const size_t close, ClosingOf(tokens, at, end));
    for (size_t i = at + 1; i < close; i += 2) {
      const SegmentDef* segment = reader_->tables_->FindSegment(IdOf(tokens[i].text));
      const bool divided = i + 1 == close || tokens[i + 1].text == "|";
      if (segment == nullptr || tokens[i].text.size() != 3 || !divided) {
        return AtLine(*tokens[i].line, "a choice is of segments that are known: <OBR|RXO>");
      }
      entry->segments.push_back(segment);
    }
    return close + 1;
  }

  // "NAME: entries" in [at, end).
  Status DefineGroup(const Tokens& tokens, size_t at, size_t end, Body::Entry* entry) {
    const std::string& name = tokens[at].text;
    if (groups_.count(name) != 0) {
      return AtLine(*tokens[at].line, "a group that the structure has already: " + name);
    }
    Body* body = Open(structure_ + "." + name);
    groups_[name] = body;
    entry->name = name;
    entry->group = body;
    GW_RETURN_IF_ERROR(ParseBody(tokens, at + 2, end, body));
    body->is_open = false;
    return {};
  }

  Status ParseName(const Token& token, Body::Entry* entry) {
    const SegmentDef* segment =
        token.text.size() == 3 ? reader_->tables_->FindSegment(IdOf(token.text)) : nullptr;
    if (segment != nullptr) {
      entry->segments.push_back(segment);
      return {};
    }
    entry->name = token.text;
    const auto own = groups_.find(token.text);
    if (own != groups_.end()) {
      entry->group = own->second;
      return own->second->is_open ? Status(AtLine(*token.line, "a group inside itself")) : Status();
    }
    const auto common = common_.find(token.text);
    if (common == common_.end()) {
      return AtLine(*token.line, "neither a segment nor a group: " + token.text);
    }
    Body* body = Open(structure_ + "." + token.text);
    groups_[token.text] = body;
    entry->group = body;
    GW_RETURN_IF_ERROR(ParseBody(common->second, 0, common->second.size(), body));
    body->is_open = false;
    return {};
  }

  StructureReader* reader_;
  const CommonGroups& common_;
  std::string structure_;
  std::map<std::string, Body*> groups_;
};

StructureReader::StructureReader(Tables* tables) : tables_(tables) {}
StructureReader::~StructureReader() = default;

Status StructureReader::Read(const std::vector<Line>& lines) {
  GW_TRY(const std::vector<Token> tokens, Tokenize(lines));
  StructureParser::CommonGroups common;
  size_t at = 0;
  while (at < tokens.size()) {
    const std::string& word = tokens[at].text;
    if ((word != "group" && word != "structure") || at + 2 >= tokens.size() ||
        tokens[at + 2].text != ":") {
      return AtLine(*tokens[at].line, "'group NAME:' or 'structure NAME:' is needed here");
    }
    const std::string& name = tokens[at + 1].text;
    const auto end = std::find_if(
        tokens.begin() + static_cast<ptrdiff_t>(at) + 3, tokens.end(),
        [](const Token& token) { return token.text == "group" || token.text == "structure"; });
    std::vector<Token> content(tokens.begin() + static_cast<ptrdiff_t>(at) + 3, end);
    at = static_cast<size_t>(end - tokens.begin());
    if (word == "group") {
      common[name] = std::move(content);
      continue;
    }
    GW_RETURN_IF_ERROR(StructureParser(this, common, name).Parse(content));
  }
  return {};
}

void StructureReader::AddType(const Body& body) {
  std::vector<fhir::ModelBuilder::ElementSpec> specs;
  const auto add = [&](const std::string& name, const std::string& type, bool repeats) {
    const auto known = std::find_if(specs.begin(), specs.end(),
                                    [&](const auto& spec) { return spec.name == name; });
    if (known != specs.end()) {
      known->max = fhir::kMany;  // it has two places
    } else {
      specs.push_back({name, type, repeats ? fhir::kMany : uint16_t{1}});
    }
  };
  for (const Body::Entry& entry : body.entries) {
    for (const SegmentDef* segment : entry.segments) {
      add(segment->name, segment->name, entry.repeats);
    }
    if (entry.group != nullptr) {
      add(entry.name, entry.group->type_name, entry.repeats);
    }
  }
  if (body.is_structure) {
    add("OTHER", "OTHER", true);
  }
  tables_->builder.AddType(body.type_name, std::move(specs));
}

void StructureReader::AddTypes() {
  for (const auto& body : bodies_) {
    AddType(*body);
  }
}

namespace {

// The segments that may stand first in a group: up to the first place that must be filled.
void FindOpeners(const Group& group, std::vector<SegmentId>* openers) {
  uint64_t must = 0;
  for (size_t i = 0; i < group.items.size(); ++i) {
    const Item& item = group.items[i];
    const uint64_t bit = uint64_t{1} << i;
    const bool past_must = must != 0 && (must & bit) == 0;
    if (past_must) {
      return;
    }
    if (item.group != nullptr) {
      FindOpeners(*item.group, openers);
    } else {
      openers->push_back(item.id);
    }
    for (const uint64_t needed : group.needed) {
      must |= (needed & bit) != 0 ? needed : 0;
    }
  }
}

}  // namespace

void StructureReader::Bind() {
  for (const auto& body : bodies_) {
    auto& group = tables_->groups[body->type_name];
    group = std::make_unique<Group>();
    group->type_name = body->type_name;
    group->type = tables_->builder.Find(body->type_name);
  }
  for (const auto& body : bodies_) {
    Group& group = *tables_->groups[body->type_name];
    for (const Body::Entry& entry : body->entries) {
      uint64_t bits = 0;
      const auto add = [&](Item item, const std::string& name) {
        item.element = group.type->Find(name);
        item.repeats = entry.repeats;
        bits |= uint64_t{1} << group.items.size();
        group.items.push_back(item);
      };
      for (const SegmentDef* segment : entry.segments) {
        add(Item{nullptr, IdOf(segment->name), segment, nullptr}, segment->name);
      }
      if (entry.group != nullptr) {
        add(Item{nullptr, 0, nullptr, tables_->groups[entry.group->type_name].get()}, entry.name);
      }
      for (Item& item : group.items) {
        item.choice = item.choice == 0 ? bits : item.choice;
      }
      if (!entry.optional) {
        group.needed.push_back(bits);
      }
    }
  }
  for (const auto& body : bodies_) {
    Group& group = *tables_->groups[body->type_name];
    FindOpeners(group, &group.openers);
  }
}

bool Group::OpensWith(SegmentId id) const {
  return std::find(openers.begin(), openers.end(), id) != openers.end();
}

}  // namespace gw::map::v2
