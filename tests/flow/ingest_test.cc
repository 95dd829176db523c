// The way of a message: durable before AA, once and only once, whatever happens between the steps.
#include "gateway/flow/ingest.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "gateway/hl7v2/message.h"
#include "tests/flow/flow_testing.h"
#include "tests/flow/forwarding_store.h"

namespace gw::flow {
namespace {

std::string CarePlanMessage() { return ProjectFile("tests/demo/01-care-plan.hl7"); }
std::string ConsentMessage() { return ProjectFile("tests/demo/02-consent.hl7"); }

std::string AckOf(const std::string& answer) {
  const Result<hl7v2::Message> message = hl7v2::Message::Parse(answer, {});
  return message ? message->Text({.segment = "MSA", .field = 1}) : "unreadable";
}

std::string ErrorCodeOf(const std::string& answer) {
  const Result<hl7v2::Message> message = hl7v2::Message::Parse(answer, {});
  return message ? message->Text({.segment = "ERR", .field = 3, .repetition = 1, .component = 1})
                 : "";
}

TEST(Ingest, ACarePlanMessageBecomesResourcesAndOneLogEntry) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  const std::string answer = gateway.Acknowledge(CarePlanMessage());
  ASSERT_EQ(AckOf(answer), "AA") << answer;
  const std::vector<AccessRecord> records = gateway.Records();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records.front().control_id, "DEMO000001");
  EXPECT_EQ(records.front().patients.size(), 1u);
  const Caller surgery;
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/CarePlan?identifier=PC-2026-3117", surgery)), 1u);
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/Goal?lifecycle-status=active", surgery)), 1u);
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/CareTeam", surgery)), 1u);
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/Provenance", surgery)), 1u);
}

// A byte means what the feed's set says where MSH-18 is empty: of a message that came, and of one
// that an operator takes again.
TEST(Ingest, ReadsInTheCharacterSetOfTheFeed) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  const std::string bytes =
      "MSH|^~\\&|LATIN|X9902|CAREGW|X9900|20260302143000+0000||ADT^A28^ADT_A05|L1|P|2.5.1\r"
      "EVN||20260302\rPID|1||L1^^^X9902^MR~9991001018^^^NHS^NH||Zo\xA4^Ann||19380611|F\rPV1|1|N\r";
  ASSERT_EQ(AckOf(gateway.Acknowledge(bytes)), "AA");
  const auto name = [&gateway] {
    const fhir::Identifier number{"https://fhir.nhs.uk/Id/nhs-number", "9991001018"};
    const auto found = gateway.parts().store.Find("Patient", {&number, 1});
    return found && found->size() == 1 ? found->front().json : std::string();
  };
  EXPECT_NE(name().find("\"family\":\"Zo\xE2\x82\xAC\""), std::string::npos) << name();
  Again again;
  again.feed = "latin";
  std::string edited = bytes;
  edited.replace(edited.find("Zo\xA4"), 3, "Za\xA4");
  edited.replace(edited.find("|L1|"), 4, "|L2|");
  EXPECT_EQ(gateway.ingest().TakeAgain(edited, again).outcome, "AA");
  EXPECT_NE(name().find("\"family\":\"Za\xE2\x82\xAC\""), std::string::npos) << name();
}

TEST(Ingest, TheUnreadableIsAnsweredInTheModeThatItAsksFor) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  const std::string start =
      "MSH|^~\\&|GPSYS|X9902|CAREGW|X9900|20260302143000+0000||ADT^A28^ADT_A05|U1|P|2.5.1";
  Ingest::Answers answers = gateway.ingest().AnswerV2(start + "|||AL|NE\rxx\r", "192.0.2.8");
  EXPECT_EQ(AckOf(answers.accept), "CE") << answers.accept;
  EXPECT_EQ(answers.application, "");
  answers = gateway.ingest().AnswerV2(start + "|||NE|ER\rxx\r", "192.0.2.8");
  EXPECT_EQ(answers.accept, "");
  EXPECT_EQ(AckOf(answers.application), "AE");
  const Error fault{Code::kInvalid, "FS is not followed by CR", "MLLP frame"};
  answers = gateway.ingest().RefuseV2(start + "|||ER|ER\rPID|", fault, "192.0.2.8");
  EXPECT_EQ(AckOf(answers.accept), "CE");
  EXPECT_EQ(AckOf(answers.application), "AE");
  EXPECT_EQ(gateway.Records().size(), 3u) << "each is kept and logged once";
}

