#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/access/access.h"
#include "gateway/audit/audit_log.h"
#include "gateway/base/result.h"
#include "gateway/flow/access_record.h"
#include "gateway/flow/admin.h"
#include "gateway/flow/ingest.h"
#include "gateway/flow/journal.h"
#include "gateway/flow/parts.h"
#include "gateway/rest/format.h"
#include "gateway/rest/interaction.h"
#include "gateway/rest/reply.h"

namespace gw::flow {

// An answer to a request. It can be made only of what consent let through and of the proof that the
// log has it: forging either does not compile.
class Response {
 public:
  // What an operation answers: JSON that is no FHIR.
  Response(const access::Disclosure& disclosure, const audit::Receipt& receipt);
  Response(const access::Disclosure& disclosure, const audit::Receipt& receipt, rest::Reply reply,
           const fhir::Definitions& definitions);
  int status() const { return status_; }
  const std::vector<std::pair<std::string, std::string>>& headers() const { return headers_; }
  const std::string& body() const { return body_; }
  std::string_view media_type() const {  // of the body
    return operation_ ? std::string_view("application/json") : rest::MediaTypeOf(format_);
  }

 private:
  int status_ = 200;
  bool operation_ = false;
  rest::Format format_ = rest::Format::kJson;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string body_;
};

// THE WAY OF A REQUEST: authenticate, parse, authorize, run, consent, log, respond. Thread-safe.
class Exchange {
 public:
  Exchange(const Parts& parts, Ingest* ingest, Journal* journal);
  ~Exchange();
  // Before the first request: from now on operators are served too. `admin` must outlive it.
  void Offer(Admin* admin) { admin_ = admin; }

  // Every request leaves one entry in the access log before its answer.
  // Errors: kUnavailable where the log does not take it: then nothing is answered but 503.
  Result<Response> Handle(const rest::Request& request);
  // A request whose framing the edge refused: the same, with that refusal as its answer.
  Result<Response> Refuse(const rest::Request& request, const Error& error);

 private:
  struct Answer;
  Result<Answer> Run(const rest::Request& request, AccessRecord* record);
  Result<Answer> AnswerAnyone(const rest::Request& request, AccessRecord* record);
  Result<Response> Operate(const rest::Request& request, AccessRecord record);
  Result<Response> Refused(const rest::Request& request, const Error& error, AccessRecord record);
  void RecordWithheld(AccessRecord* record) const;

  const Parts& parts_;
  Ingest* ingest_;
  Journal* journal_;
  std::unique_ptr<class ConsentBook> consents_;
  Admin* admin_ = nullptr;
};

}  // namespace gw::flow
