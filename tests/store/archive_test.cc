#include "gateway/store/archive.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "gateway/store/sqlite_connection.h"
#include "tests/store/earlier_schema.h"
#include "tests/store/store_testing.h"

namespace gw::store {
namespace {

MessageRecord Message(const std::string& control_id, const std::string& outcome,
                      const std::string& cause = "", int64_t received_us = 1'000'000) {
  MessageRecord message;
  message.feed = "hospital";
  message.sender = "PAS|X9901";
  message.control_id = control_id;
  message.type = "ADT^A31";
  message.bytes = "MSH|" + control_id;
  message.digest = crypto::Sha256(message.bytes);
  message.outcome = outcome;
  message.cause = cause;
  message.reason = cause.empty() ? "" : "a rule";
  message.received = Instant{received_us};
  return message;
}

class ArchiveTest : public testing::Test {
 protected:
  ArchiveTest() { Open(); }
  void Open() {
    store_.reset();
    SqliteOptions options;
    options.path = folder_.Path("store.db");
    auto opened = OpenSqlite(options, clock_);
    ASSERT_TRUE(opened) << opened.error().detail;
    store_ = *std::move(opened);
  }
  Archive& archive() { return store_->archive(); }
  uint64_t Commit(const MessageRecord& message, std::vector<Write> writes = {}) {
    Transaction transaction;
    transaction.message = message;
    transaction.writes = std::move(writes);
    const auto committed = store_->Commit(std::move(transaction));
    EXPECT_TRUE(committed) << committed.error().detail;
    return committed ? committed->message : 0;
  }
  Result<Committed> Settle(uint64_t number, MessageState state, const std::string& note) {
    Transaction transaction;
    transaction.upkeep.settlements = {{number, state, note}};
    return store_->Commit(std::move(transaction));
  }
  FeedState Feed() {
    const auto feeds = archive().Feeds();
    EXPECT_TRUE(feeds && feeds->size() == 1u);
    return feeds && !feeds->empty() ? feeds->front() : FeedState();
  }

