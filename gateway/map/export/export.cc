#include "gateway/map/export/export.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/base/percent.h"
#include "gateway/hl7v2/charset_writer.h"
#include "gateway/map/change/internal.h"
#include "gateway/map/csv/writer.h"
#include "gateway/map/export/consent_internal.h"
#include "gateway/map/export/labels_internal.h"
#include "gateway/map/export/load_internal.h"

namespace gw::map {
namespace {

using fhir::Element;
using fhir::Resource;

constexpr std::string_view kV2Maps = "urn:caregate:map:fhir-to-hl7v2/message/";
constexpr std::string_view kMaps = "urn:caregate:map:";
constexpr std::string_view kIdPrefix = "urn:caregate:id:";
constexpr size_t kControlIdDigits = 18;  // MSH-10 has 20 characters up to 2.6; "CG" goes before

// Words that stand for a kind of thing in identifier systems (decision 9), and are no CX.5.
bool IsKind(std::string_view type) {
  for (const std::string_view kind :
       {"plan", "goal", "problem", "condition", "consent", "doc", "visit", "order", "team",
        "person", "organization", "variance", "obs", "review", "role"}) {
    if (kind == type) {
      return true;
    }
  }
  return false;
}

// Authority and type of an identifier system: the destination's, the national ones, or the parts of
// urn:caregate:id:<authority>:<type>; any other system is its own authority.
std::pair<std::string, std::string> AuthorityOf(std::string_view system,
                                                const Destination& destination) {
  std::string key;
  for (const auto& [name, uri] : destination.identifier_systems) {
    if (uri == system) {
      key = name;
      break;
    }
  }
  if (key.empty() && system == kNhsNumberSystem) {
    key = "NHS:NH";
  }
  if (key.empty() && system == kOdsSystem) {
    key = "ODS:XX";
  }
  if (key.empty() && system.starts_with(kIdPrefix)) {
    key = PercentDecoded(system.substr(kIdPrefix.size()));
  }
  if (key.empty()) {
    return {std::string(system), ""};
  }
  const size_t colon = key.rfind(':');
  const std::string type = colon == key.npos ? "" : key.substr(colon + 1);
  return {key.substr(0, colon), IsKind(type) ? "" : type};
}

std::string MapUrl(const Destination& destination) {
  return destination.map.starts_with("urn:") ? destination.map
                                             : std::string(kMaps) + destination.map;
}

// Sets `path` ("f3.c1") below a segment, where the map left it empty.
Status Fill(Element* segment, std::string_view path, std::string_view text) {
  const size_t dot = path.find('.');
  const std::string_view name = path.substr(0, dot);
  Element* child = segment->Child(name);
  if (text.empty() || (child != nullptr && dot == path.npos)) {
    return {};
  }
  if (dot == path.npos) {
    GW_RETURN_IF_ERROR(segment->Add(name, text));
    return {};
  }
  if (child == nullptr) {
    GW_TRY(child, segment->Add(name));
  }
  return Fill(child, path.substr(dot + 1), text);
}

Result<Element*> SegmentOf(Element* message, std::string_view name) {
  Element* segment = message->Child(name);
  if (segment != nullptr) {
    return segment;
  }
  return message->Add(name);
}

// GOL-2 and PRB-2, required: when it was done what the message tells of; where nobody says so, now.
Status FillActionTimes(Element* group, const std::string& sent) {
  for (Element* child = group->first_child(); child != nullptr; child = child->next()) {
    const bool is_segment = child->name() == child->type().name();
    if (!is_segment) {
      GW_RETURN_IF_ERROR(FillActionTimes(child, sent));
    } else if (child->name() == "GOL" || child->name() == "PRB") {
      GW_RETURN_IF_ERROR(Fill(child, "f2", sent));
    }
  }
  return {};
}

// Is there a segment of that name, in whatever group?
bool HasSegment(const Element& group, std::string_view name) {
  for (const Element* child = group.first_child(); child != nullptr; child = child->next()) {
    const bool is_segment = child->name() == child->type().name();
    if (is_segment ? child->name() == name : HasSegment(*child, name)) {
      return true;
    }
  }
  return false;
}

// Each structure that is sent has a PID (2.9), and PID is of a Patient of the Bundle. What is of
// somebody else, or of nobody, would reach the receiver as nobody's, or as the person of the
// message before.
Status CheckPerson(const Element& message, const Outbound::Entry& focus) {
  if (HasSegment(message, "PID")) {
    return {};
  }
  const bool has_subject = focus.resource->type().Find("subject") != nullptr;
  return Error{Code::kUnprocessable, "whose it is does not stand in the Bundle: no PID says it",
               focus.label + (has_subject ? ".subject" : ".patient")};
}

struct Envelope {
  const Destination* destination;
  const Planned* planned;
  std::string control_id;
  std::string sent;  // dateTime
};

// MSH, and EVN where the structure has it: what is not the map's to say.
Status FillEnvelope(const Envelope& envelope, Element* message) {
  const Destination& to = *envelope.destination;
  const Planned& planned = *envelope.planned;
  GW_TRY(Element * msh, SegmentOf(message, "MSH"));
  const bool has_structure = VersionNumber(to.version) >= VersionNumber("2.3.1");
  const std::pair<std::string_view, std::string_view> fields[] = {
      {"f3.c1", to.sending_application},
      {"f4.c1", to.sending_facility},
      {"f5.c1", to.receiving_application},
      {"f6.c1", to.receiving_facility},
      {"f7", envelope.sent},
      {"f9.c1", planned.code},
      {"f9.c2", planned.event},
      {"f9.c3", has_structure ? std::string_view(planned.structure) : std::string_view()},
      {"f10", envelope.control_id},
      {"f11.c1", to.processing_id},
      {"f12.c1", to.version},
      {"f18", hl7v2::Table0211Name(to.charset)}};
  for (const auto& [path, text] : fields) {
    GW_RETURN_IF_ERROR(Fill(msh, path, text));
  }
  if (message->type().Find("EVN") != nullptr) {
    GW_TRY(Element * evn, SegmentOf(message, "EVN"));
    const bool has_event = VersionNumber(to.version) < VersionNumber("2.7");  // EVN-1, withdrawn
    GW_RETURN_IF_ERROR(Fill(evn, "f1", has_event ? planned.event : std::string()));
    GW_RETURN_IF_ERROR(Fill(evn, "f2", envelope.sent));
  }
  return FillActionTimes(message, envelope.sent);
}

std::string SentAt(Instant now) {
  const std::string instant = FormatInstant(now);
  return instant.substr(0, 19) + "Z";
}

// One export: its input, prepared, and its receiver.
class Run {
 public:
  Run(const Exporter::Parts& parts, Outbound outbound, const Destination& destination, Instant now)
      : parts_(parts), outbound_(std::move(outbound)), destination_(destination), now_(now) {
    FillTables();
  }

