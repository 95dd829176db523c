#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/flow/exchange.h"
#include "gateway/flow/ingest.h"
#include "gateway/flow/journal.h"
#include "gateway/flow/parts.h"
#include "tests/temp_folder.h"

namespace gw::flow {

// Who asks, in the claims of a token.
struct Caller {
  std::string client = "surgery";
  std::string organization = "X9902";
  std::string role = "doctor";
  std::string purpose = "TREAT";
  std::string patient;
  std::string scope = "system/*.cruds";
};

// The real parts of a gateway without its edges: store, log, maps and all, in a folder of its own.
class TestGateway {
 public:
  // `wrap` may put something between the flows and the store.
  explicit TestGateway(const std::string& folder, std::unique_ptr<store::Store> (*wrap)(
                                                      std::unique_ptr<store::Store>) = nullptr);
  ~TestGateway();

  std::string Token(const Caller& caller) const;
  rest::Request Ask(std::string method, std::string target, const Caller& caller,
                    std::string body = {}) const;
  // The application's acknowledgment of one message, as its sender gets it.
  std::string Acknowledge(std::string message);
  // Handles the request; fails the test where there is no answer.
  Response Answer(const rest::Request& request);
  // GET, and the body as a tree.
  Json Get(const std::string& target, const Caller& caller);
  // Stores a resource as ingestion would, past every check of who may write.
  void Put(const std::string& json);
  std::vector<AccessRecord> Records();

  Parts& parts() { return *parts_; }
  Ingest& ingest() { return *ingest_; }
  Exchange& exchange() { return *exchange_; }
  Journal& journal() { return *journal_; }
  audit::AuditLog& log() { return *log_; }

 private:
  SystemClock clock_;
  std::optional<access::Labeller> labeller_;
  std::optional<access::Authenticator> authenticator_;
  access::PolicySettings policy_;
  std::optional<CurrentMappings> mappings_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::AccessIndex> access_index_;
  std::unique_ptr<audit::AuditLog> log_;
  std::optional<Parts> parts_;
  std::optional<Journal> journal_;
  std::optional<Ingest> ingest_;
  std::optional<Exchange> exchange_;
};

// The number of resources on a searchset page, outcomes aside.
size_t MatchesOn(const Json& bundle);

// A file of the project as text.
std::string ProjectFile(const std::string& path);

}  // namespace gw::flow