TEST(Ingest, ABatchIsOneBehindAMarkAndBlanks) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  const std::string batch = "BHS|^~\\&|ASCCASE|X9903|CAREGW|X9900|||||B1\r" + CarePlanMessage();
  for (const std::string lead : {"\n", "\xEF\xBB\xBF", "\xEF\xBB\xBF\r\n "}) {
    const std::string answer =
        gateway.ingest().AnswerV2(lead + batch + "\rBTS|1\r", "192.0.2.8").application;
    EXPECT_TRUE(answer.starts_with("BHS|")) << answer;
    EXPECT_NE(answer.find("\rMSA|AA|DEMO000001"), std::string::npos) << answer;
  }
}

TEST(Ingest, ARepeatGetsItsFirstAnswerAndChangesNothing) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  const std::string first = gateway.Acknowledge(CarePlanMessage());
  EXPECT_EQ(gateway.Acknowledge(CarePlanMessage()), first);
  const Json plans = gateway.Get("/fhir/CarePlan?identifier=PC-2026-3117", Caller{});
  ASSERT_EQ(MatchesOn(plans), 1u);
  EXPECT_EQ(plans.Find("entry")->items()[0].Find("resource")->Find("meta")->TextOf("versionId"),
            "1");
}

TEST(Ingest, TheSameContentUnderAnotherControlIdMakesNoVersion) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  ASSERT_EQ(AckOf(gateway.Acknowledge(CarePlanMessage())), "AA");
  std::string again = CarePlanMessage();
  again.replace(again.find("DEMO000001"), 10, "DEMO000009");
  EXPECT_EQ(AckOf(gateway.Acknowledge(again)), "AA");
  const Json plans = gateway.Get("/fhir/CarePlan?identifier=PC-2026-3117", Caller{});
  ASSERT_EQ(MatchesOn(plans), 1u);
  EXPECT_EQ(plans.Find("entry")->items()[0].Find("resource")->Find("meta")->TextOf("versionId"),
            "1");
}

TEST(Ingest, AConsentMessageGovernsTheNextRequest) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  ASSERT_EQ(AckOf(gateway.Acknowledge(CarePlanMessage())), "AA");
  const Caller charity{"charity", "X9905", "befriender", "TREAT", "", "system/*.rs"};
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/CarePlan", charity)), 0u);
  const std::string answer = gateway.Acknowledge(ConsentMessage());
  ASSERT_EQ(AckOf(answer), "AA") << answer;
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/CarePlan", charity)), 1u);
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/Goal", charity)), 0u);
  const Caller stranger{"stranger", "X9940", "doctor", "TREAT", "", "system/*.rs"};
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/CarePlan", stranger)), 0u);
}

TEST(Ingest, TheEnhancedModeGetsItsAcceptAcknowledgment) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  std::string good = CarePlanMessage();
  const size_t end = good.find('\r');
  const std::string msh = good.substr(0, end);
  const auto asking = [&](const std::string& id, const std::string& conditions,
                          const std::string& from = "", const std::string& to = "") {
    std::string line = msh;
    while (std::count(line.begin(), line.end(), '|') < 14) {
      line += "|";
    }
    line = line.substr(0, [&] {
      size_t at = 0;
      for (int bars = 0; bars < 14; ++at) {
        bars += line[at] == '|' ? 1 : 0;
      }
      return at;
    }());
    std::string message = line + conditions + good.substr(end);
    message.replace(message.find("DEMO000001"), 10, id);
    return from.empty() ? message : message.replace(message.find(from), from.size(), to);
  };
  Ingest::Answers answers = gateway.ingest().AnswerV2(asking("E1", "AL|NE"), "192.0.2.8");
  EXPECT_EQ(AckOf(answers.accept), "CA");
  EXPECT_TRUE(answers.application.empty());
  EXPECT_NE(answers.accept.find("MSA|CA|E1"), std::string::npos);
  answers = gateway.ingest().AnswerV2(asking("E1", "AL|AL"), "192.0.2.8");
  EXPECT_EQ(AckOf(answers.accept), "CA");
  EXPECT_EQ(AckOf(answers.application), "AA");
  answers = gateway.ingest().AnswerV2(asking("E2", "ER|NE", "|P|2.5.1|", "|T|2.5.1|"), "192.0.2.8");
  EXPECT_EQ(AckOf(answers.accept), "CR");
  EXPECT_EQ(ErrorCodeOf(answers.accept), "202");
  answers = gateway.ingest().AnswerV2(asking("E3", "NE|NE"), "192.0.2.8");
  EXPECT_TRUE(answers.accept.empty() && answers.application.empty());
  answers = gateway.ingest().AnswerV2("MSH|^~\\&|X|Y|||20260120100000||ACK|99|P|2.5.1\rMSA|AA|E1\r",
                                      "192.0.2.8");
  EXPECT_TRUE(answers.accept.empty() && answers.application.empty())
      << "never an answer to an answer";
  answers = gateway.ingest().AnswerV2("no message", "192.0.2.8");
  EXPECT_EQ(AckOf(answers.application), "AE");
}