  Result<Export> ToV2() {
    Export result;
    const std::vector<Planned> planned = PlanMessages(outbound_.entries());
    for (const Planned& message : planned) {
      const bool is_taken = destination_.messages.empty() ||
                            std::find(destination_.messages.begin(), destination_.messages.end(),
                                      message.code) != destination_.messages.end();
      const std::string& label = outbound_.entries()[message.focus.front()].label;
      if (!is_taken) {
        result.remarks.push_back({'W', "not-sent", label, "the receiver takes no such message"});
        continue;
      }
      auto made = Make(message);
      if (!made && made.error().code == Code::kInternal) {
        return made.error();
      }
      result.messages.push_back(std::move(made));
    }
    for (const Error& refused : outbound_.refused()) {
      result.messages.emplace_back(refused);
    }
    for (const auto& [place, error] : left_out_) {
      result.messages.emplace_back(error);
    }
    ListRest(&result);
    return result;
  }

  Result<Export> ToCsv(const RowModel& model) {
    Export result;
    std::vector<size_t> all(outbound_.entries().size());
    for (size_t i = 0; i < all.size(); ++i) {
      all[i] = i;
    }
    std::set<size_t> without;
    Part part;
    for (bool is_whole = false; !is_whole;) {
      GW_TRY(part, Map(MapUrl(destination_), all, without, "csv"));
      is_whole = part.labels.unsaid.empty();
      LeaveOut(part.labels.unsaid, part.labels.told, &without);
    }
    outbound_.Merge(part.from, part.mapped->unread, *part.cut);
    Mapped mapped = std::move(*part.mapped);
    result.remarks = std::move(mapped.remarks);
    for (const auto& [place, error] : left_out_) {
      result.remarks.push_back({'E', "not-sent", error.where, error.detail});
    }
    const size_t remarked = result.remarks.size();
    GW_TRY(result.csv,
           WriteCsv(mapped.target.root(), model.feed.columns, destination_, &result.remarks));
    const size_t refused = result.remarks.size() - remarked;
    result.rows = mapped.target.root().Count("row") - static_cast<uint32_t>(refused);
    for (const Error& unsaid : outbound_.refused()) {
      result.remarks.push_back({'W', "not-sent", unsaid.where, unsaid.detail});
    }
    result.unread = outbound_.Unread();
    return result;
  }

