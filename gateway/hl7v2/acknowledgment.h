#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/hl7v2/message.h"

namespace gw::hl7v2 {

// Table 0008: AA, AE, AR, and of the enhanced mode's accept acknowledgment CA, CE, CR.
enum class AckCode : uint8_t {
  kAccept,
  kError,
  kReject,
  kCommitAccept,
  kCommitError,
  kCommitReject
};
std::string_view NameOf(AckCode code);  // "AA"

// The accept acknowledgment that says what an application acknowledgment says: AA is CA.
AckCode CommitCodeFor(AckCode application);

// Which acknowledgments of a message are due, by what it asks (MSH-15, MSH-16: table 0155) and by
// its outcome: AL always, NE never, ER where refused, SU where taken; any other text as AL. Neither
// valued: the original mode, always the application acknowledgment and no other.
// Spec: HL7 v2.9 section 2.9.2, 2.9.3.
struct AcksDue {
  bool accept = false;       // CA, CE, CR
  bool application = false;  // AA, AE, AR
};
AcksDue AcksDueFor(const Message& message, AckCode application);
// The same of bytes that are no readable message, as far as their MSH-15 and MSH-16 can be read.
AcksDue AcksDueForUnreadable(std::string_view bytes, AckCode application);

// One ERR segment. `error.where` in the form of Location::ToString() becomes ERR-2,
// `error.hl7_code` ERR-3 (207 where it is 0 and the Code has no code of table 0357 of its own; 0,
// message accepted, where it is 0 and the severity I, or W in an AA or CA),
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
// delimiters and version, MSA with the sender's MSH-10, an ERR for each issue. In the enhanced mode
// MSH-15 and MSH-16 are NE: an answer is not answered. Its bytes are of the character set that the
// message was in, UTF-16 in its byte order, with a mark where it has one: the sender's MSH-10 comes
// back as its own bytes. MSH-18 names that set where the message does or the answer is not ASCII.
// Segments end with CR. `control_id` is the
// answer's own MSH-10. ERR has the 2.5 form from version 2.5 on, and ERR-1 (the older form) before.
std::string Acknowledge(const Message& message, AckCode code, std::span<const Issue> issues,
                        std::string_view control_id, Instant now);

// The answer to bytes that are no readable message: takes from a first line what can be trusted
// (delimiters, of which MSH-1 alone does; sender; MSH-10), so that the sender can read it; MSA-2 is
// empty where no control id can be read.
std::string AcknowledgeUnreadable(std::string_view bytes, AckCode code, const Error& error,
                                  std::string_view control_id, Instant now);

// Is this a batch, or a file of batches (BHS or FHS first, behind blanks or a byte order mark), and
// no message?
bool IsBatch(std::string_view bytes);

// The answer to one: BHS with sender and receiver exchanged and the sender's BHS-11 in BHS-12, the
// answers of its messages in their order, BTS with their number; all that in FHS and FTS where the
// sender has them. Of a file of several batches the answers are one batch. BTS-2 says what was
// wrong with the sender's counts. Segments end with CR.
// Spec: HL7 v2.9 section 2.10.3.
std::string AcknowledgeBatch(std::string_view bytes, std::span<const std::string> answers,
                             std::span<const std::string> warnings, std::string_view control_id,
                             Instant now);

}  // namespace gw::hl7v2
