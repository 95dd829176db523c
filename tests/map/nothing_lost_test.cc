// Nothing valued is lost in silence: where a message says something else in one place, what comes
// of it is something else too, or the place is listed as unread. The exceptions stand below, each
// with its reason.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/map/samples_testing.h"

namespace gw::map {
namespace {

// One valued leaf in the bytes of a message.
struct Leaf {
  std::string place;  // as the list of unread places has it: "PID-3[2].4.1"
  std::string kind;   // without segment and field repetitions: "PID-3.4.1"
  size_t begin = 0;
  size_t end = 0;
};

bool IsDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Another value of the same kind.
std::string Another(std::string text) {
  if (IsDigits(text)) {
    char& digit = text[text.size() >= 8 ? 3 : text.size() - 1];  // of a date the year
    digit = digit == '9' ? '0' : static_cast<char>(digit + 1);
    return text;
  }
  return text + "Q";
}

class LeafFinder {
 public:
  explicit LeafFinder(const std::string& bytes) : bytes_(bytes) {}

  std::vector<Leaf> Run() {
    std::map<std::string, int> repetitions;
    for (size_t begin = 0; begin < bytes_.size();) {
      const size_t end = std::min(bytes_.find('\r', begin), bytes_.size());
      if (end > begin + 3) {
        const std::string name = bytes_.substr(begin, 3);
        const int repetition = ++repetitions[name];
        Segment(name, repetition == 1 ? "" : "[" + std::to_string(repetition) + "]", begin, end);
      }
      begin = end + 1;
    }
    return std::move(leaves_);
  }

 private:
  void Segment(const std::string& name, const std::string& repetition, size_t begin, size_t end) {
    const bool header = name == "MSH";
    int field = header ? 2 : 0;
    size_t at = begin + (header ? 8 : 3);  // of MSH, past its own separators
    while (at < end) {
      const size_t start = at + 1;
      at = std::min(bytes_.find('|', start), end);
      ++field;
      const std::string number = "-" + std::to_string(field);
      Split({name + repetition + number, name + number, start, at}, "~^&");
    }
  }

  // By the first of the separators, and each part by the others.
  void Split(const Leaf& whole, std::string_view separators) {
    if (separators.empty()) {
      Add(whole);
      return;
    }
    const std::string text = bytes_.substr(whole.begin, whole.end - whole.begin);
    const bool is_repetition = separators.front() == '~';
    if (text.find(separators.front()) == std::string::npos) {
      Split(whole, separators.substr(1));
      return;
    }
    int number = 0;
    for (size_t at = 0; at <= text.size();) {
      const size_t end = std::min(text.find(separators.front(), at), text.size());
      Leaf part = whole;
      ++number;
      const std::string dot = "." + std::to_string(number);
      if (is_repetition) {
        part.place += number == 1 ? "" : "[" + std::to_string(number) + "]";
      } else {
        part.place += dot;
        part.kind += dot;
      }
      part.begin = whole.begin + at;
      part.end = whole.begin + end;
      Split(part, separators.substr(1));
      at = end + 1;
    }
  }

  void Add(const Leaf& leaf) {
    const std::string text = bytes_.substr(leaf.begin, leaf.end - leaf.begin);
    if (!text.empty() && text != "\"\"" && text.find('\\') == std::string::npos) {
      leaves_.push_back(leaf);
    }
  }

