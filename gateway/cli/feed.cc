// caregate feed: what operators do with kept messages, on the store itself. What shows no person's
// data is read beside a running gateway; everything else takes the store and its access log for the
// moment, and is logged before it is told (docs/decisions/007-operations.md).
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <optional>

#include "gateway/base/crypto.h"
#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/deployment.h"
#include "gateway/cli/gateway.h"
#include "gateway/flow/operations_json.h"

namespace gw::cli {
namespace {

constexpr uint32_t kListedAtOnce = 10'000;

// The words of one call.
struct Asked {
  std::string verb;
  std::optional<uint64_t> number;
  std::optional<std::string> feed, cause, control_id, identifier, resource, state;
  std::string reason, file, from, until;
  // What they say together.
  flow::Selection selection;
  std::optional<store::MessageState> known_state;
};

// An empty value says something else than none.
std::optional<std::string> Given(Arguments* arguments, std::string_view name) {
  Arguments words = *arguments;
  return words.Flag(name) ? std::optional(arguments->Option(name)) : std::nullopt;
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Does the verb have what it needs?
bool IsWhole(const Asked& asked) {
  const bool many = asked.feed && asked.cause && !asked.number;
  if (asked.verb == "resubmit") {
    return many ? asked.file.empty() : asked.number.has_value();
  }
  if (asked.verb == "discard") {
    return (many || asked.number) && !IsBlank(asked.reason);
  }
  if (asked.verb == "show") {
    return asked.number.has_value();
  }
  if (asked.number) {
    return false;
  }
  if (asked.verb == "replay") {
    return asked.feed && asked.selection.from && asked.selection.until;
  }
  if (asked.verb == "trace") {
    return (asked.control_id ? 1 : 0) + (asked.identifier ? 1 : 0) + (asked.resource ? 1 : 0) ==
               1 &&
           (!asked.resource || asked.resource->find('/') != std::string::npos);
  }
  return asked.verb == "list" || asked.verb == "causes" || asked.verb == "messages" ||
         (asked.verb == "fields" && asked.feed);
}

// Moments and the state; false where one of them is none.
bool ReadSelection(Asked* asked) {
  flow::Selection& selection = asked->selection;
  selection.feed = asked->feed.value_or("");
  selection.cause = asked->cause;
  for (const auto& [text, moment] :
       {std::pair(&asked->from, &selection.from), std::pair(&asked->until, &selection.until)}) {
    *moment = flow::ParseMoment(*text);
    if (!text->empty() && !*moment) {
      PrintError("--from, --until: must be YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ");
      return false;
    }
  }
  if (selection.from && selection.until && !(*selection.from < *selection.until)) {
    PrintError("--until: must be after --from");
    return false;
  }
  asked->known_state = store::StateNamed(asked->state.value_or(""));
  return !asked->state || asked->known_state;
}

std::optional<Asked> Parse(Arguments* arguments) {
  Asked asked;
  asked.feed = Given(arguments, "--feed");
  asked.cause = Given(arguments, "--cause");
  asked.control_id = Given(arguments, "--control-id");
  asked.identifier = Given(arguments, "--identifier");
  asked.resource = Given(arguments, "--resource");
  asked.state = Given(arguments, "--state");
  asked.reason = arguments->Option("--reason");
  asked.file = arguments->Option("--file");
  asked.from = arguments->Option("--from");
  asked.until = arguments->Option("--until");
  std::string unknown;
  const std::vector<std::string> operands = arguments->Operands(&unknown);
  if (!unknown.empty() || operands.empty() || operands.size() > 2) {
    return std::nullopt;
  }
  asked.verb = operands[0];
  if (operands.size() == 2) {
    uint64_t number = 0;
    const char* end = operands[1].data() + operands[1].size();
    if (std::from_chars(operands[1].data(), end, number).ptr != end) {
      return std::nullopt;
    }
    asked.number = number;
  }
  return ReadSelection(&asked) && IsWhole(asked) ? std::optional(std::move(asked)) : std::nullopt;
}

int Print(const Result<std::string>& json) {
  if (!json) {
    PrintError(Describe(json.error()));
    return kRefused;
  }
  std::printf("%s\n", json->c_str());
  return kDone;
}

template <typename Row>
int PrintAll(const Result<std::vector<Row>>& rows) {
  if (!rows) {
    PrintError(Describe(rows.error()));
    return kRefused;
  }
  for (const Row& row : *rows) {
    std::printf("%s\n", flow::ToJson(row).c_str());
  }
  return kDone;
}

int PrintFeeds(const std::optional<std::string>& feed, const Config& config,
               store::Archive* archive) {
  auto states = archive->Feeds();
  const auto alerts = archive->Alerts();
  if (!states || !alerts) {
    return Print(states ? alerts.error() : states.error());
  }
  for (const std::string& path : config.feeds) {
    const Result<map::Feed> configured = map::ReadFeed(path);
    if (!configured) {
      return Print(configured.error());
    }
    flow::AddFeed(configured->name, &*states);
  }
  for (const store::FeedState& state : *states) {
    if (!feed || *feed == state.feed) {
      std::printf("%s\n", flow::ToJson(state, *alerts).c_str());
    }
  }
  return kDone;
}

int PrintMessages(const Asked& asked, store::Archive* archive) {
  store::MessageQuery query;
  query.feed = asked.feed;
  query.cause = asked.cause;
  query.control_id = asked.control_id;
  query.from = asked.selection.from;
  query.until = asked.selection.until;
  query.count = kListedAtOnce;
  query.state = asked.known_state;
  while (true) {
    const auto page = archive->List(query);
    if (const int printed = PrintAll(page); printed != kDone || page->size() < query.count) {
      return printed;
    }
    query.after = page->back().received;
    query.after_number = page->back().number;
  }
}

// As flow::Operations::RequireFeed. The files of feeds are read for a name without messages only,
// so that a broken one keeps nobody from looking.
Status RequireFeed(const std::string& name, const Config& config, store::Archive* archive) {
  Status kept = flow::RequireKeptFeed(name, archive);
  if (kept || kept.error().code != Code::kNotFound) {
    return kept;
  }
  for (const std::string& path : config.feeds) {
    GW_TRY(const map::Feed feed, map::ReadFeed(path));
    if (feed.name == name) {
      return {};
    }
  }
  return kept;
}

// Beside a running gateway. Empty where the verb is none of these.
std::optional<int> Look(const Asked& asked, const Config& config) {
  const bool reads = asked.verb == "list" || asked.verb == "causes" || asked.verb == "messages" ||
                     asked.verb == "fields";
  if (!reads) {
    return std::nullopt;
  }
  const auto archive = store::OpenArchive(config.store_path);
  if (!archive) {
    PrintError(Describe(archive.error()));
    return kCannotRun;
  }
  if (const Status known = RequireFeed(asked.selection.feed, config, archive->get()); !known) {
    PrintError(Describe(known.error()));
    return kRefused;
  }
  if (asked.verb == "list") {
    return PrintFeeds(asked.feed, config, archive->get());
  }
  if (asked.verb == "causes") {
    return PrintAll((*archive)->Causes(asked.feed));
  }
  if (asked.verb == "fields") {
    return PrintAll((*archive)->Fields(asked.feed.value_or(""), kListedAtOnce));
  }
  return PrintMessages(asked, archive->get());
}

// One call that is logged before its answer is told.
class Call {
 public:
  Call(const Asked& asked, Gateway* gateway)
      : asked_(asked), gateway_(gateway), who_("uid " + std::to_string(getuid())) {
    record_.recorded = gateway->clock.Now();
    record_.id = crypto::Uuid7(record_.recorded.unix_us / 1000);
    record_.kind = "operation";
    record_.action = "feed " + asked.verb;
    record_.client_id = "caregate feed";
    record_.subject = who_;
    record_.target = asked.number ? "message/" + std::to_string(*asked.number)
                     : asked.feed ? "feed/" + *asked.feed
                                  : "";
    record_.feed = asked.feed.value_or("");
    record_.status = 200;
  }

  int Run() {
    const Result<std::string> json = Answer();
    if (!json) {
      record_.outcome = "4";
      record_.reason = Describe(json.error());
    }
    const auto receipt = gateway_->journal->Append(record_, false);
    if (!receipt) {
      PrintError("the access log does not take it: " + Describe(receipt.error()));
      return kCannotRun;
    }
    const int printed = Print(json);
    return printed == kDone && refused_ ? kRefused : printed;
  }

 private:
  Result<std::string> Answer() {
    if (asked_.verb == "show" && asked_.number) {
      GW_TRY(const store::KeptMessage message,
             gateway_->operations->Open(*asked_.number, &record_));
      return flow::ToJson(message);
    }
    if (asked_.verb == "resubmit" && asked_.number) {
      GW_TRY(const flow::Taken taken, Resubmit(*asked_.number));
      refused_ = taken.outcome != "AA";
      return flow::ToJson(taken);
    }
    if (asked_.verb == "discard" && asked_.number) {
      GW_RETURN_IF_ERROR(gateway_->operations->Discard(*asked_.number, asked_.reason, who_));
      GW_TRY(const store::KeptMessage message, gateway_->store->archive().Open(*asked_.number));
      return flow::ToJson(message.entry);
    }
    if (asked_.verb == "trace") {
      return Trace();
    }
    return All();
  }

  Result<flow::Taken> Resubmit(uint64_t number) {
    if (asked_.file.empty()) {
      return gateway_->operations->Resubmit(number, who_);
    }
    GW_TRY(std::string bytes, ReadFile(asked_.file, Limits{}.body_bytes_max));
    return gateway_->operations->ResubmitEdited(number, std::move(bytes), who_);
  }

  Result<std::string> Trace() {
    Result<flow::Trace> trace = Traced();
    GW_RETURN_IF_ERROR(trace);
    record_.patients = trace->patients;
    for (const store::MessageEntry& message : trace->messages) {
      flow::RecordOpened(message, *gateway_->store, &record_);
    }
    return flow::ToJson(*trace);
  }

  Result<flow::Trace> Traced() {
    if (asked_.control_id) {
      return gateway_->operations->TraceControlId(*asked_.control_id);
    }
    if (asked_.identifier) {
      return gateway_->operations->TracePerson(*asked_.identifier);
    }
    const size_t slash = asked_.resource->find('/');
    return gateway_->operations->TraceResource(
        {asked_.resource->substr(0, slash), asked_.resource->substr(slash + 1)});
  }

  // Page after page; what is told is the sum.
  Result<std::string> All() {
    GW_RETURN_IF_ERROR(gateway_->operations->RequireFeed(asked_.selection.feed));
    flow::Selection selection = asked_.selection;
    flow::Batch sum;
    do {
      GW_TRY(const flow::Batch page, Page(selection));
      sum.taken += page.taken;
      sum.refused += page.refused;
      sum.unchanged += page.unchanged;
      sum.discarded += page.discarded;
      sum.versions += page.versions;
      sum.more = page.more;
      selection.after = page.after;
      selection.after_number = page.after_number;
    } while (sum.more);
    refused_ = sum.refused != 0;
    return flow::ToJson(sum);
  }

  Result<flow::Batch> Page(const flow::Selection& selection) {
    if (asked_.verb == "replay") {
      return gateway_->operations->Replay(selection, who_);
    }
    return asked_.verb == "resubmit"
               ? gateway_->operations->ResubmitAll(selection, who_)
               : gateway_->operations->DiscardAll(selection, asked_.reason, who_);
  }

  const Asked& asked_;
  Gateway* gateway_;
  const std::string who_;
  flow::AccessRecord record_;
  bool refused_ = false;
};

}  // namespace

int Feed(Arguments arguments) {
  const std::string path = arguments.Option("--config");
  const std::optional<Asked> asked = Parse(&arguments);
  if (path.empty() || !asked) {
    return Usage("feed");
  }
  Result<Config> config = ReadConfig(path);
  if (!config) {
    PrintError(Describe(config.error()));
    return kCannotRun;
  }
  if (const std::optional<int> looked = Look(*asked, *config)) {
    return *looked;
  }
  const uint16_t port = config->http_port;
  Gateway gateway(*std::move(config));
  if (const Status assembled = Assemble(&gateway); !assembled) {
    PrintError(Describe(assembled.error()) +
               " (beside a running gateway, ask it: see /admin in docs/operating.md)");
    return kCannotRun;
  }
  Connect(&gateway, port);
  const int code = Call(*asked, &gateway).Run();
  Close(&gateway);
  return code;
}

}  // namespace gw::cli
