// What every engine behind store.h must hold.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/store/store_testing.h"

namespace gw::store {
namespace {

using fhir::Identifier;
using fhir::Key;

class StoreContract : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    store_.reset();
    Result<std::unique_ptr<Store>> opened = GetParam().open(folder_, clock_);
    ASSERT_TRUE(opened) << opened.error().detail;
    store_ = *std::move(opened);
  }
  Code CodeOf(Transaction transaction) {
    const Result<Committed> result = store_->Commit(std::move(transaction));
    return result ? Code::kInternal : result.error().code;
  }
  void Put(Write write) {
    const Result<Committed> result = store_->Commit(Of(std::move(write)));
    ASSERT_TRUE(result) << result.error().detail;
  }
  std::vector<std::string> Ids(const fhir::Query& query) {
    const Result<Page> page = store_->Search(query, all_);
    EXPECT_TRUE(page) << page.error().detail;
    return page ? IdsOf(page->resources) : std::vector<std::string>();
  }

  TempFolder folder_;
  FixedClock clock_{Instant{1'700'000'000'000'000}};
  SeesAll all_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Engines, StoreContract, testing::ValuesIn(Engines()),
                         [](const auto& engine) { return engine.param.name; });

const Key kPlan{"CarePlan", "plan-1"};

TEST_P(StoreContract, ReadsBackWhatWasCommitted) {
  Write write = NewWrite("CarePlan", "plan-1", "p1", 5'000'000);
  write.stored.persons = {"p1", "p2"};
  write.stored.label_class = "CarePlan R PSY@v3-ActCode";
  Put(write);
  const auto read = store_->Read(kPlan, all_);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->key, kPlan);
  EXPECT_EQ(read->version, 1u);
  EXPECT_EQ(read->last_updated.unix_us, 5'000'000);
  EXPECT_FALSE(read->deleted);
  EXPECT_EQ(read->json, write.stored.json);
  EXPECT_EQ(read->label_class, "CarePlan R PSY@v3-ActCode");
  EXPECT_EQ(read->persons, (std::vector<std::string>{"p1", "p2"}));
  EXPECT_EQ(store_->Read(Key{"CarePlan", "other"}, all_).error().code, Code::kNotFound);
  EXPECT_EQ(store_->Read(Key{"Goal", "plan-1"}, all_).error().code, Code::kNotFound);
}

TEST_P(StoreContract, KeepsEveryVersion) {
  const Write first = NewWrite("CarePlan", "plan-1", "p1");
  Put(first);
  const Write second = NextWrite(first, 2'000'000);
  Put(second);
  Put(NextWrite(second, 3'000'000));
  EXPECT_EQ(store_->Read(kPlan, all_)->version, 3u);
  EXPECT_EQ(store_->ReadVersion(kPlan, 1, all_)->json, first.stored.json);
  EXPECT_EQ(store_->ReadVersion(kPlan, 2, all_)->json, second.stored.json);
  EXPECT_EQ(store_->ReadVersion(kPlan, 3, all_)->version, 3u);
  EXPECT_EQ(store_->ReadVersion(kPlan, 4, all_).error().code, Code::kNotFound);
  EXPECT_EQ(store_->ReadVersion(kPlan, 0, all_).error().code, Code::kNotFound);
}

TEST_P(StoreContract, RefusesAVersionThatIsNotTheCurrentOne) {
  const Write first = NewWrite("CarePlan", "plan-1", "p1");
  EXPECT_EQ(CodeOf(Of(NextWrite(first, 2'000'000))), Code::kConflict);  // nothing to follow
  Put(first);
  EXPECT_EQ(CodeOf(Of(first)), Code::kConflict);  // exists
  const Write second = NextWrite(first, 2'000'000);
  Put(second);
  EXPECT_EQ(CodeOf(Of(second)), Code::kConflict);  // somebody was faster
  EXPECT_EQ(store_->Read(kPlan, all_)->version, 2u);
}

TEST_P(StoreContract, WritesATransactionWholeOrNotAtAll) {
  const Write taken = NewWrite("CarePlan", "plan-1", "p1");
  Put(taken);
  Transaction transaction = OfTwo(NewWrite("Goal", "goal-1", "p1"), taken);
  transaction.entry = PendingEntry{"entry-1", "bytes"};
  EXPECT_EQ(CodeOf(std::move(transaction)), Code::kConflict);
  EXPECT_EQ(store_->Read(Key{"Goal", "goal-1"}, all_).error().code, Code::kNotFound);
  EXPECT_TRUE(store_->PendingEntries(10)->empty());
}

TEST_P(StoreContract, RefusesWhatBreaksItsRules) {
  Write skipped = NewWrite("CarePlan", "plan-1", "p1");
  skipped.stored.version = 7;
  Write no_id = NewWrite("CarePlan", "", "p1");
  Write blank = NewWrite("CarePlan", "plan-1", "p1");
  blank.stored.persons = {"p1 p2"};
  Write stray = NewWrite("Consent", "consent-1", "p1");
  stray.stored.persons = {"p2", "p1"};
  for (const Write& write : {skipped, no_id, blank, stray}) {
    EXPECT_EQ(CodeOf(Of(write)), Code::kInvalid);
  }
  const Write plan = NewWrite("CarePlan", "plan-1", "p1");
  EXPECT_EQ(CodeOf(OfTwo(plan, plan)), Code::kInvalid);
  Write number = plan;
  number.index.emplace_back().kind = fhir::SearchKind::kQuantity;
  EXPECT_EQ(CodeOf(Of(number)), Code::kUnsupported);
  EXPECT_EQ(store_->Read(kPlan, all_).error().code, Code::kNotFound);
}

TEST_P(StoreContract, KeepsAResourceWithItsPatient) {
  const Write first = NewWrite("CarePlan", "plan-1", "p1");
  Put(first);
  Write moved = NextWrite(first, 2'000'000);
  moved.home = "p2";
  moved.stored.persons = {"p2"};
  moved.compartments = {"p2"};
  EXPECT_EQ(CodeOf(Of(moved)), Code::kUnprocessable);
}

TEST_P(StoreContract, TellsOfADeletionOnlyThoseWhoCouldSee) {
  const Write first = NewWrite("CarePlan", "plan-1", "p1");
  Put(first);
  Write gone = NextWrite(first, 2'000'000);
  gone.stored.deleted = true;
  gone.stored.persons.clear();  // a careless writer
  gone.compartments.clear();
  gone.stored.label_class.clear();
  Put(gone);
  SeesAllBut stranger;
  stranger.persons = {"p1"};
  EXPECT_EQ(store_->Read(kPlan, all_).error().code, Code::kGone);
  EXPECT_EQ(store_->Read(kPlan, stranger).error().code, Code::kNotFound);
  EXPECT_EQ(store_->ReadVersion(kPlan, 1, all_)->version, 1u);
  EXPECT_EQ(store_->ReadVersion(kPlan, 2, all_).error().code, Code::kGone);
  EXPECT_EQ(store_->ReadVersion(kPlan, 1, stranger).error().code, Code::kNotFound);
  EXPECT_TRUE(Ids(QueryOf("CarePlan")).empty());
  EXPECT_TRUE(store_->Current(kPlan)->deleted);
  Write back = NextWrite(gone, 3'000'000);
  back.stored = NextWrite(first, 3'000'000).stored;
  back.stored.version = 3;
  Put(back);
  EXPECT_EQ(store_->Read(kPlan, all_)->version, 3u);
  EXPECT_EQ(store_->ReadVersion(kPlan, 2, all_).error().code, Code::kGone);
}

TEST_P(StoreContract, WithholdsUnlessEveryPersonAgrees) {
  Write write = NewWrite("CarePlan", "plan-1", "p1");
  write.stored.persons = {"p1", "p2"};
  Put(write);
  for (const char* person : {"p1", "p2"}) {
    SeesAllBut visibility;
    visibility.persons = {person};
    EXPECT_EQ(store_->Read(kPlan, visibility).error().code, Code::kNotFound) << person;
    EXPECT_EQ(store_->ReadVersion(kPlan, 1, visibility).error().code, Code::kNotFound) << person;
    EXPECT_TRUE(store_->Search(QueryOf("CarePlan"), visibility)->resources.empty()) << person;
  }
  SeesAllBut nobody_seen;
  nobody_seen.persons = {"p3"};
  EXPECT_TRUE(store_->Read(kPlan, nobody_seen));
}

TEST_P(StoreContract, ShowsAnOldVersionOnlyUnderItsOwnLabelsAndTheCurrentOnes) {
  const Write first = NewWrite("CarePlan", "plan-1", "p1");  // "CarePlan N"
  Put(first);
  Write labelled = NextWrite(first, 2'000'000);
  labelled.stored.label_class = "CarePlan R PSY@v3-ActCode";
  Put(labelled);
  SeesAllBut no_psychiatry;
  no_psychiatry.labels = {"CarePlan R PSY@v3-ActCode"};
  EXPECT_EQ(store_->ReadVersion(kPlan, 1, no_psychiatry).error().code, Code::kNotFound);
  Write opened = NextWrite(labelled, 3'000'000);
  opened.stored.label_class = "CarePlan N";
  Put(opened);
  EXPECT_TRUE(store_->ReadVersion(kPlan, 1, no_psychiatry));
  EXPECT_EQ(store_->ReadVersion(kPlan, 2, no_psychiatry).error().code, Code::kNotFound);
  EXPECT_TRUE(store_->ReadVersion(kPlan, 3, no_psychiatry));
}

TEST_P(StoreContract, GivesANewPolicyClassWithEachVersionOfThePatient) {
  Write patient = NewWrite("Patient", "p1", "p1");
  Put(patient);
  const uint64_t first = *store_->PolicyClassOf("p1");
  EXPECT_GT(first, 0u);
  Put(NextWrite(patient, 2'000'000));
  EXPECT_GT(*store_->PolicyClassOf("p1"), first);
}

TEST_P(StoreContract, GivesANewPolicyClassWithEachConsent) {
  EXPECT_EQ(*store_->PolicyClassOf("p1"), 0u);
  Put(NewWrite("CarePlan", "plan-1", "p1"));
  EXPECT_EQ(*store_->PolicyClassOf("p1"), 0u);  // only a Consent, or the Patient, changes it
  Write consent = NewWrite("Consent", "consent-1", "p1");
  consent.stored.persons = {"p1", "p2"};
  Put(consent);
  const uint64_t first = *store_->PolicyClassOf("p1");
  EXPECT_GT(first, 0u);
  EXPECT_EQ(*store_->PolicyClassOf("p2"), first);
  EXPECT_EQ(*store_->PolicyClassOf("p3"), 0u);
  Write revoked = NextWrite(consent, 2'000'000);
  revoked.stored.persons = {"p1"};
  Put(revoked);
  EXPECT_GT(*store_->PolicyClassOf("p1"), first);
  EXPECT_GT(*store_->PolicyClassOf("p2"), first);  // it concerned p2 before

  const auto consents = store_->ConsentsOf("p1");
  ASSERT_EQ(consents->resources.size(), 1u);
  EXPECT_EQ(consents->resources.front().version, 2u);
  EXPECT_EQ(consents->policy_class, *store_->PolicyClassOf("p1"));
  EXPECT_TRUE(store_->ConsentsOf("p2")->resources.empty());  // named in it, but it is not theirs
}

// Records what it is asked, and asks the store as the consent decision does.
class Asking final : public Visibility {
 public:
  explicit Asking(Store* store) : store_(store) {}
  bool Sees(std::string_view person, uint64_t policy_class, std::string_view label) const override {
    ++calls;
    EXPECT_EQ(*store_->PolicyClassOf(person), policy_class);
    EXPECT_EQ(store_->ConsentsOf(person)->policy_class, policy_class);
    EXPECT_EQ(label, "CarePlan N");
    return true;
  }
  mutable std::atomic<int> calls = 0;

