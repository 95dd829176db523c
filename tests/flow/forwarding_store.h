#pragma once

#include <memory>
#include <utility>

#include "gateway/store/store.h"

namespace gw::flow {

// A store that hands everything to another one: for those of which a test changes one step.
class ForwardingStore : public store::Store {
 public:
  explicit ForwardingStore(std::unique_ptr<store::Store> inner) : inner_(std::move(inner)) {}

  Result<fhir::StoredResource> Read(const fhir::Key& key, const store::Visibility& v) override {
    return inner_->Read(key, v);
  }
  Result<fhir::StoredResource> ReadVersion(const fhir::Key& key, uint64_t version,
                                           const store::Visibility& v) override {
    return inner_->ReadVersion(key, version, v);
  }
  Result<store::Page> Search(const fhir::Query& query, const store::Visibility& v) override {
    return inner_->Search(query, v);
  }
  Result<store::Consents> ConsentsOf(std::string_view person) override {
    return inner_->ConsentsOf(person);
  }
  Result<uint64_t> PolicyClassOf(std::string_view person) override {
    return inner_->PolicyClassOf(person);
  }
  Result<std::vector<fhir::StoredResource>> Find(
      std::string_view type, std::span<const fhir::Identifier> identifiers) override {
    return inner_->Find(type, identifiers);
  }
  Result<std::vector<std::vector<fhir::StoredResource>>> FindEach(
      std::span<const store::Wanted> wanted) override {
    return inner_->FindEach(wanted);
  }
  Result<std::vector<std::string>> Namesakes(std::span<const std::string> keys,
                                             const store::Likeness& likeness,
                                             uint32_t max) override {
    return inner_->Namesakes(keys, likeness, max);
  }
  Result<fhir::StoredResource> Current(const fhir::Key& key) override {
    return inner_->Current(key);
  }
  Result<std::optional<store::PriorAnswer>> FindAnswer(std::string_view sender,
                                                       std::string_view control_id,
                                                       const crypto::Digest& digest) override {
    return inner_->FindAnswer(sender, control_id, digest);
  }
  Result<store::Committed> Commit(store::Transaction transaction) override {
    return inner_->Commit(std::move(transaction));
  }
  Result<std::vector<store::PendingEntry>> PendingEntries(uint32_t max) override {
    return inner_->PendingEntries(max);
  }
  store::Archive& archive() override { return inner_->archive(); }

 private:
  std::unique_ptr<store::Store> inner_;
};

}  // namespace gw::flow