 private:
  // What a map made of some entries.
  struct Part {
    std::optional<Resource> cut;
    std::vector<size_t> from;
    std::optional<Mapped> mapped;
    LabelsSaid labels;
  };

  Result<Part> Map(const std::string& map, const std::vector<size_t>& focus,
                   const std::set<size_t>& without, const std::string& seed) const {
    Part part;
    GW_TRY(part.cut, outbound_.Cut(focus, without, &part.from));
    GW_TRY(part.mapped, parts_.plan.Run(map, part.cut->root(), Options(seed)));
    part.labels = CheckLabels(outbound_, part.from, *part.cut, *part.mapped);
    return part;
  }

  // What carries a label that cannot be said, and what cannot speak without it.
  void LeaveOut(const std::vector<UnsaidLabel>& unsaid, const std::set<size_t>& told,
                std::set<size_t>* without) {
    for (const UnsaidLabel& one : unsaid) {
      left_out_.emplace(one.error.where, one.error);
      for (const size_t index : outbound_.WithReferrers(one.entry)) {
        const std::string& label = outbound_.entries()[index].label;
        if (without->insert(index).second && index != one.entry && told.contains(index)) {
          left_out_.emplace(
              label, Error{Code::kUnprocessable, "it leads to what is not sent: " + one.error.where,
                           label});
        }
      }
    }
  }

  // A message without what it would send unlabelled; refused where that is what it is about.
  Result<ExportedMessage> Make(const Planned& planned) {
    std::set<size_t> without;
    for (;;) {
      LabelsSaid labels;
      auto message = MakeWithout(planned, without, &labels);
      if (labels.unsaid.empty()) {
        return message;
      }
      for (const UnsaidLabel& one : labels.unsaid) {
        const std::set<size_t> gone = outbound_.WithReferrers(one.entry);
        if (std::any_of(planned.focus.begin(), planned.focus.end(),
                        [&gone](const size_t index) { return gone.contains(index); })) {
          return one.error;
        }
      }
      LeaveOut(labels.unsaid, labels.told, &without);
    }
  }

  // `labels` takes what it does not say: then there is no message.
  Result<ExportedMessage> MakeWithout(const Planned& planned, const std::set<size_t>& without,
                                      LabelsSaid* labels) {
    ExportedMessage message;
    const Outbound::Entry& focus = outbound_.entries()[planned.focus.front()];
    message.focus = focus.label;
    message.type = planned.code + "^" + planned.event;
    GW_TRY(const std::vector<ConsentRowsExpected> consents, ConsentsOf(planned));
    const std::string seed = destination_.name + "|" + message.type + "|" + focus.url + "|" +
                             FormatInstant(now_) + "|" + focus.label;
    GW_TRY(Part part, Map(std::string(kV2Maps) + planned.structure, planned.focus, without, seed));
    GW_RETURN_IF_ERROR(outbound_.CheckNamed(part.from, part.mapped->unread, *part.cut));
    Mapped mapped = std::move(*part.mapped);
    message.control_id = ControlId(seed);
    Element* root = &mapped.target.root();
    GW_RETURN_IF_ERROR(CheckPerson(*root, focus));
    GW_RETURN_IF_ERROR(
        FillEnvelope({&destination_, &planned, message.control_id, SentAt(now_)}, root));
    message.remarks = std::move(mapped.remarks);
    message.unmapped = std::move(mapped.unmapped);
    for (Unmapped& unmapped : message.unmapped) {
      unmapped.where = outbound_.PlaceIn(part.from, unmapped.where);
    }
    TellState(focus, &message.remarks);
    NumberSegments(root);
    parts_.versions.Fit(root, destination_.version, &message.remarks);
    GW_RETURN_IF_ERROR(FitRoles(planned, focus, root, &message.remarks));
    GW_RETURN_IF_ERROR(CheckConsents(*root, planned, consents, focus.label));
    *labels = std::move(part.labels);
    if (labels->unsaid.empty()) {
      labels->unsaid = CheckLabelFields(outbound_, part.from, *part.cut, labels->told, *root);
    }
    if (!labels->unsaid.empty()) {
      return message;
    }
    GW_TRY(message.bytes, WriteV2(*root, destination_, &message.remarks));
    message.unwritten = outbound_.Merge(part.from, mapped.unread, *part.cut);
    CheckReadable(planned.structure, &message);
    return message;
  }

