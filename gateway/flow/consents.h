#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/access/access.h"
#include "gateway/store/store.h"

namespace gw::flow {

struct Parts;

// What governs a person's record: its own consents, first, and those of each record that merges
// linked with it. All of them must permit (care-coordination decision 4: the most restrictive,
// until a human has reviewed). Empty: they cannot be read, which denies.
using Governing = std::vector<std::shared_ptr<const access::ConsentSet>>;

// The compiled consents of the persons lately asked about. A person's policy class changes with
// every Consent and every version of the Patient that is written, and it is read from the store on
// each request: what is remembered can be old, never stale. Bounded; thread-safe.
class ConsentBook {
 public:
  ConsentBook(store::Store& store, const fhir::Definitions& definitions, const Limits& limits)
      : store_(store), definitions_(definitions), limits_(limits) {}

  // As of that policy class, or newer; of the linked records as they are now.
  Governing Of(std::string_view person, uint64_t policy_class);
  Governing Now(std::string_view person);

 private:
  struct Remembered {
    uint64_t policy_class = 0;
    std::shared_ptr<const access::ConsentSet>
        consents;                    // shared: requests on their way keep theirs
    std::vector<std::string> links;  // the records that a merge linked with this one
  };
  // Errors: those of the store, and of a Patient that cannot be read.
  Result<Remembered> Own(std::string_view person, uint64_t policy_class);
  store::Store& store_;
  const fhir::Definitions& definitions_;
  const Limits& limits_;
  std::mutex mutex_;  // guards remembered_
  std::unordered_map<std::string, Remembered> remembered_;
};

// What one request may see, as the store asks it: the judge's answer on the person's consents.
class ConsentVisibility final : public store::Visibility {
 public:
  ConsentVisibility(const access::Judge& judge, ConsentBook* book) : judge_(judge), book_(book) {}
  bool Sees(std::string_view person, uint64_t policy_class,
            std::string_view label_class) const override;

 private:
  const access::Judge& judge_;
  ConsentBook* book_;
};

// The consents that decide about what was found: of each person it concerns, as they are now. The
// one place where consents are fetched for a release.
std::vector<access::PersonConsents> ConsentsFor(std::span<const fhir::StoredResource> found,
                                                ConsentBook* book);

// The principal's identifiers as the references that consents name: organisation with those it is
// part of, practitioner, the person or the proxy. Errors: kUnavailable.
Result<access::Actor> ActorOf(const access::Principal& principal,
                              const fhir::Definitions& definitions, Instant now,
                              store::Store* store);

// Adds the records that merges made one with those that the token names, as the links are now: what
// the person may see of one record they may see of all. Errors: kUnavailable.
Status AddLinkedRecords(const access::Principal& principal, const Parts& parts,
                        access::Actor* actor);

}  // namespace gw::flow