struct BadMessage {
  std::string name;
  std::string bytes;
  std::string ack;
  std::string code;
};

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(Ingest, WhatCannotBeTakenIsRefusedWithPlaceAndCodeAndKept) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  const std::string good = CarePlanMessage();
  const std::vector<BadMessage> cases = {
      {"no MSH", "PID|1||X\r", "AE", ""},
      {"empty", "", "AE", ""},
      {"unknown type", Replaced(good, "PPP^PCB^PPP_PCB", "DFT^P03^DFT_P03"), "AR", "200"},
      {"unknown event", Replaced(good, "PPP^PCB^PPP_PCB", "ADT^A99^ADT_A01"), "AR", ""},
      {"update of an unknown key",
       Replaced(Replaced(good, "PPP^PCB^", "PPP^PCC^"), "PTH|AD|", "PTH|UP|"), "AE", "204"},
      {"no control id", Replaced(good, "|DEMO000001|", "||"), "AE", "101"},
      {"a test message", Replaced(good, "|P|2.5.1|", "|T|2.5.1|"), "AR", "202"},
      {"an unknown sender", Replaced(good, "|ASCCASE|X9903|", "|NOBODY|X9999|"), "", "207"},
  };
  size_t entries = 0;
  for (const BadMessage& bad : cases) {
    const std::string answer = gateway.Acknowledge(bad.bytes);
    const std::string ack = AckOf(answer);
    EXPECT_TRUE(ack == "AE" || ack == "AR") << bad.name << ": " << answer;
    EXPECT_TRUE(bad.ack.empty() || ack == bad.ack) << bad.name << ": " << answer;
    EXPECT_TRUE(bad.code.empty() || ErrorCodeOf(answer) == bad.code) << bad.name << ": " << answer;
    EXPECT_EQ(gateway.Records().size(), ++entries) << bad.name;
    EXPECT_EQ(answer.find("Ashdown"), std::string::npos) << "a value in an error: " << bad.name;
  }
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/Patient", Caller{})), 0u);
}

std::string AddressOfOnePerson(int number) {
  return "MSH|^~\\&|ASCCASE|X9903|CAREGW|X9900|20260202101500+0000||ADT^A08^ADT_A01|RC" +
         std::to_string(number) +
         "|P|2.5.1\rEVN||20260202101500\rPID|1||RACE1^^^X9903^MR||Test^One" + "||19380611|F|||" +
         std::to_string(number) + " High St^^Town^^ZZ99 3VA\rPV1|1|N\r";
}

TEST(Ingest, MessagesOfOnePersonAtOneTimeAreAllTaken) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  constexpr int kSenders = 12;
  constexpr int kEach = 3;
  std::atomic<int> taken = 0;
  std::vector<std::thread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender] {
      for (int i = 0; i < kEach; ++i) {
        const std::string answer = gateway.Acknowledge(AddressOfOnePerson(sender * kEach + i));
        EXPECT_EQ(AckOf(answer), "AA") << answer;
        taken += AckOf(answer) == "AA" ? 1 : 0;
      }
    });
  }
  for (std::thread& sender : senders) {
    sender.join();
  }
  EXPECT_EQ(taken, kSenders * kEach);
  const Json patient = gateway.Get("/fhir/Patient?identifier=RACE1", Caller{});
  EXPECT_EQ(patient.Find("entry")->items()[0].Find("resource")->Find("meta")->TextOf("versionId"),
            std::to_string(kSenders * kEach));
}