  // States of a visit that no event of chapter 3 tells.
  static void TellState(const Outbound::Entry& focus, std::vector<Remark>* remarks) {
    const std::string_view status = focus.resource->TextAt("status");
    const bool is_visit = focus.resource->type().name() == "Encounter";
    if (is_visit && (status == "onleave" || status == "unknown" || status == "triaged")) {
      remarks->push_back(
          {'W', "not-said", focus.label + ".status", "no event says this state of a visit"});
    }
  }

  // ROL came to ADT with 2.4 (care-coordination page 2.1).
  Status FitRoles(const Planned& planned, const Outbound::Entry& focus, Element* message,
                  std::vector<Remark>* remarks) const {
    if (planned.code != "ADT" || VersionNumber(destination_.version) >= VersionNumber("2.4")) {
      return {};
    }
    if (focus.resource->type().name() == "CareTeam") {
      return Error{Code::kUnprocessable, "this version of HL7 v2 has no place for a team in ADT",
                   focus.label};
    }
    bool had_roles = false;
    for (Element* holder : {message, message->Child("PATIENT_VISIT")}) {
      if (holder != nullptr && holder->Child("ROL") != nullptr) {
        holder->Clear("ROL");
        had_roles = true;
      }
    }
    if (had_roles) {
      remarks->push_back(
          {'W', "not-in-version", "ROL", "the receiver's version has no place for it"});
    }
    return {};
  }

  // What the Consents of a message need its rows to say; none where it is about nothing of the
  // kind.
  Result<std::vector<ConsentRowsExpected>> ConsentsOf(const Planned& planned) const {
    std::vector<ConsentRowsExpected> consents;
    for (const size_t index : planned.focus) {
      const Outbound::Entry& entry = outbound_.entries()[index];
      if (entry.resource->type().name() != "Consent") {
        continue;
      }
      GW_TRY(const ConsentRowsExpected expected, planned.code == "MDM"
                                                     ? CheckConsent(outbound_, entry, destination_)
                                                     : CheckRestriction(entry));
      consents.push_back(expected);
    }
    return consents;
  }

  static Status CheckConsents(const Element& message, const Planned& planned,
                              const std::vector<ConsentRowsExpected>& consents,
                              const std::string& label) {
    if (consents.empty()) {
      return {};
    }
    if (planned.code == "MDM") {
      return CheckRows(message, consents.front(), label);
    }
    return CheckRestrictionsOf(message, consents, label);
  }

  // What changes a few elements may leave a field empty that every message must have: a receiver
  // may refuse it, as we would.
  void CheckReadable(const std::string& structure, ExportedMessage* message) const {
    const auto parsed = hl7v2::Message::Parse(message->bytes, {});
    std::vector<Remark> ignored;
    const auto read = parsed ? parts_.v2.Read(*parsed, structure, feed_, &ignored)
                             : Result<Resource>(parsed.error());
    if (!read) {
      message->remarks.push_back({'W', "may-be-refused", read.error().where, read.error().detail});
    }
  }

  static std::string ControlId(const std::string& seed) {
    std::string digits = crypto::NamedUuid(seed);
    std::erase(digits, '-');
    return "CG" + digits.substr(0, kControlIdDigits);
  }

  RunOptions Options(const std::string& seed) const {
    RunOptions options;
    options.feed = &feed_;
    options.now = now_;
    options.seed = seed;
    options.hash_key = "caregate";
    return options;
  }

  // Whatever no message carries at all is told as one thing, not element by element.
  void ListRest(Export* result) {
    for (const Outbound::Entry& entry : outbound_.entries()) {
      const std::string_view type = entry.resource->type().name();
      if (!entry.unread && type != "Provenance") {
        result->remarks.push_back({'W', "not-sent", entry.label, "no message carries it"});
      }
    }
    result->unread = outbound_.Unread();
  }

  // The tables that the maps ask for: the destination's code tables, and what is said of each
  // identifier system.
  void FillTables() {
    feed_.name = destination_.name;
    for (const auto& [name, table] : destination_.tables) {
      feed_.tables["back:" + name] = table;
    }
    for (const std::string& system : outbound_.systems()) {
      auto [authority, type] = AuthorityOf(system, destination_);
      feed_.tables["authority"][system] = std::move(authority);
      feed_.tables["identifier-type"][system] = std::move(type);
    }
    feed_.tables["destination"]["participation"] = ParticipationOf(destination_);
    feed_.tables["destination"]["sender"] = destination_.sending_application;
    const bool has_providers = VersionNumber(destination_.version) >= VersionNumber("2.8");
    feed_.tables["destination"]["providers"] = has_providers ? "PRD" : "none";
  }