  const std::string& bytes_;
  std::vector<Leaf> leaves_;
};

std::string TextOf(const Outcome& outcome) {
  if (!outcome.refusal.empty()) {
    return outcome.refusal;
  }
  const auto bundle = ToTransaction(outcome.translation.changes, Definitions());
  std::string text = bundle ? "" : bundle.error().detail;
  if (bundle) {
    fhir::WriteJson(*bundle, &text);
  }
  for (const Unmapped& code : outcome.translation.unmapped) {
    text += "\n" + code.where + " " + code.code;
  }
  for (const Remark& remark : outcome.translation.remarks) {
    text += "\n" + remark.code + " " + remark.where;
  }
  return text;
}

// A place in the list of unread ones is a leaf's own, or that of what holds it or is first in it:
// "PID-8" and "PID-8.1" name the same text.
bool IsListed(const std::string& place, const std::vector<std::string>& unread) {
  return std::any_of(unread.begin(), unread.end(), [&place](const std::string& listed) {
    const std::string& longer = listed.size() > place.size() ? listed : place;
    const std::string& shorter = listed.size() > place.size() ? place : listed;
    std::string rest = longer.starts_with(shorter) ? longer.substr(shorter.size()) : "?";
    while (rest.starts_with(".1")) {
      rest.erase(0, 2);
    }
    return rest.empty();
  });
}

struct Exception {
  const char* reason;
  std::vector<const char*> places;
};

// Read on purpose and not kept.
const std::vector<Exception> kExceptions = {
    {"order in the message",
     {"PID-1", "PV1-1", "NK1-1", "NTE-1", "OBR-1", "OBX-1", "DG1-1", "AL1-1", "PR1-1", "CON-1",
      "ARV-1", "TXA-1", "SPM-1", "TQ1-1", "RGS-1", "AIS-1", "AIG-1", "AIL-1", "AIP-1", "REL-1"}},
    {"of the transport: the parser and the acknowledgment read it",
     {"MSH-5", "MSH-6", "MSH-9.3", "MSH-11", "MSH-18", "MSA-1", "MSA-2"}},
    {"the query that is answered; what it asked for is not kept",
     {"QRD-1", "QRD-2", "QRD-3", "QRD-4", "QRD-7.1", "QRD-7.2", "QRD-8", "QRD-9", "QRD-10"}},
    {"said by MSH-9.2", {"EVN-1"}},
    {"the time of the action stands in the Provenance", {"GOL-2", "PRB-2"}},
    {"whose wish a restriction is decides what it becomes", {"ARV-4.1"}},
    {"its code says it: words and table of a code that R4 has its own for",
     {"AL1-2.2",  "AL1-2.3",  "AL1-4.2",  "AL1-4.3",  "ARV-2.1",  "ARV-2.2",  "ARV-2.3",
      "ARV-3.2",  "ARV-3.3",  "ARV-4.2",  "ARV-4.3",  "CON-11.2", "CON-11.3", "CON-17",
      "CON-25.2", "CON-25.3", "GOL-18.2", "GOL-18.3", "GOL-22.2", "GOL-22.3", "NK1-3.3",
      "NTE-2",    "NTE-4.2",  "NTE-4.3",  "PID-15.3", "PID-16.3", "PID-22.3", "PRB-13.3",
      "PRB-14.3", "PRB-25.2", "PRB-25.3", "PRD-1.2",  "PRD-1.3",  "PRD-6.2",  "PRD-6.3",
      "PTH-5.2",  "PTH-5.3",  "PTH-7.2",  "PTH-7.3",  "RF1-2.2",  "RF1-2.3",  "AIS-2",
      "AIS-8",    "SCH-10",   "PD1-12",   "PV1-2"}},
    {"a number is a telephone's unless it says otherwise; of a mobile one the use is that",
     {"CTD-5.3", "PRD-5.3", "PRT-15.3", "ROL-12.3", "PID-13.2", "PID-13.3", "NK1-5.2", "NK1-6.3"}},
    {"the kind of an identifier, of a name in a register, or of a place",
     {"NK1-13.7", "PD1-3.7", "PRD-10.7", "PRT-8.7", "PV1-3.6", "PD1-4.10", "PV1-7.10", "PV1-8.10",
      "PV1-17.10", "TXA-5.10", "ROL-4.10", "PRT-5.10", "AIP-3.10", "DG1-16.10", "PR1-11.10",
      "OBR-16.10", "ORC-12.10", "VAR-4.10"}},
    {"an NHS number, whichever way it is called one", {"PID-3.4", "PID-3.5"}},
    {"names what is known already: deleted, linked, unlinked, unchanged, taken out",
     {"GOL-3.1", "GOL-3.2", "GOL-3.3",  "PRB-3.1", "PRB-3.2", "PRB-3.3", "PTH-2.1", "PTH-2.2",
      "PTH-2.3", "PTH-4",   "ROL-3.1",  "ROL-3.2", "ROL-3.3", "ROL-4.1", "ROL-4.2", "ROL-4.3",
      "ROL-4.6", "ROL-4.9", "ROL-4.13", "PRT-2",   "PRT-12",  "AIP-3.1", "AIP-3.2", "AIP-3.3",
      "AIP-3.6", "AIP-3.9", "AIP-3.13", "AIG-3.1", "AIG-3.3"}},
    {"the event takes it back, or says the state itself",
     {"PV1-36.1", "PV1-36.2", "PV1-36.3", "SCH-25", "TXA-19", "RF1-1.1", "RF1-1.2", "RF1-1.3"}},
    {"why a message was sent that cancels nothing", {"SCH-6.1", "SCH-6.2", "SCH-6.3"}},
    {"the same order, in another segment",
     {"OBR-2.1", "OBR-2.2", "OBR-3.1", "OBR-3.2", "ORC-1", "ORC-2.1", "ORC-2.2", "ORC-3.1",
      "ORC-3.2", "SPM-2.1.1", "SPM-2.1.2"}},
    {"a row of a document: its words are the heading, its state that of the document",
     {"OBX-3.1", "OBX-3.3", "OBX-11", "OBX-5.1", "TXA-3"}},
    {"the person speaks for themselves", {"CON-24.1", "CON-24.2", "CON-24.3"}},
    {"what is joined says how",
     {"REL-2.1", "REL-2.2", "REL-2.3", "REL-3.1", "REL-3.2", "REL-4.2", "REL-5.2"}},
    {"its words are kept as a note, which has no code", {"PRB-22.1", "VAR-5.1"}},
};

bool IsException(const std::string& kind) {
  return std::any_of(kExceptions.begin(), kExceptions.end(), [&kind](const Exception& one) {
    return std::find(one.places.begin(), one.places.end(), kind) != one.places.end();
  });
}

TEST(NothingLost, EveryValueOfOurMessagesIsKeptOrListed) {
  std::map<std::string, std::string> lost;  // kind of place, the first message
  std::set<std::string> seen;
  size_t changed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GW_SOURCE_DIR "/tests/data/hl7v2")) {
    if (entry.path().extension() != ".hl7") {
      continue;
    }
    const std::string name = entry.path().stem().string();
    const std::string bytes = ReadFile(entry.path().string());
    Feed feed = FeedOf("X9912");
    feed.take_common_segments = true;
    const Outcome outcome = TranslateMessage(bytes, feed);
    if (!outcome.refusal.empty()) {
      continue;
    }
    const std::string before = TextOf(outcome);
    const std::string type = bytes.substr(bytes.find("||") + 2, 7);
    for (const Leaf& leaf : LeafFinder(bytes).Run()) {
      if (IsListed(leaf.place, outcome.translation.unread) ||
          !seen.insert(type + " " + leaf.kind).second) {
        continue;
      }
      std::string other = bytes;
      other.replace(leaf.begin, leaf.end - leaf.begin,
                    Another(bytes.substr(leaf.begin, leaf.end - leaf.begin)));
      ++changed;
      if (TextOf(TranslateMessage(other, feed)) == before && !IsException(leaf.kind)) {
        lost.emplace(leaf.kind, name + " " + leaf.place);
      }
    }
  }
  std::string list;
  for (const auto& [kind, where] : lost) {
    list += kind + " (" + where + ")\n";
  }
  EXPECT_EQ(list, "") << "read, and neither kept nor listed";
  EXPECT_GT(changed, 500u);
}

}  // namespace
}  // namespace gw::map
