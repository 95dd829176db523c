#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/fhir/search.h"
#include "gateway/store/store.h"
#include "tests/temp_folder.h"

namespace gw::store {

// One engine behind the Store interface; the contract's tests run for each of them.
struct Engine {
  std::string name;
  // Opens the store that lives in the folder, new or not.
  std::function<Result<std::unique_ptr<Store>>(const TempFolder&, const Clock&)> open;
};
std::vector<Engine> Engines();
void PrintTo(const Engine& engine, std::ostream* out);  // for googletest's messages

// Sees everything.
class SeesAll final : public Visibility {
 public:
  bool Sees(std::string_view, uint64_t, std::string_view) const override { return true; }
};

// Sees all but what is listed.
class FitsAll final : public Likeness {
 public:
  bool Fits(std::span<const fhir::IndexRow> /*patient*/) const override { return true; }
};

class SeesAllBut final : public Visibility {
 public:
  std::set<std::string, std::less<>> persons;
  std::set<std::string, std::less<>> labels;
  bool Sees(std::string_view person, uint64_t, std::string_view label) const override {
    return !persons.contains(person) && !labels.contains(label);
  }
};

// A Write of version 1 of a resource that lies with `patient`, concerns and is in the compartment
// of that patient; empty: a reference table's.
Write NewWrite(std::string_view type, std::string_view id, std::string_view patient,
               int64_t last_updated_us = 1'000'000);
// The write of the version that follows.
Write NextWrite(const Write& before, int64_t last_updated_us);
Transaction Of(Write write);
Transaction OfTwo(Write first, Write second);

fhir::IndexEntry TokenEntry(std::string_view code, std::string system, std::string text);
fhir::IndexEntry ReferenceEntry(std::string_view code, std::string type, std::string id);
fhir::IndexEntry DateEntry(std::string_view code, int64_t low_us, int64_t high_us);
fhir::IndexEntry StringEntry(std::string_view code, std::string text);

// A search parameter by code, of a kind; the same address for the same arguments.
const fhir::SearchParameter* Parameter(fhir::SearchKind kind, std::string_view code);
fhir::Query QueryOf(std::string_view type);
fhir::Criterion TokenIs(std::string_view code, std::string_view text);
fhir::Criterion IdIs(std::string_view id);
fhir::Criterion PatientIs(std::string_view id);

std::vector<std::string> IdsOf(const std::vector<fhir::StoredResource>& resources);

}  // namespace gw::store