  TempFolder folder_;
  FixedClock clock_{Instant{1'000'000'000}};
  std::unique_ptr<Store> store_;
};

// One control id used again and again is no longer way to one of its messages.
TEST_F(ArchiveTest, FindsOneMessageAmongThoseOfItsControlId) {
  MessageRecord one = Message("1", "AE", "204 PID-3", 1);
  MessageRecord other = Message("1", "AE", "204 PID-3", 2);
  other.bytes += "|other";
  other.digest = crypto::Sha256(other.bytes);
  Commit(one);
  const uint64_t second = Commit(other);
  MessageQuery query;
  query.control_id = other.control_id;
  EXPECT_EQ(archive().List(query)->size(), 2u);
  query.digest = other.digest;
  ASSERT_EQ(archive().List(query)->size(), 1u);
  EXPECT_EQ(archive().List(query)->front().number, second);
  query.sender = other.sender + "x";
  EXPECT_TRUE(archive().List(query)->empty());
}

TEST_F(ArchiveTest, GroupsTheQueueByCauseAndKeepsWhatLeavesIt) {
  Commit(Message("1", "AE", "204 PID-3", 1));
  const uint64_t second = Commit(Message("2", "AE", "204 PID-3", 2));
  const uint64_t third = Commit(Message("3", "AR", "200 MSH-9", 3));
  Commit(Message("4", "AA", "", 4));
  const auto causes = archive().Causes("hospital");
  ASSERT_TRUE(causes);
  ASSERT_EQ(causes->size(), 2u);
  EXPECT_EQ(causes->front().cause, "204 PID-3");
  EXPECT_EQ(causes->front().messages, 2u);
  EXPECT_EQ(causes->front().first.unix_us, 1);
  EXPECT_EQ(causes->front().last.unix_us, 2);
  EXPECT_TRUE(archive().Causes("surgery")->empty());

  ASSERT_TRUE(Settle(third, MessageState::kDiscarded, "sent by mistake"));
  EXPECT_EQ(archive().Open(third)->entry.note, "sent by mistake");
  EXPECT_EQ(archive().Open(third)->bytes, "MSH|3");  // kept
  EXPECT_EQ(Settle(third, MessageState::kDiscarded, "again").error().code, Code::kConflict);

  Transaction edited;
  edited.message = Message("2b", "AA");
  edited.upkeep.settlements = {{second, MessageState::kReplaced, "edited"}};
  const auto committed = store_->Commit(std::move(edited));
  ASSERT_TRUE(committed);
  EXPECT_EQ(archive().Open(second)->entry.replaced_by, committed->message);
  EXPECT_EQ(archive().Open(second)->entry.state, MessageState::kReplaced);

  // Of two who take the same open message once more the second is told.
  Transaction late;
  late.message = Message("3", "AA");
  late.message->replay = true;
  late.upkeep.still_open = third;
  const auto refused = store_->Commit(std::move(late));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_EQ(refused.error().hl7_code, 207) << "no race, which would be run again";

  MessageRecord again = Message("1", "AA");
  again.replay = true;
  const uint64_t number = Commit(again);
  EXPECT_EQ(archive().Open(number)->entry.attempts, 2u);
  EXPECT_TRUE(archive().Causes("hospital")->empty());
  const FeedState feed = Feed();
  EXPECT_EQ(feed.received, 5u);
  EXPECT_EQ(feed.taken, 2u);
  EXPECT_EQ(feed.refused, 3u);
  EXPECT_EQ(feed.replayed, 1u);
  EXPECT_EQ(feed.replaced, 1u);
  EXPECT_EQ(feed.discarded, 1u);
  EXPECT_EQ(feed.open, 0u);
}

TEST_F(ArchiveTest, LeadsFromAMessageToItsVersionsAndBack) {
  Write goal = NewWrite("Goal", "g1", "p1");
  const uint64_t first = Commit(Message("1", "AA"), {goal});
  const uint64_t second = Commit(Message("2", "AA", "", 2'000'000), {NextWrite(goal, 2'000'000)});
  EXPECT_EQ(archive().Open(first)->entry.resources, std::vector<std::string>{"Goal/g1/_history/1"});
  const auto versions = archive().VersionsOf({"Goal", "g1"});
  ASSERT_TRUE(versions);
  ASSERT_EQ(versions->size(), 2u);
  EXPECT_EQ((*versions)[0].message, second);
  EXPECT_EQ((*versions)[1].message, first);
  EXPECT_EQ(archive().RecordOf("p1", 10)->size(), 1u);
  EXPECT_EQ(archive().VersionsOf({"Goal", "none"}).error().code, Code::kNotFound);
  EXPECT_EQ(archive().Open(12345).error().code, Code::kNotFound);
}

TEST_F(ArchiveTest, ListsByPagesAndFindsBytesInTheQueue) {
  for (int i = 0; i < 5; ++i) {
    Commit(Message("m" + std::to_string(i), i == 3 ? "AE" : "AA", i == 3 ? "102 PID-7" : "", 10));
  }
  MessageQuery query;
  query.feed = "hospital";
  query.count = 2;
  std::vector<std::string> seen;
  while (true) {
    const auto page = archive().List(query);
    ASSERT_TRUE(page);
    if (page->empty()) {
      break;
    }
    for (const MessageEntry& entry : *page) {
      seen.push_back(entry.control_id);
    }
    query.after = page->back().received;
    query.after_number = page->back().number;
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"m0", "m1", "m2", "m3", "m4"}));
  MessageQuery holds;
  holds.holds = "|m3";
  ASSERT_EQ(archive().List(holds)->size(), 1u);
  holds.holds = "|m4";  // taken: found by what it made, not by its bytes
  EXPECT_TRUE(archive().List(holds)->empty());
  MessageQuery span;
  span.feed = "hospital";
  span.from = Instant{11};
  EXPECT_TRUE(archive().List(span)->empty());
}

TEST_F(ArchiveTest, CountsFieldsAndRepeatsAndAlertsOnce) {
  MessageRecord message = Message("1", "AA");
  message.fields = {{false, "PID-30", "", ""}, {true, "PV1-2", "urn:t", "Q"}};
  Commit(message);
  message = Message("2", "AA");
  message.fields = {{false, "PID-30", "", ""}};
  Commit(message);
  Transaction repeat;
  repeat.upkeep.repeated = true;
  repeat.upkeep.repeat_of = "hospital";
  ASSERT_TRUE(store_->Commit(std::move(repeat)));
  const auto fields = archive().Fields("hospital", 10);
  ASSERT_EQ(fields->size(), 2u);
  EXPECT_EQ((*fields)[0].field.place, "PID-30");
  EXPECT_EQ((*fields)[0].count, 2u);
  EXPECT_EQ((*fields)[1].field.code, "Q");
  EXPECT_EQ(Feed().repeated, 1u);
  EXPECT_EQ(Feed().received, Feed().taken + Feed().refused + Feed().repeated);

  const auto alert = [&](int64_t since) {
    Transaction transaction;
    transaction.upkeep.alerts = {{"hospital", "silent", Instant{since}, 0}};
    EXPECT_TRUE(store_->Commit(std::move(transaction)));
    return archive().Alerts()->front();
  };
  EXPECT_EQ(alert(5).raised, 1u);
  EXPECT_EQ(alert(5).raised, 1u);
  EXPECT_EQ(alert(0).raised, 1u);
  EXPECT_EQ(alert(9).raised, 2u);
}

TEST_F(ArchiveTest, PrunesInStepsAndNeverWhatIsOpen) {
  for (int i = 0; i < 7; ++i) {
    Commit(Message(std::to_string(i), i == 2 ? "AE" : "AA", i == 2 ? "102 PID-7" : "", i + 1));
  }
  const auto prune = [&] {
    Transaction transaction;
    transaction.upkeep.pruning = Pruning{"hospital", Instant{6}, 3};
    return store_->Commit(std::move(transaction))->pruned;
  };
  EXPECT_EQ(prune(), 3u);
  EXPECT_EQ(prune(), 1u);
  EXPECT_EQ(prune(), 0u);
  MessageQuery all;
  all.feed = "hospital";
  EXPECT_EQ(archive().List(all)->size(), 3u);  // the open one and the two that are young
  EXPECT_EQ(Feed().pruned, 4u);
  EXPECT_EQ(Feed().open, 1u);
}

// Rows have no bytes but their file's: it stands as long as one of them waits.
TEST_F(ArchiveTest, PrunesNoFileWhoseRowsAreOpen) {
  const auto kept = [&](const std::string& id, const std::string& type, const std::string& outcome,
                        const std::string& file) {
    MessageRecord message = Message(id, outcome, outcome == "AA" ? "" : "102 column DOB", 1);
    message.type = type;
    message.digest = crypto::Sha256(file);
    return Commit(message);
  };
  kept("aa", std::string(kFileType), "AA", "first");
  kept("aa:rows 1", "rows", "AA", "first");
  const uint64_t open = kept("aa:rows 2", "rows", "AE", "first");
  kept("ab", std::string(kFileType), "AA", "second");
  kept("ab:rows 1", "rows", "AA", "second");
  const auto prune = [&] {
    Transaction transaction;
    transaction.upkeep.pruning = Pruning{"hospital", Instant{6}, 100};
    return store_->Commit(std::move(transaction))->pruned;
  };
  EXPECT_EQ(prune(), 3u);
  MessageQuery file;
  file.feed = "hospital";
  file.control_id = "aa";
  EXPECT_EQ(archive().List(file)->size(), 1u);
  ASSERT_TRUE(Settle(open, MessageState::kDiscarded, "given up"));
  EXPECT_EQ(prune(), 2u);
}

TEST_F(ArchiveTest, WhatIsSettledStaysSoUntilItIsTaken) {
  for (const MessageState state : {MessageState::kDiscarded, MessageState::kReplaced}) {
    const std::string id(NameOf(state));
    const uint64_t number = Commit(Message(id, "AE", "204 PID-3"));
    if (state == MessageState::kDiscarded) {
      ASSERT_TRUE(Settle(number, state, "by somebody"));
    } else {
      Transaction edit;
      edit.message = Message("edit", "AA");
      edit.upkeep.settlements = {{number, state, "by somebody"}};
      ASSERT_TRUE(store_->Commit(std::move(edit)));
    }
    Commit(Message(id, "AE", "204 PID-3"));
    EXPECT_EQ(archive().Open(number)->entry.state, state);
    EXPECT_EQ(archive().Open(number)->entry.attempts, 2u);
    EXPECT_TRUE(archive().Causes(std::nullopt)->empty());
    MessageRecord back = Message(id, "AE", "204 PID-3");  // an edit that brings the bytes back
    back.replay = true;
    Commit(back);
    EXPECT_EQ(archive().Open(number)->entry.state, MessageState::kOpen);
    ASSERT_TRUE(Settle(number, MessageState::kDiscarded, "again"));
    Commit(Message(id, "AA"));
    EXPECT_EQ(archive().Open(number)->entry.state, MessageState::kDone);
  }
}

TEST_F(ArchiveTest, IsForItsOwnersEyes) {
  Commit(Message("1", "AA"));
  for (const char* name : {"store.db", "store.db-wal"}) {
    struct stat facts {};
    ASSERT_EQ(stat(folder_.Path(name).c_str(), &facts), 0) << name;
    EXPECT_EQ(facts.st_mode & 0777U, 0600U) << name;
  }
}

// What is taken closes what came before it, is open, and is of its feed and key.
TEST_F(ArchiveTest, RowsCloseThoseOfTheirKeyThatWait) {
  const auto row = [](const std::string& id, const std::string& outcome, const std::string& key,
                      const std::string& feed = "rows") {
    MessageRecord message = Message(id, outcome, outcome == "AA" ? "" : "101 row");
    message.feed = feed;
    message.type = "rows";
    message.row_key = key;
    return message;
  };
  const auto commit = [this](const MessageRecord& message) {
    Transaction transaction;
    transaction.message = message;
    const auto committed = store_->Commit(std::move(transaction));
    EXPECT_TRUE(committed);
    return committed ? *committed : Committed();
  };
  const uint64_t first = commit(row("1", "AE", "k")).message;
  const uint64_t other_key = commit(row("2", "AE", "l")).message;
  const uint64_t other_feed = commit(row("3", "AE", "k", "others")).message;
  const uint64_t keyless = commit(row("4", "AE", "")).message;
  const uint64_t discarded = commit(row("5", "AE", "k")).message;
  ASSERT_TRUE(Settle(discarded, MessageState::kDiscarded, "known"));
  const Committed taken = commit(row("6", "AA", "k"));
  EXPECT_EQ(taken.closed, 1u);
  EXPECT_EQ(commit(row("7", "AA", "")).closed, 0u);
  const uint64_t later = commit(row("8", "AE", "k")).message;
  MessageRecord again = row("6", "AA", "k");
  again.replay = true;
  EXPECT_EQ(commit(again).closed, 0u) << "what came after it waits";

  const auto state = [this](uint64_t number) { return archive().Open(number)->entry.state; };
  EXPECT_EQ(state(first), MessageState::kReplaced);
  EXPECT_EQ(archive().Open(first)->entry.replaced_by, taken.message);
  for (const uint64_t open : {other_key, other_feed, keyless, later}) {
    EXPECT_EQ(state(open), MessageState::kOpen) << open;
  }
  EXPECT_EQ(state(discarded), MessageState::kDiscarded);
}

// What is asked on a message's way is found by an index, however many messages have one control id.
TEST_F(ArchiveTest, MessagesOfOneControlIdAreNotScanned) {
  auto connection = Connection::Open(folder_.Path("store.db"), Connection::Mode::kReader);
  ASSERT_TRUE(connection);
  const std::string of_message = "EXPLAIN QUERY PLAN SELECT number FROM message WHERE ";
  const std::pair<std::string, std::string> cases[] = {
      {"control_id = '1' AND sender = 's' AND outcome = 'AA' LIMIT 1", "message_taken"},
      {"(received, number) > (0, 0) AND +feed = 'f' AND control_id = '1' AND state = 1"
       " ORDER BY received, number LIMIT 9",
       "message_open_named"},
      {"(received, number) > (0, 0) AND +feed = 'f' AND control_id = '1'"
       " ORDER BY received, number LIMIT 9",
       "sqlite_autoindex_message_1"},
      {"state = 1 AND row_key <> '' AND feed = 'f' AND row_key = 'k' AND number < 9"
       " ORDER BY number LIMIT 9",
       "message_open_rows"},
  };
  for (const auto& [condition, index] : cases) {
    auto statement = connection->Prepare(of_message + condition);
    ASSERT_TRUE(statement) << statement.error().detail;
    Execution row(*statement);
    ASSERT_TRUE(*row.Step());
    EXPECT_NE(std::string(row.TextAt(3)).find(index), std::string::npos) << row.TextAt(3);
  }
}

TEST_F(ArchiveTest, IsReadBesideTheProcessThatWrites) {
  Commit(Message("1", "AE", "204 PID-3"));
  const auto reader = OpenArchive(folder_.Path("store.db"));
  ASSERT_TRUE(reader) << reader.error().detail;
  EXPECT_EQ((*reader)->Causes(std::nullopt)->size(), 1u);
  Commit(Message("2", "AE", "101 PID-5"));
  EXPECT_EQ((*reader)->Causes(std::nullopt)->size(), 2u);
  EXPECT_FALSE(OpenArchive(folder_.Path("absent.db")));
}

TEST_F(ArchiveTest, BringsAFileOfVersionOneUpToDate) {
  Commit(Message("1", "AA"), {NewWrite("Goal", "g1", "p1")});
  Commit(Message("2", "AE", "204 PID-3"));
  store_.reset();
  {
    auto connection = Connection::Open(folder_.Path("store.db"), Connection::Mode::kWriter);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->Run(kResourcesBefore5));
    ASSERT_TRUE(connection->Run(kPendingBefore4));
    const Status undone = connection->Run(R"sql(
DROP INDEX message_by_number; DROP INDEX message_by_feed; DROP INDEX message_open;
DROP TABLE search_index; DROP TABLE feed_counter; DROP TABLE feed_field; DROP TABLE feed_alert;
ALTER TABLE resource DROP COLUMN message; ALTER TABLE resource_version DROP COLUMN message;
ALTER TABLE message DROP COLUMN number; ALTER TABLE message DROP COLUMN first_received;
ALTER TABLE message DROP COLUMN attempts; ALTER TABLE message DROP COLUMN state;
ALTER TABLE message DROP COLUMN type; ALTER TABLE message DROP COLUMN cause;
ALTER TABLE message DROP COLUMN map_version; ALTER TABLE message DROP COLUMN resources;
ALTER TABLE message DROP COLUMN note; ALTER TABLE message DROP COLUMN replaced_by;
UPDATE store_schema SET version = 1;
)sql");
    ASSERT_TRUE(undone) << undone.error().detail;
  }
  Open();
  ASSERT_TRUE(store_);
  MessageQuery open;
  open.state = MessageState::kOpen;
  ASSERT_EQ(archive().List(open)->size(), 1u);
  EXPECT_EQ(archive().List(open)->front().control_id, "2");
  EXPECT_NE(archive().List(open)->front().number, 0u);
  EXPECT_EQ(archive().VersionsOf({"Goal", "g1"})->front().message, 0u);
  ASSERT_EQ(store_->PendingEntries(10)->size(), 1u);
  EXPECT_EQ(store_->PendingEntries(10)->front().id, "entry-0");
  EXPECT_EQ(store_->PendingEntries(10)->front().bytes, "{}");
  Commit(Message("3", "AA"), {NewWrite("Goal", "g2", "p1")});
}

// Counters stand in the transaction that they tell of: whenever the process dies, they agree with
// what is kept, and with what was acknowledged.
TEST_F(ArchiveTest, CountersAgreeWithWhatIsKeptAfterAKill) {
  store_.reset();
  uint64_t acknowledged = 0;
  for (int round = 0; round < 5; ++round) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      Open();
      for (int i = 0; i < 1'000'000; ++i) {
        const std::string id = std::to_string(round) + "." + std::to_string(i);
        const bool refused = i % 3 == 0;
        Transaction transaction;
        transaction.message = Message(id, refused ? "AE" : "AA", refused ? "204 PID-3" : "", i + 1);
        transaction.message->fields = {{false, "PID-30", "", ""}};
        if (!store_->Commit(std::move(transaction)) || write(ends[1], "x", 1) != 1) {
          _exit(1);
        }
      }
      _exit(1);
    }
    close(ends[1]);
    char buffer[4096];
    ssize_t count = read(ends[0], buffer, sizeof buffer);  // it is at work now
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + round * 13));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    for (; count > 0; count = read(ends[0], buffer, sizeof buffer)) {
      acknowledged += static_cast<uint64_t>(count);
    }
    close(ends[0]);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    Open();
    MessageQuery all;
    all.feed = "hospital";
    all.count = 1'000'000;
    const auto kept = archive().List(all);
    ASSERT_TRUE(kept);
    const FeedState feed = Feed();
    EXPECT_EQ(feed.received, kept->size());
    EXPECT_GE(feed.received, acknowledged);
    EXPECT_EQ(feed.received, feed.taken + feed.refused);
    EXPECT_EQ(feed.open, feed.refused);
    EXPECT_EQ(archive().Fields("hospital", 1)->front().count, feed.received);
    store_.reset();
  }
  EXPECT_GT(acknowledged, 5u);
}

}  // namespace
}  // namespace gw::store