TEST(Ingest, TheSameMessageTwiceAtOneTimeIsTakenOnce) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  std::vector<std::string> answers(6);
  std::vector<std::thread> senders;
  for (std::string& answer : answers) {
    senders.emplace_back([&] { answer = gateway.Acknowledge(CarePlanMessage()); });
  }
  for (std::thread& sender : senders) {
    sender.join();
  }
  for (const std::string& answer : answers) {
    EXPECT_EQ(AckOf(answer), "AA") << answer;
    EXPECT_EQ(answer, answers.front());
  }
}

// Every commit of a message that was taken loses its race.
class ContendedStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<store::Committed> Commit(store::Transaction transaction) override {
    if (transaction.message && transaction.message->outcome == "AA") {
      return Error{Code::kConflict, "the resource has another version by now", "store", 0};
    }
    return ForwardingStore::Commit(std::move(transaction));
  }
};

TEST(Ingest, WhoLosesEveryRaceIsAskedToSendAgain) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"), [](std::unique_ptr<store::Store> inner) {
    return std::unique_ptr<store::Store>(std::make_unique<ContendedStore>(std::move(inner)));
  });
  const std::string answer = gateway.Acknowledge(CarePlanMessage());
  EXPECT_EQ(AckOf(answer), "AR") << answer;
  EXPECT_EQ(ErrorCodeOf(answer), "207");
}

TEST(Ingest, ABatchOfMoreMessagesThanAreTakenIsRefusedAsAWhole) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  const auto batch_of = [](size_t messages) {
    std::string batch = "BHS|^~\\&|X\r";
    for (size_t i = 0; i < messages; ++i) {
      batch += "MSH|\r";
    }
    return batch;
  };
  const Ingest::Answers whole =
      gateway.ingest().AnswerV2(batch_of(Ingest::kBatchMessagesMax + 1), "192.0.2.8");
  EXPECT_EQ(whole.application.find("\rBTS|"), std::string::npos);
  EXPECT_EQ(gateway.Records().size(), 1u);
  const Ingest::Answers each =
      gateway.ingest().AnswerV2(batch_of(Ingest::kBatchMessagesMax), "192.0.2.8");
  EXPECT_NE(each.application.find("\rBTS|1000"), std::string::npos);
}

TEST(Ingest, AMessageCutAnywhereWritesNothingHalf) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  const std::string good = ConsentMessage();
  for (size_t length = 10; length < good.size() - 40; length += 97) {
    const std::string ack = AckOf(gateway.Acknowledge(good.substr(0, length)));
    if (ack == "AA") {
      // A cut between segments may leave a whole message; then all of it must be there.
      EXPECT_GE(MatchesOn(gateway.Get("/fhir/Patient", Caller{})), 0u);
    }
  }
  SUCCEED();
}

// Ends the process at a step of the commit, as a kill would, or lets some commits through and fails
// the others, as a full disk does.
class KilledStore final : public ForwardingStore {
 public:
  enum class At { kBefore, kAfter, kFails };
  static At at;
  static int commits_left;  // that work, where others fail
  using ForwardingStore::ForwardingStore;

  Result<store::Committed> Commit(store::Transaction transaction) override {
    if (at == At::kBefore) {
      _exit(0);
    }
    if (at == At::kFails) {
      return commits_left-- > 0 ? ForwardingStore::Commit(std::move(transaction))
                                : Result<store::Committed>(Error{Code::kUnavailable, "full", ""});
    }
    const Result<store::Committed> committed = ForwardingStore::Commit(std::move(transaction));
    _exit(committed ? 0 : 1);
  }
};

KilledStore::At KilledStore::at = KilledStore::At::kBefore;
int KilledStore::commits_left = 0;

