// What operators read: none of it is on the way of a message, so statements are prepared when they
// are asked for, on one connection.
#include <mutex>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/store/archive.h"
#include "gateway/store/shard_key.h"
#include "gateway/store/sqlite_connection.h"
#include "gateway/store/sqlite_schema.h"

namespace gw::store {
namespace {

#define GW_STORE_MESSAGE                                                         \
  "number, feed, sender, control_id, type, outcome, state, cause, reason, note," \
  " replaced_by, map_version, entry_id, resources, first_received, received, attempts"
constexpr int kMessageColumns = 17;

// Open messages are looked into for some bytes up to so many: they are few where operators do their
// work, and this is no search engine.
constexpr int64_t kLookedIntoMax = 10'000;

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = text.find(' ');
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

uint64_t Unsigned(const Execution& row, int column) {
  return static_cast<uint64_t>(row.IntAt(column));
}

MessageEntry EntryAt(const Execution& row) {
  MessageEntry entry;
  entry.number = Unsigned(row, 0);
  entry.feed = row.TextAt(1);
  entry.sender = row.TextAt(2);
  entry.control_id = row.TextAt(3);
  entry.type = row.TextAt(4);
  entry.outcome = row.TextAt(5);
  entry.state = static_cast<MessageState>(row.IntAt(6));
  entry.cause = row.TextAt(7);
  entry.reason = row.TextAt(8);
  entry.note = row.TextAt(9);
  entry.replaced_by = Unsigned(row, 10);
  entry.map_version = row.TextAt(11);
  entry.entry_id = row.TextAt(12);
  entry.resources = Words(row.TextAt(13));
  entry.first_received.unix_us = row.IntAt(14);
  entry.received.unix_us = row.IntAt(15);
  entry.attempts = Unsigned(row, 16);
  return entry;
}

class SqliteArchive final : public Archive {
 public:
  explicit SqliteArchive(Connection connection) : connection_(std::move(connection)) {}

  Result<std::vector<FeedState>> Feeds() override {
    return All<FeedState>(
        "SELECT c.feed, c.received, c.taken, c.refused, c.repeated, c.replayed, c.replaced,"
        " c.discarded, c.pruned, c.versions, c.last_received, c.last_taken, count(m.number),"
        " coalesce(min(m.received), 0) FROM feed_counter c"
        " LEFT JOIN message m ON m.feed = c.feed AND m.state = 1 GROUP BY c.feed ORDER BY c.feed",
        [](Execution*) {},
        [](const Execution& row) {
          FeedState state;
          state.feed = row.TextAt(0);
          uint64_t* const counters[] = {&state.received,  &state.taken,    &state.refused,
                                        &state.repeated,  &state.replayed, &state.replaced,
                                        &state.discarded, &state.pruned,   &state.versions};
          int column = 1;
          for (uint64_t* counter : counters) {
            *counter = Unsigned(row, column++);
          }
          state.last_received.unix_us = row.IntAt(10);
          state.last_taken.unix_us = row.IntAt(11);
          state.open = Unsigned(row, 12);
          state.oldest_open.unix_us = row.IntAt(13);
          return state;
        });
  }

  Result<std::vector<FeedAlert>> Alerts() override {
    return All<FeedAlert>(
        "SELECT feed, condition, since, raised FROM feed_alert ORDER BY feed, condition",
        [](Execution*) {},
        [](const Execution& row) {
          return FeedAlert{std::string(row.TextAt(0)), std::string(row.TextAt(1)),
                           Instant{row.IntAt(2)}, Unsigned(row, 3)};
        });
  }

  Result<std::vector<CauseGroup>> Causes(const std::optional<std::string>& feed) override {
    const std::string where = feed ? " AND feed = ?1" : "";
    return All<CauseGroup>(
        "SELECT feed, cause, min(reason), count(*), min(received), max(received) FROM message"
        " WHERE state = 1" +
            where + " GROUP BY feed, cause ORDER BY count(*) DESC, feed, cause",
        [&](Execution* run) {
          if (feed) {
            run->Text(*feed);
          }
        },
        [](const Execution& row) {
          return CauseGroup{std::string(row.TextAt(0)), std::string(row.TextAt(1)),
                            std::string(row.TextAt(2)), Unsigned(row, 3),
                            Instant{row.IntAt(4)},      Instant{row.IntAt(5)}};
        });
  }

