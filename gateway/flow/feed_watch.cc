#include "gateway/flow/feed_watch.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/flow/operations.h"

namespace gw::flow {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;
constexpr int64_t kDayUs = int64_t{24} * 60 * kMinuteUs;
// Messages that one step deletes, and steps of one look: a step keeps the writer for some
// milliseconds, and a backlog of a million is gone within the hour.
constexpr uint32_t kForgottenAtOnce = 100;
constexpr int kStepsAtOnce = 10;

}  // namespace

Status FeedWatch::Look() {
  const Instant now = parts_.clock.Now();
  const std::shared_ptr<const Mappings> mappings = parts_.mappings.Get();
  GW_TRY(std::vector<store::FeedState> states, parts_.store.archive().Feeds());
  GW_TRY(alerts_, parts_.store.archive().Alerts());
  for (const auto& [name, feed] : mappings->feeds) {
    AddFeed(name, &states);
  }
  for (const store::FeedState& state : states) {
    const FeedCare& care = mappings->CareOf(state.feed);
    // Since a restart nothing can have been heard before it; an alert that stands knows better.
    const Instant told = Since(state.feed, "silent");
    const Instant heard = told.unix_us != 0 && state.last_received <= told
                              ? state.last_received
                              : std::max(state.last_received, since_);
    const bool silent = care.silent_after_minutes != 0 && !state.feed.empty() &&
                        now.unix_us - heard.unix_us > care.silent_after_minutes * kMinuteUs;
    GW_RETURN_IF_ERROR(Tell(state.feed, "silent", silent, now));
    GW_RETURN_IF_ERROR(
        Tell(state.feed, "queue", care.queue_max != 0 && state.open > care.queue_max, now));
    GW_RETURN_IF_ERROR(Forget(state.feed, care, now));
  }
  return {};
}

Instant FeedWatch::Since(std::string_view feed, std::string_view condition) const {
  const auto told = std::find_if(alerts_.begin(), alerts_.end(), [&](const auto& alert) {
    return alert.feed == feed && alert.condition == condition;
  });
  return told == alerts_.end() ? Instant{} : told->since;
}

Status FeedWatch::Tell(const std::string& feed, std::string_view condition, bool holds,
                       Instant now) {
  if ((Since(feed, condition).unix_us != 0) == holds) {
    return {};
  }
  store::Transaction transaction;
  transaction.upkeep.alerts = {
      {feed, std::string(condition), holds ? now : Instant{}, /*raised=*/0}};
  GW_TRY(const store::Committed committed, journal_->Commit(std::move(transaction)));
  static_cast<void>(committed);
  log::Write(holds ? log::Level::kWarn : log::Level::kInfo, holds ? "feed.alert" : "feed.recovered",
             {{"feed", feed}, {"condition", condition}});
  return {};
}

Status FeedWatch::Forget(const std::string& feed, const FeedCare& care, Instant now) {
  bool more = care.retain_days != 0;
  for (int step = 0; more && step < kStepsAtOnce; ++step) {
    store::Transaction transaction;
    transaction.upkeep.pruning =
        store::Pruning{feed, Instant{now.unix_us - care.retain_days * kDayUs}, kForgottenAtOnce};
    GW_TRY(const store::Committed committed, journal_->Commit(std::move(transaction)));
    more = committed.pruned == kForgottenAtOnce;
  }
  return {};
}

}  // namespace gw::flow
