#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "gateway/cli/gateway.h"
#include "gateway/flow/admin.h"

namespace gw::cli {

// Replaces mappings, feeds, senders and operations by what the configuration file says now, whole
// or not at all, and logs what came of it. A key that only a restart changes is refused by name.
// Thread-safe.
class ConfigReloader final : public flow::Reloader {
 public:
  // `gateway` is assembled before the first Reload, and outlives it.
  ConfigReloader(std::string path, Gateway* gateway) : path_(std::move(path)), gateway_(gateway) {}
  Status Reload() override;

 private:
  Status Load();

  const std::string path_;
  Gateway* gateway_;
  std::mutex mutex_;  // one at a time
};

}  // namespace gw::cli
