// Sends messages over N MLLP connections for some seconds, each after the answer to the one before,
// and says how many were acknowledged AA and how long an answer took.
//   mllp_load HOST PORT CONNECTIONS SECONDS FILE
// FILE is one message in which @N@ is replaced by a number of its own each time, so that every
// message is new.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "gateway/edge/mllp_sender.h"

namespace {

using SteadyClock = std::chrono::steady_clock;

std::string Numbered(std::string text, uint64_t number) {
  const std::string digits = std::to_string(number);
  for (size_t at = text.find("@N@"); at != std::string::npos; at = text.find("@N@", at)) {
    text.replace(at, 3, digits);
  }
  return text;
}

struct Tally {
  uint64_t accepted = 0;
  uint64_t refused = 0;
  std::vector<double> milliseconds;
};

void Send(const std::string& host, uint16_t port, const std::string& text,
          SteadyClock::time_point end, std::atomic<uint64_t>* number, Tally* tally) {
  auto sender = gw::edge::MllpSender::Connect(host, port, 30'000);
  while (sender && SteadyClock::now() < end) {
    const std::string message = Numbered(text, ++*number);
    const auto start = SteadyClock::now();
    const auto answers = (*sender)->Send(message);
    if (!answers || answers->empty()) {
      ++tally->refused;
      return;
    }
    const std::chrono::duration<double, std::milli> taken = SteadyClock::now() - start;
    tally->milliseconds.push_back(taken.count());
    const std::string& answer = answers->back();
    const bool accepted = answer.find("MSA|AA") != std::string::npos ||
                          answer.find("MSA|CA") != std::string::npos;  // the enhanced mode's
    ++(accepted ? tally->accepted : tally->refused);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: mllp_load HOST PORT CONNECTIONS SECONDS FILE\n");
    return 2;
  }
  const auto connections = static_cast<size_t>(std::atoi(argv[3]));
  const int seconds = std::atoi(argv[4]);
  std::ifstream file(argv[5], std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  // Numbers go on from run to run, so that a second run sends no repeats.
  std::atomic<uint64_t> number = static_cast<uint64_t>(
      std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1) * 1000);
  std::vector<Tally> tallies(connections);
  std::vector<std::thread> threads;
  const auto start = SteadyClock::now();
  const auto end = start + std::chrono::seconds(seconds);
  for (Tally& tally : tallies) {
    threads.emplace_back(Send, argv[1], static_cast<uint16_t>(std::atoi(argv[2])), text.str(), end,
                         &number, &tally);
  }
  Tally all;
  for (size_t index = 0; index < connections; ++index) {
    threads[index].join();
    all.accepted += tallies[index].accepted;
    all.refused += tallies[index].refused;
    all.milliseconds.insert(all.milliseconds.end(), tallies[index].milliseconds.begin(),
                            tallies[index].milliseconds.end());
  }
  const std::chrono::duration<double> taken = SteadyClock::now() - start;
  std::sort(all.milliseconds.begin(), all.milliseconds.end());
  const auto at = [&](double share) {
    return all.milliseconds.empty()
               ? 0.0
               : all.milliseconds[static_cast<size_t>(
                     share * static_cast<double>(all.milliseconds.size() - 1))];
  };
  std::printf("%.0f %.2f %.2f %llu\n", static_cast<double>(all.accepted) / taken.count(), at(0.5),
              at(0.99), static_cast<unsigned long long>(all.refused));
  return all.accepted == 0 ? 1 : 0;
}
