#pragma once

#include <string>
#include <vector>

namespace gw::cli {

// `caregate convert --to hl7v2|csv`, its words read.
struct BackRequest {
  std::string from;         // fhir, hl7v2 or csv; empty: by the file
  std::string to;           // hl7v2 or csv
  std::string feed;         // of hl7v2 and csv input; of fhir input: another word for destination
  std::string destination;  // a file, or the name of one in destinations/ beside the configuration
  std::string config;       // path; empty: the default one
  bool report = false;
  std::vector<std::string> files;
};

// Writes the messages, or the file, of each input file on stdout; with `report`, one JSON object
// per message on stderr: control_id, ack, issues, unwritten (what this message does not say of the
// resources it speaks of), unread (what no message carries), unmapped.
// Returns an exit code of commands.h.
int ConvertBack(const BackRequest& request);

}  // namespace gw::cli
