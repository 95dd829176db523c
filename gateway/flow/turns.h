#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <set>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/flow/identify.h"

namespace gw::flow {

// Another message changed the same resource, or claimed the same identifier, between reading and
// commit: the message is taken again from its start.
bool LostRace(const Status& admitted);

// Messages that change the same person, or anything else that is the same, at the same time: most
// never meet, so each tries at once; who lost kAttemptsAtOnce times waits for its turn, by the
// identifiers of what it changes. Thread-safe.
class Turns {
 public:
  // One message's place. For one thread.
  class Turn {
   public:
    explicit Turn(Turns* turns) : turns_(turns) {}
    // What the message is about to change.
    void Note(const Identified& identified);
    // Returns when nobody else has a turn at any of what was noted so far, and keeps it.
    void Wait();

   private:
    Turns* turns_;
    std::set<size_t> noted_;  // places in turns_->taken_
    std::vector<std::unique_lock<std::mutex>> held_;
  };

  static constexpr int kAttemptsAtOnce = 2;
  static constexpr int kAttemptsMax = 16;

 private:
  std::array<std::mutex, 256> taken_;  // each: the turn at the identifiers whose hash is its place
};

// Calls attempt(&turn) until it loses no race. Errors: the attempt's; kBusy where it lost
// kAttemptsMax times: the sender is to send the message again.
template <typename Attempt>
Status TakeTurns(Turns* turns, const Attempt& attempt) {
  Turns::Turn turn(turns);
  for (int made = 0; made < Turns::kAttemptsMax; ++made) {
    if (made >= Turns::kAttemptsAtOnce) {
      turn.Wait();
    }
    Status admitted = attempt(&turn);
    if (!LostRace(admitted)) {
      return admitted;
    }
  }
  return Error{Code::kBusy, "others change the same at the same time: send it again", "", 0};
}

}  // namespace gw::flow
