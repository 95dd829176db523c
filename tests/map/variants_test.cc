// What other senders would make of our own messages: another version, other separators, line ends
// and character sets, PRT for ROL, Z segments, nulls, cuts. What they say stays what it is.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/map/samples_testing.h"

namespace gw::map {
namespace {

struct Named {
  std::string name;
  std::string bytes;
};

const std::vector<Named>& OwnMessages() {
  static const std::vector<Named> messages = [] {
    std::vector<Named> all;
    for (const auto& entry :
         std::filesystem::directory_iterator(GW_SOURCE_DIR "/tests/data/hl7v2")) {
      if (entry.path().extension() == ".hl7") {
        all.push_back({entry.path().stem().string(), ReadFile(entry.path().string())});
      }
    }
    std::sort(all.begin(), all.end(),
              [](const Named& a, const Named& b) { return a.name < b.name; });
    return all;
  }();
  return messages;
}

const std::string& Own(const std::string& name) {
  for (const Named& message : OwnMessages()) {
    if (message.name == name) {
      return message.bytes;
    }
  }
  ADD_FAILURE() << "there is no message " << name;
  static const std::string none;
  return none;
}

// What it says, whatever its bytes: the resources that it leads to, by their identities.
std::string SaidBy(const Outcome& outcome) {
  if (!outcome.refusal.empty()) {
    return outcome.refusal;
  }
  const auto outcomes = OutcomesOf(outcome.translation.changes);
  return outcomes ? outcomes->Json() : outcomes.error().detail;
}
std::string SaidBy(const std::string& bytes) {
  return SaidBy(TranslateMessage(bytes, FeedOf("X9912")));
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::vector<std::string> Parts(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::string Joined(const std::vector<std::string>& parts, char separator) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    text += (i == 0 ? "" : std::string(1, separator)) + parts[i];
  }
  return text;
}

// The message with one field of MSH set; MSH-1 is the first separator.
std::string WithHeader(const std::string& bytes, size_t field, const std::string& value) {
  const size_t end = bytes.find('\r');
  std::vector<std::string> fields = Parts(bytes.substr(0, end), '|');
  fields.resize(std::max(fields.size(), field));
  fields[field - 1] = value;
  return Joined(fields, '|') + bytes.substr(end);
}

TEST(Variants, EveryVersionSaysTheSame) {
  for (const Named& message : OwnMessages()) {
    const std::string said = SaidBy(message.bytes);
    for (const char* version :
         {"2.1", "2.3", "2.3.1", "2.4", "2.6", "2.7.1", "2.8.2", "2.9", "2.9.1", "2.5^GBR"}) {
      EXPECT_EQ(SaidBy(WithHeader(message.bytes, 12, version)), said)
          << message.name << " as " << version;
    }
  }
}

TEST(Variants, AnUnknownVersionIsTold) {
  const std::string& message = Own("person_add");
  for (const Remark& remark : TranslateMessage(message, FeedOf("X9912")).translation.remarks) {
    EXPECT_NE(remark.code, "unknown-version");
  }
  for (const char* version : {"", "2.10", "3.0", "V2.5"}) {
    const std::string bytes = WithHeader(message, 12, version);
    EXPECT_EQ(SaidBy(bytes), SaidBy(message)) << version;
    const auto remarks = TranslateMessage(bytes, FeedOf("X9912")).translation.remarks;
    EXPECT_TRUE(std::any_of(remarks.begin(), remarks.end(), [](const Remark& remark) {
      return remark.code == "unknown-version" && remark.where == "MSH-12";
    })) << version;
  }
}

TEST(Variants, WithoutItsStructureItIsReadByItsEvent) {
  for (const Named& message : OwnMessages()) {
    const std::vector<std::string> type =
        Parts(Parts(message.bytes.substr(0, message.bytes.find('\r')), '|')[8], '^');
    EXPECT_EQ(SaidBy(WithHeader(message.bytes, 9, type[0] + "^" + type[1])), SaidBy(message.bytes))
        << message.name;
  }
}

// Each character for another at once.
std::string Mapped(std::string text, std::string_view from, std::string_view to) {
  for (char& c : text) {
    const size_t at = from.find(c);
    c = at == std::string_view::npos ? c : to[at];
  }
  return text;
}

TEST(Variants, SeparatorsMeanNothing) {
  size_t count = 0;
  for (const Named& message : OwnMessages()) {
    // What stands in the values must not be one of the new separators, nor name an old one.
    if (message.bytes.find_first_of("#*!$%\\", 9) != std::string::npos) {
      continue;
    }
    ++count;
    EXPECT_EQ(SaidBy(Mapped(message.bytes, "|^~\\&", "#*!$%")), SaidBy(message.bytes))
        << message.name;
  }
  EXPECT_GT(count, 30u);
}

TEST(Variants, LineEndsAndMarksMeanNothing) {
  for (const Named& message : OwnMessages()) {
    const std::string said = SaidBy(message.bytes);
    for (const char* end : {"\n", "\r\n", "\r\r", "\n\n", "\r  \r"}) {
      EXPECT_EQ(SaidBy(Replaced(message.bytes, "\r", end)), said) << message.name;
    }
    EXPECT_EQ(SaidBy("\xEF\xBB\xBF" + message.bytes), said) << message.name;
    EXPECT_EQ(SaidBy(message.bytes.substr(0, message.bytes.size() - 1)), said)
        << message.name << " without the last segment's end";
  }
}

// UTF-8 of two bytes to one byte a character; enough for Í and €.
std::string OneByte(const std::string& text, const std::string& euro) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte == 0xE2) {
      out += euro;
      i += 2;
    } else if (byte >= 0xC2 && byte <= 0xC3) {
      ++i;
      out += static_cast<char>(((byte & 3) << 6) | (static_cast<uint8_t>(text[i]) & 0x3F));
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string Utf16(const std::string& text, bool big_endian) {
  std::string out = big_endian ? "\xFE\xFF" : "\xFF\xFE";
  const auto add = [&](unsigned unit) {
    const char high = static_cast<char>(unit >> 8);
    const char low = static_cast<char>(unit & 0xFF);
    out += big_endian ? high : low;
    out += big_endian ? low : high;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const auto next = [&](size_t n) { return static_cast<unsigned>(text[i + n]) & 0x3FU; };
    if (byte < 0x80) {
      add(byte);
    } else if (byte < 0xE0) {
      add(((byte & 0x1FU) << 6) | next(1));
      i += 1;
    } else {
      add(((byte & 0x0FU) << 12) | (next(1) << 6) | next(2));
      i += 2;
    }
  }
  return out;
}

TEST(Variants, CharacterSetsSayTheSame) {
  const std::string message =
      Replaced(Own("person_add"), "3 Mill Bank", "3 Mill Bank, \xE2\x82\xAC 7");
  ASSERT_NE(message.find("\xC3\x8D"), std::string::npos) << "a name beyond ASCII";
  const std::string said = SaidBy(message);
  EXPECT_NE(said.find("\xC3\x8D"), std::string::npos) << said;
  EXPECT_EQ(SaidBy(OneByte(WithHeader(message, 18, "8859/15"), "\xA4")), said);
  const std::string plain = Own("person_add");
  EXPECT_EQ(SaidBy(OneByte(WithHeader(plain, 18, "8859/1"), "?")), SaidBy(plain));
  for (const char* name : {"UNICODE", "UNICODE UTF-16"}) {
    for (const bool big_endian : {true, false}) {
      EXPECT_EQ(SaidBy(Utf16(WithHeader(message, 18, name), big_endian)), said)
          << name << (big_endian ? " BE" : " LE");
    }
  }
  EXPECT_EQ(SaidBy(WithHeader(message, 18, "UNICODE UTF-8~8859/1")), said);
}

TEST(Variants, ZSegmentsChangeNothingAndAreListed) {
  for (const Named& message : OwnMessages()) {
    const std::string said = SaidBy(message.bytes);
    const bool refused = said.find("resourceType") == std::string::npos;
    std::vector<std::string> segments = Parts(message.bytes, '\r');
    for (size_t at = 1; at < segments.size(); ++at) {
      std::vector<std::string> with = segments;
      with.insert(with.begin() + static_cast<std::ptrdiff_t>(at), "ZVA|1|local^value");
      const std::string bytes = Joined(with, '\r');
      const Outcome outcome = TranslateMessage(bytes, FeedOf("X9912"));
      EXPECT_EQ(SaidBy(outcome), said) << message.name << " with ZVA after " << segments[at - 1];
      const std::vector<std::string>& unread = outcome.translation.unread;
      EXPECT_TRUE(refused || std::find(unread.begin(), unread.end(), "ZVA-2.2") != unread.end())
          << message.name;
    }
  }
}

// ROL is PRT from 2.7 on: the same participations, field by field.
TEST(Variants, ParticipationsAreRoles) {
  constexpr size_t kFieldOfPrt[] = {0, 1, 2, 4, 5, 11, 12, 13, 3, 6, 7, 14, 15, 9, 8};
  size_t count = 0;
  for (const Named& message : OwnMessages()) {
    std::vector<std::string> segments = Parts(message.bytes, '\r');
    bool has_role = false;
    for (std::string& segment : segments) {
      if (!segment.starts_with("ROL|")) {
        continue;
      }
      has_role = true;
      const std::vector<std::string> rol = Parts(segment, '|');
      std::vector<std::string> prt(16);
      prt[0] = "PRT";
      for (size_t field = 1; field < rol.size() && field < std::size(kFieldOfPrt); ++field) {
        prt[kFieldOfPrt[field]] = rol[field];
      }
      segment = Joined(prt, '|');
    }
    // ROL-10 and ROL-13 make a PractitionerRole, which PRT-7 and PRT-9 do not.
    const std::string said = SaidBy(message.bytes);
    if (has_role && said.find("PractitionerRole") == std::string::npos) {
      ++count;
      EXPECT_EQ(SaidBy(Joined(segments, '\r')), said) << message.name;
    }
  }
  EXPECT_GT(count, 4u);
}

// "" deletes, and is no text anywhere; a message that needs the field is refused with its place.
TEST(Variants, NullsAreNeverText) {
  std::set<std::string> seen;
  for (const Named& message : OwnMessages()) {
    const std::vector<std::string> segments = Parts(message.bytes, '\r');
    for (size_t at = 1; at < segments.size(); ++at) {
      const std::vector<std::string> fields = Parts(segments[at], '|');
      for (size_t field = 1; field < fields.size(); ++field) {
        const std::string kind = message.bytes.substr(message.bytes.find("||") + 2, 3) + fields[0] +
                                 "-" + std::to_string(field);
        if (fields[field].empty() || !seen.insert(kind).second) {
          continue;
        }
        std::vector<std::string> changed = fields;
        changed[field] = "\"\"";
        std::vector<std::string> with = segments;
        with[at] = Joined(changed, '|');
        const std::string said = SaidBy(Joined(with, '\r'));
        EXPECT_EQ(said.find("\\\"\\\""), std::string::npos)
            << message.name << " " << fields[0] << "-" << field << "\n"
            << said;
        EXPECT_FALSE(said.empty());
      }
    }
  }
}

// A message that was cut says no more than what stands in it, or is refused with its place.
TEST(Variants, CutsAreSurvived) {
  for (const char* name : {"plan_add", "referral_add", "consent_grant", "result_laboratory"}) {
    const std::string& bytes = Own(name);
    for (size_t length = 0; length < bytes.size(); length += 31) {
      const Outcome outcome = TranslateMessage(bytes.substr(0, length), FeedOf("X9912"));
      if (outcome.refusal.empty()) {
        EXPECT_TRUE(OutcomesOf(outcome.translation.changes)) << name << " cut at " << length;
      } else {
        EXPECT_NE(outcome.refusal.find(' '), std::string::npos) << name << " cut at " << length;
      }
    }
  }
}

// Table 0287 against the event: the segment's own code decides, and what disagrees is told.
TEST(Variants, ActionCodesDecideAgainstTheEvent) {
  struct Case {
    const char* code;
    const char* verb;    // of the goal's entry; empty: there is none
    const char* agrees;  // the events that it agrees with
  };
  const Case cases[] = {{"AD", "POST", "PC6"},  {"UP", "PATCH", "PC7"}, {"CO", "PATCH", "PC7"},
                        {"DE", "PATCH", "PC8"}, {"LI", "POST", "PC7"},  {"UN", "", "PC7"},
                        {"UC", "", "PC7"}};
  for (const Case& one : cases) {
    for (const char* event : {"PC6", "PC7", "PC8"}) {
      const std::string bytes = std::string("MSH|^~\\&|CARE1|X9910|||20260310||PGL^") + event +
                                "|V1|P|2.5.1\rPID|1||9991002022^^^NHS^NH\rGOL|" + one.code +
                                "|20260310|G^Goal^L|G-1^CARE1\r";
      const Outcome outcome = TranslateMessage(bytes, FeedOf("X9910"));
      ASSERT_EQ(outcome.refusal, "") << one.code << " in " << event;
      const auto bundle = ToTransaction(outcome.translation.changes, Definitions());
      ASSERT_TRUE(bundle);
      std::string json;
      fhir::WriteJson(*bundle, &json);
      const size_t goal = json.find("\"url\":\"Goal");
      const std::string verb =
          goal == std::string::npos
              ? ""
              : json.substr(json.rfind("\"method\":\"", goal) + 10,
                            json.find('"', json.rfind("\"method\":\"", goal) + 10) -
                                json.rfind("\"method\":\"", goal) - 10);
      EXPECT_EQ(verb, one.verb) << one.code << " in " << event << "\n" << json;
      const bool told =
          std::any_of(outcome.translation.remarks.begin(), outcome.translation.remarks.end(),
                      [](const Remark& remark) { return remark.code == "event-mismatch"; });
      EXPECT_EQ(told, std::string(event) != one.agrees) << one.code << " in " << event;
    }
  }
}

}  // namespace
}  // namespace gw::map
