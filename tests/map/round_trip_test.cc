#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/hl7v2/mllp.h"
#include "gateway/map/v2/model.h"
#include "tests/map/samples_testing.h"

// Issue 4, item 5: HL7 v2 -> FHIR -> HL7 v2 keeps at least 99 % of the valued, mapped fields. What
// counts is each component that a rule of the forward maps read and that makes a difference in
// FHIR: the maps name some on purpose and keep nothing of them (set ids, what a table's code is
// called).

namespace gw::map {
namespace {

constexpr Instant kNow{1'780'000'000'000'000};

// Messages that have a way back: those whose resources FHIR -> HL7 v2 sends (docs/mapping.md). A29
// asks a human and is never sent on.
bool HasWayBack(const hl7v2::Message& message) {
  static const std::set<std::string, std::less<>> kBack = {"ADT", "PGL", "PPR",
                                                           "PPP", "PPG", "PTR"};
  return (kBack.contains(message.message_code()) && message.trigger_event() != "A29") ||
         (message.message_code() == "MDM" && message.Find("CON") != nullptr);
}

// A valued component: what it says, "PID.f5.c1.s1=Ash", and where it stands.
struct Leaf {
  std::string text;
  std::string place;
};

// The envelope is the receiver's own: MSH, EVN-1 and EVN-2, and the times of the action (GOL-2,
// PRB-2, ORC-9), which are those of the new message; what a query was (PTR) is not kept.
bool IsEnvelope(std::string_view path) {
  for (const std::string_view prefix :
       {"MSH.", "MSA.", "QRD.", "QAK.", "EVN.f1", "EVN.f2", "GOL.f2=", "PRB.f2=", "ORC.f9="}) {
    if (path.starts_with(prefix)) {
      return true;
    }
  }
  return false;
}

void Collect(const fhir::Element& node, const std::string& path,
             const std::set<std::string>& unread, std::vector<Leaf>* leaves) {
  const bool is_segment = node.definition() != nullptr && node.name() == node.type().name();
  if (is_segment && node.name() == "OTHER") {
    return;
  }
  const std::string here = is_segment     ? std::string(node.name())
                           : path.empty() ? ""
                                          : path + "." + std::string(node.name());
  if ((node.has_text() || node.is_null()) && !here.empty()) {
    Leaf leaf{here + "=" + (node.is_null() ? "\"\"" : std::string(node.text())), PlaceOf(node)};
    if (!unread.contains(leaf.place) && !IsEnvelope(leaf.text)) {
      leaves->push_back(std::move(leaf));
    }
  }
  for (const fhir::Element* child = node.first_child(); child != nullptr; child = child->next()) {
    Collect(*child, here, unread, leaves);
  }
}

// What a message becomes, without where it came from; nothing where it is refused.
std::optional<std::string> OutcomeOf(const std::string& bytes, const Feed& feed) {
  const auto message = hl7v2::Message::Parse(bytes, {});
  const auto translation =
      message ? Maps().FromV2(*message, feed, kNow) : Result<Translation>(message.error());
  const auto bundle = translation ? ToTransaction(translation->changes, Definitions())
                                  : Result<fhir::Resource>(translation.error());
  if (!bundle) {
    return std::nullopt;
  }
  std::string text;
  fhir::WriteJson(*bundle, &text);
  return text;
}

// The message with one component emptied.
std::string Without(const hl7v2::Message& message, const std::string& bytes, const Leaf& leaf) {
  const auto location = hl7v2::Location::FromString(leaf.place);
  if (!location) {
    return bytes;
  }
  const hl7v2::Segment* segment = message.Find(location->segment, location->segment_repetition);
  const std::string_view raw = message.Raw(*location);
  if (segment == nullptr || raw.empty()) {
    return bytes;
  }
  std::string out;
  for (const hl7v2::Segment& each : message.segments()) {
    out += each.name;
    const bool is_msh = each.name == "MSH";
    for (size_t i = is_msh ? 1 : 0; i < each.fields.size(); ++i) {
      const std::string_view field = each.fields[i];
      out += message.delimiters().field;
      const bool holds = &each == segment && i + 1 == location->field;
      const auto at = static_cast<size_t>(raw.data() - field.data());
      if (holds && raw.data() >= field.data() && at + raw.size() <= field.size()) {
        out.append(field.substr(0, at)).append(field.substr(at + raw.size()));
      } else {
        out += field;
      }
    }
    out += '\r';
  }
  return out;
}

class RoundTrip {
 public:
  RoundTrip() : model_(V2Model::Load(GW_SOURCE_DIR "/profiles/hl7v2", Definitions())) {
    EXPECT_TRUE(model_.ok());
    feed_ = Maps().Complete(FeedOf("X9912"));
  }

  void Folder(const std::string& folder) {
    std::set<std::string> files;
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
      if (entry.path().extension() == ".hl7") {
        files.insert(entry.path().string());
      }
    }
    for (const std::string& file : files) {
      std::vector<std::string> warnings;
      const std::string bytes = ReadFile(file);
      const auto messages = hl7v2::SplitMessages(bytes, &warnings);
      ASSERT_TRUE(messages.ok()) << file;
      for (const std::string_view text : *messages) {
        One(std::filesystem::path(file).stem().string(), std::string(text));
      }
    }
  }

  void Expect() const {
    std::printf(
        "[ measured ] %zu messages: %zu of %zu mapped components come back (%.2f %%); %zu "
        "more are read and kept nowhere\n",
        read, kept, all, 100.0 * static_cast<double>(kept) / static_cast<double>(all), named);
    EXPECT_GE(kept * 100, all * 99);
  }

  size_t kept = 0, all = 0, named = 0, read = 0;

 private:
  void One(const std::string& name, const std::string& bytes) {
    const auto message = hl7v2::Message::Parse(bytes, {});
    if (!message || !HasWayBack(*message)) {
      return;
    }
    const auto translation = Maps().FromV2(*message, feed_, kNow);
    if (!translation) {
      return;
    }
    ++read;
    std::vector<Remark> remarks;
    const auto before = model_->Read(*message, message->structure(), feed_, &remarks);
    ASSERT_TRUE(before.ok()) << name;
    std::vector<Leaf> had;
    Collect(before->root(), "", {translation->unread.begin(), translation->unread.end()}, &had);
    Count(name, *message, bytes, had, Back(name, *message, *translation));
  }

  std::map<std::string, size_t> Back(const std::string& name, const hl7v2::Message& message,
                                     const Translation& translation) const {
    Destination to;
    to.name = "test";
    to.version = message.version();
    std::map<std::string, size_t> has;
    const auto made = BackMaps().FromChanges(translation.changes, to, kNow);
    EXPECT_TRUE(made.ok()) << name << made.error().detail;
    for (const auto& one : made->messages) {
      EXPECT_TRUE(one.ok()) << name << ": " << one.error().where << ": " << one.error().detail;
      const auto again = hl7v2::Message::Parse(one ? one->bytes : std::string(), {});
      std::vector<Remark> remarks;
      const auto after = again ? model_->Read(*again, again->structure(), feed_, &remarks)
                               : Result<fhir::Resource>(again.error());
      EXPECT_TRUE(after.ok()) << name << ": " << after.error().where << after.error().detail;
      std::vector<Leaf> leaves;
      if (after) {
        Collect(after->root(), "", {}, &leaves);
      }
      for (const Leaf& leaf : leaves) {
        ++has[leaf.text];
      }
    }
    return has;
  }

  void Count(const std::string& name, const hl7v2::Message& message, const std::string& bytes,
             const std::vector<Leaf>& had, std::map<std::string, size_t> has) {
    const std::optional<std::string> whole = OutcomeOf(bytes, feed_);
    for (const Leaf& leaf : had) {
      size_t& left = has[leaf.text];
      if (left > 0) {
        --left;
        ++kept;
        ++all;
      } else if (OutcomeOf(Without(message, bytes, leaf), feed_) == whole) {
        ++named;
      } else {
        ++all;
        std::printf("[ not back ] %s: %s\n", name.c_str(), leaf.place.c_str());
      }
    }
  }

  Result<V2Model> model_;
  Feed feed_;
};

TEST(RoundTrip, OwnSamples) {
  RoundTrip trip;
  trip.Folder(GW_SOURCE_DIR "/tests/data/hl7v2");
  EXPECT_GE(trip.read, 38u);
  trip.Expect();
}

TEST(RoundTrip, SharedSamples) {
  RoundTrip trip;
  trip.Folder(GW_SOURCE_DIR "/../shared/samples/hl7v2");
  if (trip.read == 0) {
    GTEST_SKIP() << "the shared samples are not on this machine";
  }
  trip.Expect();
}

}  // namespace
}  // namespace gw::map
