#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/change/change.h"
#include "gateway/map/export/destination.h"
#include "gateway/map/translate.h"

namespace gw::map {

// One message of an export.
struct ExportedMessage {
  std::string bytes;  // ER7, in the destination's character set, without MLLP framing
  std::string type;   // "PPP^PCB"
  std::string control_id;
  std::string focus;  // what it is about: "CarePlan[1]" of the Bundle, from 1 by type
  std::vector<Remark> remarks;
  std::vector<Unmapped> unmapped;
  // What this message does not say of the resources that it speaks of ("Goal[1].note[0].time").
  std::vector<std::string> unwritten;
};

// What a Bundle becomes for a receiver. Nothing is lost in silence: `unread` lists the places of
// valued elements that no message or row carries ("Goal[1].outcomeCode[0].text").
struct Export {
  std::vector<Result<ExportedMessage>> messages;  // HL7 v2
  std::string csv;                                // CSV: the whole file, in its encoding
  uint32_t rows = 0;
  std::vector<std::string> unread;
  // "not-sent": a resource that no message of this receiver speaks of, or (severity E) one left out
  // of the rows for its security label; "row-refused" (severity E): a row that the encoding cannot
  // hold, left out of the file.
  std::vector<Remark> remarks;
};

// Translates FHIR to HL7 v2 messages and CSV files by the maps of mappings/fhir-to-hl7v2 and
// mappings/fhir-to-csv. Code tables (ConceptMaps of codes/, the destination's tables) are read
// backwards: the first code that means the same is taken. Immutable after Load; any thread. The
// definitions must outlive it.
class Exporter {
 public:
  // Errors: as Translator::Load.
  static Result<Exporter> Load(const std::string& mappings_directory,
                               const std::string& profiles_directory,
                               const fhir::Definitions& definitions, const Limits& limits = {});
  Exporter(Exporter&&) noexcept;
  ~Exporter();

  // Is the destination's map there, with its columns, and does a map ask for each of its tables?
  // Errors: kInvalid, where = "destination: key".
  Status Check(const Destination& destination) const;
  // Is each table that a map asks for there, as a ConceptMap or in one of the destinations at
  // least? Errors: kInvalid, where = "file:line:column" of the map.
  Status CheckTables(std::span<const Destination> destinations) const;

  // `resource`: a Bundle of any type, or one resource. Which messages: a CarePlan PPP^PCB, PCC or
  // PCD; Goals of no plan PGL^PC6, PC7 or PC8; Conditions of neither PPR^PC1, PC2 or PC3; a
  // CareTeam of no plan ADT^A31; a Consent MDM^T02 (or T08), but a person's restriction of access
  // ARV in ADT^A31; an Encounter ADT by its status, by a move and by a change of its class, with
  // its diagnoses and procedures; a Patient that replaces others ADT^A40; else a Patient ADT^A28 or
  // A31. Created (POST, or no request), changed (PUT, PATCH) or entered in error decides which. A
  // PATCH entry is read where it is FHIRPath Patch in the form of R4, or JSON Patch of whole
  // elements; the values that it sets are what is sent, and one that cannot be read is an error in
  // the place of its message. References mean resources of the server of their entry's fullUrl.
  // What nothing names (no identifier, id or fullUrl) is not sent; nor what carries a security
  // label that nothing there says, which is an error of its own (CSV: a remark "not-sent" of
  // severity E). Pure: the same input and `now` give the same bytes. Errors: kInvalid where the map
  // or the destination's format does not fit; one message that cannot be written is an error in its
  // place.
  Result<Export> FromFhir(const fhir::Resource& resource, const Destination& destination,
                          Instant now) const;
  // As FromFhir for what FromV2 or FromCsv gave: actions of segments and of items of lists stay.
  Result<Export> FromChanges(std::span<const Change> changes, const Destination& destination,
                             Instant now) const;

  struct Parts;  // of this module

 private:
  explicit Exporter(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace gw::map
