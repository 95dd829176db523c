#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gw::cli {

// Exit codes of every subcommand.
inline constexpr int kDone = 0;       // done
inline constexpr int kRefused = 1;    // the input was refused or found wrong
inline constexpr int kCannotRun = 2;  // bad usage, a missing file

// The words after the subcommand. Options are taken out by name; what is left are the operands.
class Arguments {
 public:
  explicit Arguments(std::vector<std::string> words) : words_(std::move(words)) {}
  // Takes `--name VALUE`; empty if absent. A second one of the name stays, and is an unknown
  // option.
  std::string Option(std::string_view name);
  // Takes every `--name VALUE`, in their order, up to an empty value.
  std::vector<std::string> Options(std::string_view name);
  bool Flag(std::string_view name);
  // After all options were taken: the operands, unless an unknown option is left (its name goes to
  // *unknown).
  std::vector<std::string> Operands(std::string* unknown) const;

 private:
  std::vector<std::string> words_;
};

// Says on stderr how the subcommand of this name is used; returns kCannotRun.
int Usage(std::string_view name);
void PrintError(std::string_view text);

// One subcommand each. Results on stdout, diagnostics on stderr.
int Serve(Arguments arguments);
int Check(Arguments arguments);
int Convert(Arguments arguments);
int Validate(Arguments arguments);
int FhirPath(Arguments arguments);
int Transform(Arguments arguments);
int Map(Arguments arguments);
int Send(Arguments arguments);
int Token(Arguments arguments);
int Audit(Arguments arguments);
int Feed(Arguments arguments);
int Terms(Arguments arguments);

// A subcommand, and how it is used: its first line names the whole, further lines what there is to
// say of its parts. Each option that it takes is named.
struct Command {
  std::string_view name;
  int (*run)(Arguments arguments);
  std::string_view usage;
};

// All of them, in the order of --help.
std::span<const Command> Commands();
// Null where there is none of the name.
const Command* FindCommand(std::string_view name);
// What `caregate --help` prints: the first line of each.
std::string Help();

}  // namespace gw::cli