 private:
  Store* store_;
};

TEST_P(StoreContract, AsksOncePerPersonAndLabelAndMayBeAskedBack) {
  Put(NewWrite("Consent", "consent-1", "p1"));
  for (int i = 0; i < 20; ++i) {
    Put(NewWrite("CarePlan", "plan-" + std::to_string(i), "p1"));
  }
  Asking asking(store_.get());
  EXPECT_EQ(store_->Search(QueryOf("CarePlan"), asking)->resources.size(), 20u);
  EXPECT_EQ(asking.calls, 1);

  std::vector<std::thread> threads;
  threads.reserve(16);  // more than there are connections
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([this, &asking] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(store_->Read(kPlan, asking));
        EXPECT_EQ(store_->Search(QueryOf("CarePlan"), asking)->resources.size(), 20u);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST_P(StoreContract, FailsClosedWhenTheDecisionThrows) {
  class Throwing final : public Visibility {
   public:
    bool Sees(std::string_view, uint64_t, std::string_view) const override {
      throw std::runtime_error("no decision");
    }
  };
  Put(NewWrite("CarePlan", "plan-1", "p1"));
  EXPECT_EQ(store_->Read(kPlan, Throwing()).error().code, Code::kInternal);
  EXPECT_EQ(store_->Search(QueryOf("CarePlan"), Throwing()).error().code, Code::kInternal);
  EXPECT_TRUE(store_->Search(QueryOf("CarePlan"), all_));
}

TEST_P(StoreContract, FindsByIdentifierAndKeepsThemUnique) {
  const Identifier nhs{"https://fhir.nhs.uk/Id/nhs-number", "9991001018"};
  const Identifier local{"urn:oid:1.2.3", "A1"};
  Write one = NewWrite("Patient", "p1", "p1");
  one.claims = {nhs};
  Put(one);
  Write two = NewWrite("Patient", "p2", "p2");
  two.claims = {local, nhs};
  EXPECT_EQ(CodeOf(Of(two)), Code::kConflict);
  two.claims = {local};
  Put(two);
  EXPECT_EQ(IdsOf(*store_->Find("Patient", std::vector{local, nhs, local})),
            (std::vector<std::string>{"p2", "p1"}));
  EXPECT_TRUE(store_->Find("Practitioner", std::vector{nhs})->empty());

  // One gives up what the other takes, whatever their order in the transaction.
  Write giver = NextWrite(one, 2'000'000);
  giver.claims.clear();
  Write taker = NextWrite(two, 2'000'000);
  taker.claims = {local, nhs};
  ASSERT_TRUE(store_->Commit(OfTwo(taker, giver)));
  EXPECT_EQ(IdsOf(*store_->Find("Patient", std::vector{nhs})), std::vector<std::string>{"p2"});
}

TEST_P(StoreContract, FindsForEachOfSeveralInTheirOrder) {
  const Identifier nhs{"nhs", "9991001018"};
  const Identifier plan{"urn:plan", "PC-1"};
  Write person = NewWrite("Patient", "p1", "p1");
  person.claims = {nhs};
  Write care = NewWrite("CarePlan", "c1", "p1");
  care.claims = {plan};
  Put(person);
  Put(care);
  const std::vector<Identifier> by_plan = {plan};
  const std::vector<Identifier> by_nhs = {nhs, nhs};
  const std::vector<Wanted> wanted = {
      {"CarePlan", by_plan}, {"Goal", {}}, {"Goal", by_plan}, {"Patient", by_nhs}};
  const auto found = store_->FindEach(wanted);
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ(found->size(), wanted.size());
  EXPECT_EQ(IdsOf((*found)[0]), std::vector<std::string>{"c1"});
  EXPECT_TRUE((*found)[1].empty());
  EXPECT_TRUE((*found)[2].empty()) << "of another type";
  EXPECT_EQ(IdsOf((*found)[3]), std::vector<std::string>{"p1"}) << "once";
}

TEST_P(StoreContract, FindsNamesakesNewestFirst) {
  const std::string key = "1938-06-11|ashdown";
  const std::string other = "1938-06-11|marsh";
  for (const char* id : {"p1", "p2", "p3"}) {
    Write write = NewWrite("Patient", id, id);
    write.index = {StringEntry(fhir::kNamesake, key), StringEntry("family", "ashdown")};
    if (std::string_view(id) == "p3") {
      write.index.push_back(StringEntry(fhir::kNamesake, other));
    }
    Put(write);
  }
  const auto ids = [&](const std::vector<std::string>& keys, uint32_t max) {
    const auto found = store_->Namesakes(keys, FitsAll(), max);
    EXPECT_TRUE(found);
    return found ? *found : std::vector<std::string>();
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids({key}, 9), (Ids{"p3", "p2", "p1"}));
  EXPECT_EQ(ids({key}, 2), (Ids{"p3", "p2"}));
  EXPECT_EQ(ids({other, key}, 2), (Ids{"p3", "p2"})) << "each once";
  EXPECT_TRUE(ids({"1938-06-11|ash"}, 9).empty()) << "a whole key, no part of one";
  EXPECT_TRUE(ids({}, 9).empty());
}

TEST_P(StoreContract, AsksOfNamesakesByTheirRowsWhetherTheyFit) {
  class IsAnAshdown final : public Likeness {
   public:
    bool Fits(std::span<const fhir::IndexRow> patient) const override {
      EXPECT_EQ(patient.size(), 2u);
      return patient.back().code == "family" && patient.back().text == "ashdown";
    }
  };
  const std::string key = "1938-06-11|ashdown";
  for (const char* id : {"p1", "p2", "p3", "p4"}) {
    Write write = NewWrite("Patient", id, id);
    const bool fits = std::string_view(id) != "p3";
    write.index = {StringEntry(fhir::kNamesake, key),
                   StringEntry("family", fits ? "ashdown" : "marsh")};
    Put(write);
  }
  const std::vector<std::string> keys = {key};
  EXPECT_EQ(*store_->Namesakes(keys, IsAnAshdown(), 2), (std::vector<std::string>{"p4", "p2"}));
}

TEST_P(StoreContract, RefusesTwoClaimsOnOneIdentifierInOneTransaction) {
  const Identifier nhs{"https://fhir.nhs.uk/Id/nhs-number", "9991001018"};
  Write one = NewWrite("Patient", "p1", "p1");
  Write two = NewWrite("Patient", "p2", "p2");
  one.claims = two.claims = {nhs};
  const auto refused = store_->Commit(OfTwo(one, two));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_EQ(refused.error().hl7_code, 205) << "no race, which would be run again";
  EXPECT_TRUE(store_->Find("Patient", std::vector{nhs})->empty());
  EXPECT_EQ(store_->Read(one.stored.key, all_).error().code, Code::kNotFound);
  Put(one);
}

MessageRecord MessageOf(std::string control_id, std::string bytes, std::string outcome) {
  MessageRecord message;
  message.feed = "adt";
  message.sender = "PAS|X9900";
  message.control_id = std::move(control_id);
  message.digest = crypto::Sha256(bytes);
  message.bytes = std::move(bytes);
  message.outcome = std::move(outcome);
  message.answer = "MSA|" + message.outcome;
  message.received = Instant{1};
  return message;
}

TEST_P(StoreContract, RemembersTheAnswerToAMessage) {
  const MessageRecord refused = MessageOf("M1", "first", "AE");
  const auto find = [&](const MessageRecord& message) {
    return *store_->FindAnswer(message.sender, message.control_id, message.digest);
  };
  Transaction transaction;
  transaction.message = refused;
  ASSERT_TRUE(store_->Commit(transaction));
  EXPECT_FALSE(find(refused));  // processed afresh
  ASSERT_TRUE(store_->Commit(transaction));
  EXPECT_FALSE(find(refused));

  transaction.message->outcome = "AA";
  transaction.message->answer = "MSA|AA";
  transaction.entry = PendingEntry{"entry-1", "log bytes"};
  ASSERT_TRUE(store_->Commit(transaction));
  ASSERT_TRUE(find(refused));
  EXPECT_EQ(find(refused)->answer, "MSA|AA");
  EXPECT_EQ(find(refused)->entry_id, "entry-1");
  EXPECT_TRUE(find(refused)->same_bytes);
  transaction.entry = PendingEntry{"entry-2", "log bytes"};
  EXPECT_EQ(CodeOf(transaction), Code::kConflict);  // answered in the meantime

  const MessageRecord other = MessageOf("M1", "other bytes", "AA");
  ASSERT_TRUE(find(other));
  EXPECT_FALSE(find(other)->same_bytes);
  transaction.message = other;
  ASSERT_TRUE(store_->Commit(transaction));
  EXPECT_TRUE(find(other)->same_bytes);
  EXPECT_EQ(find(other)->entry_id, "entry-2");
  EXPECT_TRUE(find(refused)->same_bytes);
}

TEST_P(StoreContract, CommitsNoEntryThatTheLogWouldNotTake) {
  Transaction transaction = Of(NewWrite("Patient", "p1", "p1"));
  for (const size_t bytes : {size_t{0}, kEntryBytesMax + 1}) {
    transaction.entry = PendingEntry{"entry-1", std::string(bytes, 'x')};
    EXPECT_EQ(CodeOf(transaction), Code::kInvalid) << bytes;
  }
  EXPECT_EQ(store_->Read(Key{"Patient", "p1"}, all_).error().code, Code::kNotFound);
  transaction.entry = PendingEntry{"entry-1", std::string(kEntryBytesMax, 'x')};
  EXPECT_TRUE(store_->Commit(transaction));
}

TEST_P(StoreContract, HandsOutPendingEntriesInOrderUntilTheyAreSettled) {
  for (int i = 0; i < 5; ++i) {
    Transaction transaction;
    transaction.entry = PendingEntry{"entry-" + std::to_string(9 - i), std::string("b\0b", 3)};
    ASSERT_TRUE(store_->Commit(std::move(transaction)));
  }
  auto pending = store_->PendingEntries(3);
  ASSERT_EQ(pending->size(), 3u);
  EXPECT_EQ(pending->front().id, "entry-9");
  EXPECT_EQ(pending->front().bytes, std::string("b\0b", 3));
  EXPECT_EQ(pending->back().id, "entry-7");
  Transaction settled;
  settled.settled = {"entry-9", "entry-8", "unknown"};
  ASSERT_TRUE(store_->Commit(std::move(settled)));
  EXPECT_EQ(store_->PendingEntries(1)->front().id, "entry-7");
  Open();
  EXPECT_EQ(store_->PendingEntries(10)->size(), 3u);
}

TEST_P(StoreContract, CountsCommitsUpwardsAcrossReopeningAndClocksThatGoBack) {
  const auto commit = [&](const std::string& id) {
    return store_->Commit(Of(NewWrite("Goal", id, "p1")))->sequence;
  };
  const uint64_t first = commit("g1");
  const uint64_t second = commit("g2");
  EXPECT_LT(first, second);
  clock_.Set(Instant{1});
  const uint64_t third = commit("g3");
  EXPECT_LT(second, third);
  Open();
  EXPECT_LT(third, commit("g4"));
}

TEST_P(StoreContract, GroupsCommitsOfManyThreads) {
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  std::atomic<int> conflicts = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t, &conflicts] {
      for (int i = 0; i < kEach; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        // Each is its own Goal, and all fight for the same CarePlan.
        EXPECT_TRUE(store_->Commit(Of(NewWrite("Goal", id, "p" + std::to_string(t)))));
        EXPECT_TRUE(store_->Read(Key{"Goal", id}, all_)) << "a commit is read at once";
        if (!store_->Commit(Of(NewWrite("CarePlan", std::to_string(i), "p1")))) {
          ++conflicts;
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(conflicts, (kThreads - 1) * kEach);
  fhir::Query count = QueryOf("Goal");
  count.count = 0;
  EXPECT_EQ(store_->Search(count, all_)->total, uint64_t{kThreads * kEach});
}

}  // namespace
}  // namespace gw::store