  const Exporter::Parts& parts_;
  Outbound outbound_;
  const Destination& destination_;
  Instant now_;
  Feed feed_;
  std::map<std::string, Error> left_out_;  // by place: not sent for a label that cannot be said
};

}  // namespace

Exporter::Exporter(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Exporter::Exporter(Exporter&&) noexcept = default;
Exporter::~Exporter() = default;

Result<Exporter> Exporter::Load(const std::string& mappings_directory,
                                const std::string& profiles_directory,
                                const fhir::Definitions& definitions, const Limits& limits) {
  GW_TRY(auto parts, LoadExporter(mappings_directory, profiles_directory, definitions, limits));
  return Exporter(std::move(parts));
}

const RowModel* Exporter::Parts::RowsOf(const Destination& destination) const {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const RowModel& model) {
    return MapUrl(destination) == std::string(kMaps) + model.folder;
  });
  return found == rows.end() ? nullptr : &*found;
}

Status Exporter::CheckTables(std::span<const Destination> destinations) const {
  constexpr std::string_view kOfDestinations = "back:";
  for (const FeedTable& table : parts_->plan.feed_tables()) {
    const bool is_read_back = table.name.starts_with(kOfDestinations);
    const std::string name = table.name.substr(is_read_back ? kOfDestinations.size() : 0);
    const bool is_said = is_read_back && std::any_of(destinations.begin(), destinations.end(),
                                                     [&name](const Destination& d) {
                                                       return d.tables.contains(name);
                                                     });
    const bool is_made = !is_read_back && (name == "authority" || name == "identifier-type" ||
                                           name == "destination");
    if (!table.has_codes && !is_said && !is_made) {
      return Error{Code::kInvalid,
                   "there is neither a destination nor a ConceptMap with the table '" + name + "'",
                   table.where};
    }
  }
  return {};
}

Status Exporter::Check(const Destination& destination) const {
  const std::span<const FeedTable> asked = parts_->plan.feed_tables();
  for (const auto& [name, table] : destination.tables) {
    const std::string back = "back:" + name;
    const auto& known = parts_->code_tables;
    if (std::find(known.begin(), known.end(), name) == known.end() &&
        std::none_of(asked.begin(), asked.end(),
                     [&back](const FeedTable& one) { return one.name == back; })) {
      return Error{Code::kInvalid, "no map asks for a table of this name",
                   destination.name + ": tables." + name};
    }
  }
  if (destination.format == Destination::Format::kHl7v2) {
    return {};
  }
  const RowModel* model = parts_->RowsOf(destination);
  if (model == nullptr || !parts_->plan.Has(MapUrl(destination))) {
    return Error{Code::kInvalid, "there is no such map", destination.name + ": map"};
  }
  for (const ExportColumn& column : destination.columns) {
    const auto& known = model->feed.columns;
    if (std::none_of(known.begin(), known.end(),
                     [&](const Column& of_map) { return of_map.name == column.name; })) {
      return Error{Code::kInvalid, "the map has no such column",
                   destination.name + ": columns." + column.name};
    }
  }
  return {};
}

Result<Export> Exporter::Parts::Make(Outbound outbound, const Destination& destination,
                                     Instant now) const {
  Run run(*this, std::move(outbound), destination, now);
  if (destination.format == Destination::Format::kHl7v2) {
    return run.ToV2();
  }
  const RowModel* model = RowsOf(destination);
  if (model == nullptr) {
    return Error{Code::kInvalid, "there is no such map", destination.name + ": map"};
  }
  return run.ToCsv(*model);
}

Result<Export> Exporter::FromFhir(const Resource& resource, const Destination& destination,
                                  Instant now) const {
  GW_RETURN_IF_ERROR(Check(destination));
  GW_TRY(Outbound outbound, Outbound::FromBundle(resource, *parts_->definitions));
  return parts_->Make(std::move(outbound), destination, now);
}

Result<Export> Exporter::FromChanges(std::span<const Change> changes,
                                     const Destination& destination, Instant now) const {
  GW_RETURN_IF_ERROR(Check(destination));
  GW_TRY(Outbound outbound, Outbound::FromChanges(changes, *parts_->definitions));
  return parts_->Make(std::move(outbound), destination, now);
}

}  // namespace gw::map