std::unique_ptr<store::Store> Killed(std::unique_ptr<store::Store> inner) {
  return std::make_unique<KilledStore>(std::move(inner));
}

// No row of a file is passed over because the store could not take it, or the file itself: the file
// is taken again, and goes on where it was.
TEST(Ingest, AnOutageEndsAFileWhereItIsAndTheSameFileGoesOn) {
  const TempFolder folder;
  KilledStore::at = KilledStore::At::kFails;
  TestGateway gateway(folder.Path("gateway"), Killed);
  const std::string bytes = ProjectFile("tests/demo/northshire-care-plans-2026-02-02.csv");
  const auto mappings = gateway.parts().mappings.Get();
  const map::Feed& feed = mappings->feeds.find("northshire-care-plans")->second;
  for (const int commits : {0, 1, 2}) {  // the file, a group that is taken, one that is refused
    KilledStore::commits_left = commits;
    const auto report = gateway.ingest().AcceptCsv(bytes, feed, "plans.csv");
    ASSERT_FALSE(report.ok()) << commits;
    EXPECT_EQ(report.error().code, Code::kUnavailable);
  }
  KilledStore::commits_left = 100;
  const auto report = gateway.ingest().AcceptCsv(bytes, feed, "plans.csv");
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->taken + report->unchanged, 2u);
  EXPECT_EQ(report->unchanged, 2u) << "taken before the store failed";
  EXPECT_EQ(report->refused, 1u);
}

// Runs `step` in a process of its own that ends without a word to anyone.
template <typename Step>
void InAProcessThatIsKilled(const Step& step) {
  {
    // Keys are made at first use: parent and child must have the same.
    const TempFolder folder;
    const TestGateway first(folder.Path("first"));
  }
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    step();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

// What must hold after any kill: the sender, who got no answer, sends again, and then the message
// is there once, with one entry for what was done.
void ExpectWholeAfterResending(const std::string& folder, size_t pending_entries_of_first) {
  TestGateway gateway(folder);
  ASSERT_TRUE(gateway.journal().Recover());
  EXPECT_EQ(gateway.Records().size(), pending_entries_of_first);
  const std::string answer = gateway.Acknowledge(CarePlanMessage());
  EXPECT_EQ(AckOf(answer), "AA") << answer;
  const std::vector<AccessRecord> records = gateway.Records();
  size_t that_wrote = 0;
  for (const AccessRecord& record : records) {
    that_wrote += record.resources.empty() ? 0u : 1u;
  }
  EXPECT_EQ(that_wrote, 1u) << "entries and acknowledged work match one to one";
  const Json plans = gateway.Get("/fhir/CarePlan?identifier=PC-2026-3117", Caller{});
  ASSERT_EQ(MatchesOn(plans), 1u);
  EXPECT_EQ(plans.Find("entry")->items()[0].Find("resource")->Find("meta")->TextOf("versionId"),
            "1");
}

TEST(IngestCrash, KilledBeforeTheCommitNothingIsThere) {
  const TempFolder folder;
  KilledStore::at = KilledStore::At::kBefore;
  InAProcessThatIsKilled([&] {
    TestGateway gateway(folder.Path("gateway"), Killed);
    gateway.Acknowledge(CarePlanMessage());
  });
  ExpectWholeAfterResending(folder.Path("gateway"), 0);
}

TEST(IngestCrash, KilledBetweenCommitAndLogTheEntryIsAppendedAtTheNextStart) {
  const TempFolder folder;
  KilledStore::at = KilledStore::At::kAfter;
  InAProcessThatIsKilled([&] {
    TestGateway gateway(folder.Path("gateway"), Killed);
    gateway.Acknowledge(CarePlanMessage());
  });
  ExpectWholeAfterResending(folder.Path("gateway"), 1);
}

TEST(IngestCrash, KilledBetweenLogAndAnswerTheEntryIsNotAppendedTwice) {
  const TempFolder folder;
  InAProcessThatIsKilled([&] {
    TestGateway gateway(folder.Path("gateway"));
    gateway.Acknowledge(CarePlanMessage());
    _exit(0);
  });
  ExpectWholeAfterResending(folder.Path("gateway"), 1);
}

}  // namespace
}  // namespace gw::flow
