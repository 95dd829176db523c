#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/result.h"

namespace gw::crypto {

using Digest = std::array<uint8_t, 32>;

// SHA-256 of up to three parts, one after the other, without joining them. Any thread; no
// allocation after a thread's first call.
Digest Sha256(std::string_view first, std::string_view second = {}, std::string_view third = {});
Digest HmacSha256(std::string_view key, std::string_view text);

std::string Hex(std::string_view bytes);
std::string Hex(const Digest& digest);
std::string_view AsBytes(const Digest& digest);

std::string Base64(std::string_view bytes);
std::string Base64Url(std::string_view bytes);  // without padding
std::optional<std::string> FromBase64(
    std::string_view text);  // strict: padding, no other characters
std::optional<std::string> FromBase64Url(std::string_view text);  // strict: no padding

// Bytes from the system's generator.
std::string RandomBytes(size_t count);
// A random UUID (RFC 9562 version 7: time-ordered by `unix_ms`), 36 characters, lower case.
std::string Uuid7(int64_t unix_ms);
// A UUID that follows from the text alone (RFC 9562 version 8 over SHA-256), for repeatable output.
std::string NamedUuid(std::string_view text);
// Compares without telling by its time where two texts differ.
bool EqualInConstantTime(std::string_view a, std::string_view b);

enum class Algorithm : uint8_t { kRs256, kRs384, kPs256, kEs256, kEs384, kEd25519 };
std::string_view NameOf(Algorithm algorithm);  // "RS256" ...
std::optional<Algorithm> AlgorithmNamed(std::string_view name);

// A key that verifies. Immutable; any thread. EC signatures are r and s, fixed width (RFC 7518
// section 3.4), not DER. Taken are RSA of 2048 to 8192 bits, the curves P-256 and P-384, and
// Ed25519; others are kUnsupported, and numbers that make no key of their kind kInvalid.
class PublicKey {
 public:
  static Result<PublicKey> FromRsa(std::string_view modulus,
                                   std::string_view exponent);  // big-endian bytes
  static Result<PublicKey> FromEc(Algorithm curve_of, std::string_view x, std::string_view y);
  static Result<PublicKey> FromEd25519(std::string_view bytes);  // RFC 8032: 32 bytes
  static Result<PublicKey> FromPem(std::string_view pem);        // SubjectPublicKeyInfo
  // False for a wrong signature, a wrong length, or an algorithm that does not fit the key.
  bool Verify(Algorithm algorithm, std::string_view message, std::string_view signature) const;
  // The 32 bytes of RFC 8032; empty if this is not an Ed25519 key.
  std::string Ed25519Bytes() const;

  struct Handle;
  explicit PublicKey(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}

 private:
  std::shared_ptr<const Handle> handle_;  // shared: keys are copied into sets and snapshots
};

// A key that signs. Immutable; any thread.
class PrivateKey {
 public:
  static Result<PrivateKey> FromPem(std::string_view pem);  // PKCS#8, unencrypted
  static Result<PrivateKey> Generate(Algorithm algorithm);  // RSA: 2048 bits
  // kInvalid for an algorithm that does not fit the key.
  Result<std::string> Sign(Algorithm algorithm, std::string_view message) const;
  PublicKey Public() const;
  std::string ToPem() const;  // PKCS#8: secret
  std::string PublicPem() const;
  // The public half as a JSON Web Key (RFC 7517), with kid and alg.
  std::string PublicJwk(Algorithm algorithm, std::string_view key_id) const;

  struct Handle;
  explicit PrivateKey(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}

 private:
  std::shared_ptr<const Handle> handle_;
};

}  // namespace gw::crypto
