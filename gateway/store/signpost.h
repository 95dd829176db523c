#pragma once

#include <compare>
#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/store/terms.h"

namespace gw::store {

// A row of a table that says where a search may begin: it is looked up by `key` across patients,
// and the resource's own row decides. What lies with the Patient that is looked for needs none: it
// is found by patient_key.
struct Signpost {
  enum class Table : uint8_t {
    kIdentifier,  // key: the value; more: the system
    kElsewhere,   // key: the id of one whose record it is in, or speaks of, without lying there
    kString,      // key: the folded text; more: the search parameter
  };
  Table table = Table::kIdentifier;
  std::string_view key;
  std::string_view more;
  bool claimed = false;  // kIdentifier: the resource claims it
  auto operator<=>(const Signpost&) const = default;
};

// The signposts to a resource of these terms that concerns `persons` (the column) and lies with the
// Patient `home` (empty: with none): sorted, each once. Views of the arguments. A row must follow
// from these alone, since it is by them that the rows of the version before are taken away.
std::vector<Signpost> SignpostsTo(const Terms& terms, std::string_view persons,
                                  std::string_view home);

// The Patient whose shard patient_key is, where persons or rows name that Patient; else empty: who
// is not named makes no difference to the signposts. A view of the arguments.
std::string_view HomeOf(int64_t patient_key, std::string_view persons, const Terms& terms);

}  // namespace gw::store
