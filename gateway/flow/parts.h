#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/access/access.h"
#include "gateway/access/label.h"
#include "gateway/audit/audit_log.h"
#include "gateway/base/clock.h"
#include "gateway/base/limits.h"
#include "gateway/fhir/search.h"
#include "gateway/flow/feed_care.h"
#include "gateway/map/feed.h"
#include "gateway/map/translate.h"
#include "gateway/store/access_index.h"
#include "gateway/store/store.h"
#include "gateway/validate/validator.h"

namespace gw::flow {

// All that one deployment's feeds and maps say. Replaced whole on SIGHUP, or kept whole.
struct Mappings {
  map::Translator translator;
  std::map<std::string, map::Feed, std::less<>> feeds;  // by name
  std::map<std::string, std::string, std::less<>>
      senders;         // "ASCCASE|X9903" (MSH-3.1|MSH-4.1) -> feed
  FeedCare care = {};  // of feeds that are not in feed_care
  std::map<std::string, FeedCare, std::less<>> feed_care = {};  // by name
  const FeedCare& CareOf(std::string_view feed) const {
    const auto found = feed_care.find(feed);
    return found == feed_care.end() ? care : found->second;
  }
};

// The mappings in force; a message keeps those it began with. Thread-safe.
class CurrentMappings {
 public:
  explicit CurrentMappings(std::shared_ptr<const Mappings> mappings)
      : mappings_(std::move(mappings)) {}
  std::shared_ptr<const Mappings> Get() const {
    const std::scoped_lock lock(mutex_);
    return mappings_;
  }
  void Set(std::shared_ptr<const Mappings> mappings) {
    const std::scoped_lock lock(mutex_);
    mappings_ = std::move(mappings);
  }

 private:
  mutable std::mutex mutex_;                  // guards mappings_
  std::shared_ptr<const Mappings> mappings_;  // shared: messages on their way keep the old ones
};

// What the two flows are made of: built by main.cc, immutable or locked inside, outlives the flows.
struct Parts {
  const fhir::Definitions& definitions;
  const fhir::SearchIndexer& indexer;
  const validate::Validator& validator;
  const access::Labeller& labeller;
  const access::Authenticator& authenticator;
  const access::PolicySettings& policy;
  CurrentMappings& mappings;
  store::Store& store;
  store::AccessIndex& access_index;
  audit::AuditLog& log;
  const Clock& clock;
  Limits limits;
  std::string base_url;     // "http://127.0.0.1:8080/fhir", without a slash at the end
  std::string source_name;  // AuditEvent.source, MSH-3 of answers: "caregate"
};

}  // namespace gw::flow
