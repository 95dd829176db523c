// Store and access log in step: nothing that was committed goes without its entry, whatever the
// entry is, and no entry is written twice.
#include "gateway/flow/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <memory>

#include "gateway/base/crypto.h"
#include "tests/flow/flow_testing.h"
#include "tests/flow/forwarding_store.h"

namespace gw::flow {
namespace {

AccessRecord RecordOf(const std::string& control_id) {
  AccessRecord record;
  record.id = crypto::Uuid7(1'770'000'000'000);
  record.kind = "message";
  record.control_id = control_id;
  return record;
}

TEST(AccessRecords, AreBoundAndCountWhatTheyDoNotName) {
  AccessRecord record = RecordOf(std::string(2'000'000, '\x01'));
  record.query = std::string(1'000'000, '"');
  for (int i = 0; i < 30'000; ++i) {
    record.patients.push_back(crypto::Uuid7(i));
    record.resources.push_back("Practitioner/" + crypto::Uuid7(i) + "/_history/1");
    record.roles.push_back("role" + std::to_string(i));
    record.decisions.push_back({true, "implied", "", 0, "", crypto::Uuid7(i)});
  }
  const std::string bytes = ToBytes(record);
  EXPECT_LE(bytes.size(), audit::kEntryBytesMax);
  const Result<AccessRecord> read = FromBytes(bytes);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_GE(read->patients.size(), 10'000u) << "one of each segment that a message may have";
  EXPECT_EQ(read->patients.size() + read->patients_more, 30'000u);
  EXPECT_EQ(read->resources.size() + read->resources_more, 30'000u);
  EXPECT_EQ(read->decisions.size() + read->decisions_more, 30'000u);
  EXPECT_FALSE(read->resources.empty() || read->decisions.empty());
  EXPECT_EQ(ToBytes(*read), bytes) << "what was read is written as it was";
  const auto event = Json::Parse(ToAuditEvent(*read, "caregate").json, Limits{});
  ASSERT_TRUE(event);
  EXPECT_NE(ToAuditEvent(*read, "caregate").json.find("resources-not-named"), std::string::npos);
}

TEST(AccessRecords, AreCutBetweenCharacters) {
  AccessRecord record = RecordOf(std::string(kTextBytesMax - 1, 'x') + "\xC3\xA9");
  const Result<AccessRecord> read = FromBytes(ToBytes(record));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->control_id, std::string(kTextBytesMax - 1, 'x'));
  record.control_id = std::string(kTextBytesMax, 'x');
  EXPECT_EQ(FromBytes(ToBytes(record))->control_id, record.control_id);
}

// A store whose pending entries and refusals a test says.
class StagedStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<store::Committed> Commit(store::Transaction transaction) override {
    if (fails > 0) {
      --fails;
      return Error{Code::kUnavailable, "the disk refuses", "store", 0};
    }
    settled.insert(settled.end(), transaction.settled.begin(), transaction.settled.end());
    return ForwardingStore::Commit(std::move(transaction));
  }
  Result<std::vector<store::PendingEntry>> PendingEntries(uint32_t max) override {
    return pending.empty() ? ForwardingStore::PendingEntries(max) : pending;
  }

  int fails = 0;
  std::vector<std::string> settled;
  std::vector<store::PendingEntry> pending;
};

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    store_ = std::make_unique<StagedStore>(
        *store::OpenSqlite({.path = folder_.Path("caregate.db")}, clock_));
    log_ = *audit::AuditLog::Open(
        audit::Options{.directory = folder_.Path("log"),
                       .origin = "test.example/log",
                       .key = *crypto::PrivateKey::Generate(crypto::Algorithm::kEd25519),
                       .recent_ids = 1},
        clock_);
    journal_.emplace(store_.get(), log_.get());
  }

  SystemClock clock_;
  TempFolder folder_;
  std::unique_ptr<StagedStore> store_;
  std::unique_ptr<audit::AuditLog> log_;
  std::optional<Journal> journal_;
};

TEST_F(JournalTest, AnEntryThatTheLogDoesNotTakeStopsNoStart) {
  AccessRecord large = RecordOf("LARGE");
  for (int i = 0; i < 18'000; ++i) {
    large.resources.push_back("Practitioner/" + crypto::Uuid7(i) + "/_history/1");
  }
  // As a version before wrote it, without bounds.
  std::string bytes = R"({"id":")" + large.id + R"(","recorded_us":0,"kind":"message",)" +
                      R"("control_id":"LARGE","resources":[)";
  for (const std::string& name : large.resources) {
    bytes += (bytes.ends_with('[') ? "\"" : ",\"") + name + "\"";
  }
  bytes += R"(],"outcome":"0"})";
  ASSERT_GT(bytes.size(), audit::kEntryBytesMax);
  const AccessRecord good = RecordOf("GOOD");
  const std::string hopeless = crypto::Uuid7(7);
  store_->pending = {{large.id, bytes},
                     {hopeless, std::string(audit::kEntryBytesMax + 1, '{')},
                     {good.id, ToBytes(good)}};
  ASSERT_TRUE(journal_->Recover());
  const auto entries = log_->ReadFrom(0, 10);
  ASSERT_EQ(entries->size(), 2u);
  const auto first = FromBytes(entries->at(0).entry.bytes);
  EXPECT_EQ(first->control_id, "LARGE");
  EXPECT_EQ(first->resources.size() + first->resources_more, 18'000u);
  EXPECT_EQ(FromBytes(entries->at(1).entry.bytes)->control_id, "GOOD");
  EXPECT_EQ(store_->settled, (std::vector<std::string>{large.id, good.id}))
      << "what the log does not have stays in the store";
  EXPECT_TRUE(journal_->Recover()) << "and at the next start too";
  EXPECT_EQ(log_->size(), 2u);
}

TEST_F(JournalTest, AnOldEntryThatIsInTheLogIsNotWrittenTwice) {
  const AccessRecord first = RecordOf("FIRST");
  const AccessRecord second = RecordOf("SECOND");
  ASSERT_TRUE(journal_->Append(first, true));
  ASSERT_TRUE(journal_->Append(second, true));  // the log remembers one id
  store_->pending = {{first.id, ToBytes(first)}, {second.id, ToBytes(second)}};
  ASSERT_TRUE(journal_->Recover());
  ASSERT_TRUE(journal_->Ensure(first.id));
  EXPECT_EQ(log_->size(), 2u);
}

// A disk on which no file grows.
class FullDisk {
 public:
  FullDisk() {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const struct rlimit none = {0, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &none);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  struct rlimit before_ {};
};

TEST_F(JournalTest, WhatTheLogCouldNotTakeFollowsTheFirstThatItTakes) {
  const AccessRecord lost = RecordOf("LOST");
  store::Transaction transaction;
  transaction.entry = store::PendingEntry{lost.id, ToBytes(lost)};
  ASSERT_TRUE(journal_->Commit(std::move(transaction)));
  {
    const FullDisk full;
    ASSERT_FALSE(journal_->Append(lost, true));
    EXPECT_FALSE(journal_->Ready());
  }
  const AccessRecord next = RecordOf("NEXT");
  ASSERT_TRUE(journal_->Append(next, false));
  const auto present = log_->Contains(std::vector<std::string>{lost.id, next.id});
  ASSERT_TRUE(present);
  EXPECT_EQ(*present, (std::vector<bool>{true, true}));
  EXPECT_TRUE(store_->PendingEntries(10)->empty());
}

TEST_F(JournalTest, WhatACommitDidNotSettleTheNextOneDoes) {
  const AccessRecord record = RecordOf("ONE");
  store::Transaction transaction;
  transaction.entry = store::PendingEntry{record.id, ToBytes(record)};
  ASSERT_TRUE(journal_->Commit(std::move(transaction)));
  ASSERT_TRUE(journal_->Append(record, true));
  store_->fails = 1;
  EXPECT_FALSE(journal_->Commit({}));
  EXPECT_EQ(store_->PendingEntries(10)->size(), 1u);
  EXPECT_TRUE(journal_->Commit({}));
  EXPECT_EQ(store_->settled, std::vector<std::string>{record.id});
  EXPECT_TRUE(store_->PendingEntries(10)->empty());
}

}  // namespace
}  // namespace gw::flow
