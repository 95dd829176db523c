#include <algorithm>
#include <cstdio>

#include "gateway/cli/commands.h"

namespace gw::cli {

std::string Arguments::Option(std::string_view name) {
  const auto found = std::find(words_.begin(), words_.end(), name);
  if (found == words_.end() || found + 1 == words_.end()) {
    return {};
  }
  std::string value = *(found + 1);
  words_.erase(found, found + 2);
  return value;
}

std::vector<std::string> Arguments::Options(std::string_view name) {
  std::vector<std::string> values;
  for (std::string value = Option(name); !value.empty(); value = Option(name)) {
    values.push_back(std::move(value));
  }
  return values;
}

bool Arguments::Flag(std::string_view name) {
  const auto found = std::find(words_.begin(), words_.end(), name);
  if (found == words_.end()) {
    return false;
  }
  words_.erase(found);
  return true;
}

std::vector<std::string> Arguments::Operands(std::string* unknown) const {
  for (const std::string& word : words_) {
    if (word.size() > 1 && word.starts_with('-')) {
      *unknown = word;
    }
  }
  return words_;
}

void PrintError(std::string_view text) {
  std::fprintf(stderr, "caregate: %.*s\n", static_cast<int>(text.size()), text.data());
}

}  // namespace gw::cli