  Result<std::vector<MessageEntry>> List(const MessageQuery& query) override {
    // Each condition names its own value: what is not asked is not in the text, so that the index
    // of what is asked is taken.
    std::string where = "(received, number) > (?1, ?2)";
    int bound = 2;
    const auto add = [&](bool asked, const char* condition) {
      if (asked) {
        where += std::string(" AND ") + condition + "?" + std::to_string(++bound);
      }
    };
    // One control id is few messages, a feed is all of its: the sign keeps the index of feeds away.
    add(query.feed.has_value(), query.control_id ? "+feed = " : "feed = ");
    add(query.control_id.has_value(), "control_id = ");
    add(query.sender.has_value(), "sender = ");
    add(query.cause.has_value(), "cause = ");
    add(query.from.has_value(), "received >= ");
    add(query.until.has_value(), "received < ");
    add(query.digest.has_value(), "digest = ");
    if (query.state) {
      // In the text: the index of open messages serves only who says so.
      where += " AND state = " + std::to_string(static_cast<int>(*query.state));
    }
    if (!query.holds.empty()) {
      where +=
          " AND number IN (SELECT number FROM message WHERE state = 1"
          " ORDER BY received DESC LIMIT " +
          std::to_string(kLookedIntoMax) + ") AND instr(bytes, ?" + std::to_string(++bound) +
          ") > 0";
    }
    return All<MessageEntry>(
        "SELECT " GW_STORE_MESSAGE " FROM message WHERE " + where +
            " ORDER BY received, number LIMIT ?" + std::to_string(bound + 1),
        [&](Execution* run) { Bind(query, run); }, EntryAt);
  }

  Result<KeptMessage> Open(uint64_t number) override {
    GW_TRY(std::vector<KeptMessage> found,
           All<KeptMessage>(
               "SELECT " GW_STORE_MESSAGE ", bytes, answer, remarks FROM message WHERE number = ?1",
               [&](Execution* run) { run->Int(static_cast<int64_t>(number)); },
               [](const Execution& row) {
                 return KeptMessage{EntryAt(row), std::string(row.BlobAt(kMessageColumns)),
                                    std::string(row.BlobAt(kMessageColumns + 1)),
                                    std::string(row.TextAt(kMessageColumns + 2))};
               }));
    if (found.empty()) {
      return Error{Code::kNotFound, "no message of this number is kept", "message"};
    }
    return std::move(found.front());
  }

  Result<std::vector<FieldCount>> Fields(std::string_view feed, uint32_t count) override {
    return All<FieldCount>(
        "SELECT feed, unmapped, place, system, code, count, last_seen FROM feed_field"
        " WHERE feed = ?1 ORDER BY count DESC, place, code LIMIT ?2",
        [&](Execution* run) { run->Text(feed).Int(count); },
        [](const Execution& row) {
          return FieldCount{std::string(row.TextAt(0)),
                            FieldNote{row.IntAt(1) != 0, std::string(row.TextAt(2)),
                                      std::string(row.TextAt(3)), std::string(row.TextAt(4))},
                            Unsigned(row, 5), Instant{row.IntAt(6)}};
        });
  }

  Result<std::vector<VersionOrigin>> VersionsOf(const fhir::Key& key) override {
    GW_TRY(const std::vector<int64_t> home,
           All<int64_t>(
               "SELECT patient_key FROM resource_home WHERE id = ?1 AND type = ?2",
               [&](Execution* run) { run->Text(key.id).Text(key.type); },
               [](const Execution& row) { return row.IntAt(0); }));
    if (home.empty()) {
      return Error{Code::kNotFound, "no such resource", "store"};
    }
    return All<VersionOrigin>(
        "SELECT type, id, version, last_updated, message FROM resource"
        " WHERE patient_key = ?1 AND type = ?2 AND id = ?3 UNION ALL"
        " SELECT type, id, version, last_updated, message FROM resource_version"
        " WHERE patient_key = ?1 AND type = ?2 AND id = ?3 ORDER BY 3 DESC",
        [&](Execution* run) { run->Int(home.front()).Text(key.type).Text(key.id); }, OriginAt);
  }

