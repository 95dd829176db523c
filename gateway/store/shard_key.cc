#include "gateway/store/shard_key.h"

#include "gateway/base/crypto.h"

namespace gw::store {
namespace {

int64_t First64(const crypto::Digest& digest) {
  uint64_t key = 0;
  for (size_t i = 0; i < sizeof key; ++i) {
    key = key << 8 | digest[i];
  }
  return static_cast<int64_t>(key);
}

}  // namespace

int64_t ResourceKey(std::string_view type, std::string_view id) {
  return First64(crypto::Sha256(type, "/", id));
}

int64_t PatientKey(std::string_view patient_id) { return ResourceKey("Patient", patient_id); }

}  // namespace gw::store
