#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/hl7v2/message.h"

namespace gw::hl7v2 {

enum class AckCode : uint8_t { kAccept, kError, kReject };  // AA, AE, AR of table 0008
std::string_view NameOf(AckCode code);                      // "AA"

// One ERR segment. `error.where` in the form of Location::ToString() becomes ERR-2,
// `error.hl7_code` ERR-3 (207 where it is 0 and the Code has no code of table 0357 of its own),
// `error.detail` ERR-8.
struct Issue {
  Error error;
  char severity = 'E';  // ERR-4, table 0516: E, W, I
};

// How an error is answered: AR where a resend may help or the type is not taken, AE where the
// content is wrong.
AckCode AckCodeFor(const Error& error);
// The table 0357 code an error maps to, its own hl7_code first.
int Hl7CodeFor(const Error& error);

// The acknowledgment of a message: MSH with sender and receiver exchanged and the sender's
// delimiters and version, MSA with the sender's MSH-10, an ERR for each issue. Segments end with
// CR. `control_id` is the answer's own MSH-10. ERR has the 2.5 form from version 2.5 on, and ERR-1
// (the older form) before.
std::string Acknowledge(const Message& message, AckCode code, std::span<const Issue> issues,
                        std::string_view control_id, Instant now);

// The answer to bytes that are no readable message: takes from a first line what can be trusted
// (delimiters, sender, MSH-10), so that the sender can read it; MSA-2 is empty where no control id
// can be read.
std::string AcknowledgeUnreadable(std::string_view bytes, AckCode code, const Error& error,
                                  std::string_view control_id, Instant now);

}  // namespace gw::hl7v2