  Result<std::vector<VersionOrigin>> RecordOf(std::string_view patient, uint32_t count) override {
    return All<VersionOrigin>(
        "SELECT type, id, version, last_updated, message FROM resource WHERE patient_key = ?1"
        " ORDER BY last_updated DESC, type, id LIMIT ?2",
        [&](Execution* run) { run->Int(PatientKey(patient)).Int(count); }, OriginAt);
  }

  Result<std::vector<std::string>> PatientsNamed(std::string_view system,
                                                 std::string_view value) override {
    const auto id = [](const Execution& row) { return std::string(row.TextAt(0)); };
    if (!system.empty()) {
      return All<std::string>(
          "SELECT id FROM identifier"
          " WHERE value = ?1 AND type = 'Patient' AND system = ?2 AND claimed",
          [&](Execution* run) { run->Text(value).Text(system); }, id);
    }
    return All<std::string>(
        "SELECT DISTINCT id FROM identifier WHERE value = ?1 AND type = 'Patient'",
        [&](Execution* run) { run->Text(value); }, id);
  }

 private:
  static VersionOrigin OriginAt(const Execution& row) {
    return VersionOrigin{{std::string(row.TextAt(0)), std::string(row.TextAt(1))},
                         Unsigned(row, 2),
                         Instant{row.IntAt(3)},
                         Unsigned(row, 4)};
  }

  static void Bind(const MessageQuery& query, Execution* run) {
    run->Int(query.after.unix_us).Int(static_cast<int64_t>(query.after_number));
    for (const auto* text : {&query.feed, &query.control_id, &query.sender, &query.cause}) {
      if (*text) {
        run->Text(**text);
      }
    }
    for (const auto* moment : {&query.from, &query.until}) {
      if (*moment) {
        run->Int((*moment)->unix_us);
      }
    }
    if (query.digest) {
      run->Blob(crypto::AsBytes(*query.digest));
    }
    if (!query.holds.empty()) {
      run->Blob(query.holds);
    }
    run->Int(query.count);
  }

  template <typename Row, typename Values, typename Read>
  Result<std::vector<Row>> All(const std::string& sql, const Values& bind, const Read& read) {
    const std::lock_guard lock(mutex_);
    GW_TRY(Statement statement, connection_.Prepare(sql));
    Execution run(statement);
    bind(&run);
    std::vector<Row> rows;
    while (true) {
      GW_TRY(const bool more, run.Step());
      if (!more) {
        return rows;
      }
      rows.push_back(read(run));
    }
  }

  std::mutex mutex_;  // guards connection_
  Connection connection_;
};
#undef GW_STORE_MESSAGE

}  // namespace

std::string_view NameOf(MessageState state) {
  switch (state) {
    case MessageState::kDone:
      return "done";
    case MessageState::kOpen:
      return "open";
    case MessageState::kReplaced:
      return "replaced";
    case MessageState::kDiscarded:
      return "discarded";
  }
  return "done";
}

std::optional<MessageState> StateNamed(std::string_view name) {
  for (const MessageState state : {MessageState::kDone, MessageState::kOpen,
                                   MessageState::kReplaced, MessageState::kDiscarded}) {
    if (NameOf(state) == name) {
      return state;
    }
  }
  return std::nullopt;
}

Result<std::unique_ptr<Archive>> OpenArchive(const std::string& path) {
  GW_TRY(Connection connection, Connection::Open(path, Connection::Mode::kReader));
  GW_TRY(const StoreIdentity identity, ReadIdentity(&connection));
  static_cast<void>(identity);
  return std::unique_ptr<Archive>(std::make_unique<SqliteArchive>(std::move(connection)));
}

}  // namespace gw::store
