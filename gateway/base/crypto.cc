#include "gateway/base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>

#include "gateway/base/json.h"

namespace gw::crypto {
namespace {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<&EVP_PKEY_free>>;
using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, Freer<&EVP_PKEY_CTX_free>>;
using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, Freer<&EVP_MD_CTX_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<&BIO_free_all>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freer<&BN_free>>;
using EcSignaturePtr = std::unique_ptr<ECDSA_SIG, Freer<&ECDSA_SIG_free>>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Freer<&OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Freer<&OSSL_PARAM_free>>;

constexpr size_t kPemBytesMax = size_t{16} << 10;
constexpr int kRsaBitsMin = 2048;  // RFC 7518 section 3.3
constexpr int kRsaBitsMax = 8192;  // beyond, one verification costs milliseconds
constexpr size_t kRsaExponentBytesMax = 8;
constexpr unsigned kRsaBitsMade = 2048;
constexpr size_t kEd25519Bytes = 32;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string* text) { return reinterpret_cast<unsigned char*>(text->data()); }

// Hashing and the random generator have no answer to give when the library fails, and going on
// without them would corrupt the log or leak: stop.
void Require(bool works) {
  if (!works) {
    std::abort();
  }
}

// Fetched once: a fetch by each call costs three times the hash and takes locks. Held to the end of
// the process, whose threads may hash until then.
struct Digests {
  EVP_MD* sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD* sha384 = EVP_MD_fetch(nullptr, "SHA384", nullptr);
};

const Digests& SharedDigests() {
  static const Digests digests;
  Require(digests.sha256 != nullptr && digests.sha384 != nullptr);
  return digests;
}

EVP_MD_CTX* ThreadDigestContext() {
  thread_local const DigestContextPtr context(EVP_MD_CTX_new());
  Require(context != nullptr);
  return context.get();
}

// The random bytes of ids, drawn for many at once: a call of the generator costs far more than the
// ten bytes of one. A child after fork() draws its own, so that no two processes give out the same.
class IdBytes {
 public:
  void Take(std::span<uint8_t> out) {
    const pid_t process = getpid();
    if (left_ < out.size() || process != process_) {
      Require(RAND_bytes(bytes_.data(), static_cast<int>(bytes_.size())) == 1);
      left_ = bytes_.size();
      process_ = process;
    }
    std::copy_n(bytes_.end() - static_cast<std::ptrdiff_t>(left_), out.size(), out.begin());
    left_ -= out.size();
  }

 private:
  std::array<uint8_t, 640> bytes_{};
  size_t left_ = 0;
  pid_t process_ = 0;
};

std::string FormatUuid(const std::array<uint8_t, 16>& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string uuid(36, '-');
  size_t at = 0;
  for (const uint8_t byte : bytes) {
    at += at == 8 || at == 13 || at == 18 || at == 23 ? 1u : 0u;
    uuid[at++] = kDigits[byte >> 4];
    uuid[at++] = kDigits[byte & 0xF];
  }
  return uuid;
}

// RFC 9562 section 4: version in the high half of octet 6, variant 0b10 in octet 8.
void StampUuid(unsigned version, std::array<uint8_t, 16>* bytes) {
  (*bytes)[6] = static_cast<uint8_t>(((*bytes)[6] & 0x0Fu) | (version << 4));
  (*bytes)[8] = static_cast<uint8_t>(((*bytes)[8] & 0x3Fu) | 0x80u);
}

// One row a signature algorithm; RFC 7518 section 3.1 and RFC 8037 (where Ed25519 is "EdDSA").
struct AlgorithmRow {
  Algorithm algorithm;
  std::string_view name;
  int key_type;
  std::string_view curve;  // as JOSE names it
  const char* group;       // as OpenSSL names it
  size_t coordinate_bytes;
  bool is_pss;
};
constexpr std::array<AlgorithmRow, 6> kAlgorithms = {{
    {Algorithm::kRs256, "RS256", EVP_PKEY_RSA, {}, "", 0, false},
    {Algorithm::kRs384, "RS384", EVP_PKEY_RSA, {}, "", 0, false},
    {Algorithm::kPs256, "PS256", EVP_PKEY_RSA, {}, "", 0, true},
    {Algorithm::kEs256, "ES256", EVP_PKEY_EC, "P-256", "prime256v1", 32, false},
    {Algorithm::kEs384, "ES384", EVP_PKEY_EC, "P-384", "secp384r1", 48, false},
    {Algorithm::kEd25519, "EdDSA", EVP_PKEY_ED25519, "Ed25519", "", 0, false},
}};

const AlgorithmRow& RowOf(Algorithm algorithm) {
  return kAlgorithms.at(static_cast<size_t>(algorithm));
}

const EVP_MD* DigestOf(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kEd25519:
      return nullptr;  // hashes by its own rule
    case Algorithm::kRs384:
    case Algorithm::kEs384:
      return SharedDigests().sha384;
    default:
      return SharedDigests().sha256;
  }
}

std::string GroupOf(EVP_PKEY* key) {
  std::array<char, 64> name{};
  size_t length = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &length) != 1) {
    return {};
  }
  return std::string(name.data(), length);
}

bool Fits(const AlgorithmRow& row, EVP_PKEY* key) {
  return EVP_PKEY_get_base_id(key) == row.key_type &&
         (row.key_type != EVP_PKEY_EC || GroupOf(key) == row.group);
}

Error Failure(Code code, std::string_view rule) {
  ERR_clear_error();  // the queue is the thread's, and the next caller's failure must be its own
  return {code, std::string(rule), {}};
}

Status CheckKind(EVP_PKEY* key) {
  const bool known = std::any_of(kAlgorithms.begin(), kAlgorithms.end(),
                                 [key](const AlgorithmRow& row) { return Fits(row, key); });
  if (!known) {
    return Failure(Code::kUnsupported, "a key of this kind is not taken");
  }
  const int bits = EVP_PKEY_get_bits(key);
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && (bits < kRsaBitsMin || bits > kRsaBitsMax)) {
    return Failure(Code::kUnsupported, "an RSA key must have 2048 to 8192 bits");
  }
  return {};
}

NumberPtr NumberOf(std::string_view big_endian) {
  return NumberPtr(BN_bin2bn(Bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

NumberPtr NumberParameter(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  return NumberPtr(number);
}

// Big-endian, in `width` bytes, or as many as it needs if that is 0.
std::string BytesOf(const BIGNUM* number, size_t width = 0) {
  if (number == nullptr) {
    return {};
  }
  std::string bytes(width != 0 ? width : static_cast<size_t>(BN_num_bytes(number)), '\0');
  if (BN_bn2binpad(number, Bytes(&bytes), static_cast<int>(bytes.size())) < 0) {
    return {};
  }
  return bytes;
}

KeyPtr KeyFromParameters(const char* type, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return KeyPtr(key);
}

bool IsSoundPublicKey(EVP_PKEY* key) {
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context != nullptr && EVP_PKEY_public_check(context.get()) == 1;
}

// JOSE's r and s, fixed width, to the DER that OpenSSL verifies; empty if it cannot be.
std::string DerSignature(std::string_view r_and_s) {
  const size_t half = r_and_s.size() / 2;
  NumberPtr r = NumberOf(r_and_s.substr(0, half));
  NumberPtr s = NumberOf(r_and_s.substr(half));
  const EcSignaturePtr signature(ECDSA_SIG_new());
  if (r == nullptr || s == nullptr || signature == nullptr ||
      ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) {
    return {};
  }
  static_cast<void>(r.release());  // the signature owns both from here
  static_cast<void>(s.release());
  std::string der(static_cast<size_t>(std::max(0, i2d_ECDSA_SIG(signature.get(), nullptr))), '\0');
  unsigned char* out = Bytes(&der);
  i2d_ECDSA_SIG(signature.get(), &out);
  return der;
}

std::string JoseSignature(std::string_view der, size_t coordinate_bytes) {
  const unsigned char* in = Bytes(der);
  const EcSignaturePtr signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
  if (signature == nullptr) {
    return {};
  }
  return BytesOf(ECDSA_SIG_get0_r(signature.get()), coordinate_bytes) +
         BytesOf(ECDSA_SIG_get0_s(signature.get()), coordinate_bytes);
}

// RFC 7518 section 3.5: MGF1 with the same hash, and a salt as long as the hash.
bool UsePss(EVP_PKEY_CTX* context, const EVP_MD* digest) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1;
}

std::string TextOf(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

BioPtr Memory(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// An encrypted key must fail, not ask for its password on the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

std::string Ed25519BytesOf(EVP_PKEY* key) {
  std::string bytes(kEd25519Bytes, '\0');
  size_t length = bytes.size();
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(key, Bytes(&bytes), &length) != 1) {
    return {};
  }
  return bytes;
}

std::string PublicPemOf(EVP_PKEY* key) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  Require(memory != nullptr && PEM_write_bio_PUBKEY(memory.get(), key) == 1);
  return TextOf(memory.get());
}

Digest FinishSha256(EVP_MD_CTX* context) {
  Digest digest{};
  Require(EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1);
  return digest;
}

}  // namespace

Digest Sha256(std::string_view first, std::string_view second, std::string_view third) {
  EVP_MD_CTX* context = ThreadDigestContext();
  Require(EVP_DigestInit_ex2(context, SharedDigests().sha256, nullptr) == 1);
  for (const std::string_view part : {first, second, third}) {
    Require(part.empty() || EVP_DigestUpdate(context, part.data(), part.size()) == 1);
  }
  return FinishSha256(context);
}

// RFC 2104 section 2, with the block of SHA-256.
Digest HmacSha256(std::string_view key, std::string_view text) {
  constexpr size_t kBlock = 64;
  const Digest short_key = key.size() > kBlock ? Sha256(key) : Digest{};
  if (key.size() > kBlock) {
    key = AsBytes(short_key);
  }
  std::array<char, kBlock> inner{};
  std::array<char, kBlock> outer{};
  for (size_t i = 0; i < kBlock; ++i) {
    const auto byte = static_cast<uint8_t>(i < key.size() ? key[i] : 0);
    inner.at(i) = static_cast<char>(byte ^ 0x36u);
    outer.at(i) = static_cast<char>(byte ^ 0x5Cu);
  }
  const Digest inside = Sha256({inner.data(), kBlock}, text);
  return Sha256({outer.data(), kBlock}, AsBytes(inside));
}

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  Require(RAND_bytes(Bytes(&bytes), static_cast<int>(count)) == 1);
  return bytes;
}

std::string Uuid7(int64_t unix_ms) {
  thread_local IdBytes random;
  std::array<uint8_t, 16> bytes{};
  random.Take(std::span(bytes).subspan(6));
  for (size_t i = 0; i < 6; ++i) {
    bytes.at(i) = static_cast<uint8_t>(static_cast<uint64_t>(unix_ms) >> (40 - 8 * i));
  }
  StampUuid(7, &bytes);
  return FormatUuid(bytes);
}

std::string NamedUuid(std::string_view text) {
  const Digest digest = Sha256(text);
  std::array<uint8_t, 16> bytes{};
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  StampUuid(8, &bytes);
  return FormatUuid(bytes);
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view NameOf(Algorithm algorithm) { return RowOf(algorithm).name; }

std::optional<Algorithm> AlgorithmNamed(std::string_view name) {
  for (const AlgorithmRow& row : kAlgorithms) {
    if (row.name == name) {
      return row.algorithm;
    }
  }
  return std::nullopt;
}

struct PublicKey::Handle {
  KeyPtr key;
};

struct PrivateKey::Handle {
  KeyPtr key;
};

Result<PublicKey> PublicKey::FromRsa(std::string_view modulus, std::string_view exponent) {
  if (modulus.size() > kRsaBitsMax / 8 || exponent.size() > kRsaExponentBytesMax) {
    return Failure(Code::kUnsupported, "an RSA key must have 2048 to 8192 bits");
  }
  const NumberPtr n = NumberOf(modulus);
  const NumberPtr e = NumberOf(exponent);
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || builder == nullptr || BN_is_odd(n.get()) == 0 ||
      BN_is_odd(e.get()) == 0 || BN_is_one(e.get()) == 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return Failure(Code::kInvalid, "the numbers are not an RSA key");
  }
  KeyPtr key = KeyFromParameters("RSA", builder.get());
  if (key == nullptr) {
    return Failure(Code::kInvalid, "the numbers are not an RSA key");
  }
  GW_RETURN_IF_ERROR(CheckKind(key.get()));
  return PublicKey(std::make_shared<const Handle>(Handle{std::move(key)}));
}

Result<PublicKey> PublicKey::FromEc(Algorithm curve_of, std::string_view x, std::string_view y) {
  const AlgorithmRow& row = RowOf(curve_of);
  if (row.key_type != EVP_PKEY_EC || x.size() != row.coordinate_bytes ||
      y.size() != row.coordinate_bytes) {
    return Failure(Code::kInvalid, "the coordinates do not fit the curve");
  }
  std::string point(1, '\x04');  // SEC 1 section 2.3.3: uncompressed
  point.append(x).append(y);
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, row.group, 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return Failure(Code::kInternal, "out of memory");
  }
  KeyPtr key = KeyFromParameters("EC", builder.get());
  if (key == nullptr || !IsSoundPublicKey(key.get())) {
    return Failure(Code::kInvalid, "the point is not on the curve");
  }
  return PublicKey(std::make_shared<const Handle>(Handle{std::move(key)}));
}

Result<PublicKey> PublicKey::FromEd25519(std::string_view bytes) {
  KeyPtr key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(bytes), bytes.size()));
  if (key == nullptr) {
    return Failure(Code::kInvalid, "an Ed25519 key has 32 bytes");
  }
  return PublicKey(std::make_shared<const Handle>(Handle{std::move(key)}));
}

Result<PublicKey> PublicKey::FromPem(std::string_view pem) {
  if (pem.size() > kPemBytesMax) {
    return Failure(Code::kTooLarge, "the PEM text is too long");
  }
  const BioPtr memory = Memory(pem);
  KeyPtr key(memory == nullptr ? nullptr
                               : PEM_read_bio_PUBKEY(memory.get(), nullptr, &NoPassword, nullptr));
  if (key == nullptr) {
    return Failure(Code::kInvalid, "the text is not a PEM public key");
  }
  GW_RETURN_IF_ERROR(CheckKind(key.get()));
  return PublicKey(std::make_shared<const Handle>(Handle{std::move(key)}));
}

bool PublicKey::Verify(Algorithm algorithm, std::string_view message,
                       std::string_view signature) const {
  const AlgorithmRow& row = RowOf(algorithm);
  EVP_PKEY* key = handle_->key.get();
  if (!Fits(row, key)) {
    return false;
  }
  std::string der;
  if (row.key_type == EVP_PKEY_EC) {
    if (signature.size() != 2 * row.coordinate_bytes) {
      return false;
    }
    der = DerSignature(signature);
    signature = der;
  }
  EVP_MD_CTX* context = ThreadDigestContext();
  EVP_MD_CTX_reset(context);
  const EVP_MD* digest = DigestOf(algorithm);
  EVP_PKEY_CTX* key_context = nullptr;  // the digest context owns it
  const bool verified = EVP_DigestVerifyInit(context, &key_context, digest, nullptr, key) == 1 &&
                        (!row.is_pss || UsePss(key_context, digest)) &&
                        EVP_DigestVerify(context, Bytes(signature), signature.size(),
                                         Bytes(message), message.size()) == 1;
  EVP_MD_CTX_reset(context);
  if (!verified) {
    ERR_clear_error();
  }
  return verified;
}

std::string PublicKey::Ed25519Bytes() const { return Ed25519BytesOf(handle_->key.get()); }

Result<PrivateKey> PrivateKey::FromPem(std::string_view pem) {
  if (pem.size() > kPemBytesMax) {
    return Failure(Code::kTooLarge, "the PEM text is too long");
  }
  const BioPtr memory = Memory(pem);
  KeyPtr key(memory == nullptr || pem.find("-----BEGIN PRIVATE KEY-----") == std::string_view::npos
                 ? nullptr
                 : PEM_read_bio_PrivateKey(memory.get(), nullptr, &NoPassword, nullptr));
  if (key == nullptr) {
    return Failure(Code::kInvalid, "the text is not an unencrypted PKCS#8 private key");
  }
  GW_RETURN_IF_ERROR(CheckKind(key.get()));
  return PrivateKey(std::make_shared<const Handle>(Handle{std::move(key)}));
}

Result<PrivateKey> PrivateKey::Generate(Algorithm algorithm) {
  const AlgorithmRow& row = RowOf(algorithm);
  KeyPtr key;
  if (row.key_type == EVP_PKEY_RSA) {
    key.reset(EVP_RSA_gen(kRsaBitsMade));
  } else if (row.key_type == EVP_PKEY_EC) {
    key.reset(EVP_EC_gen(row.group));
  } else {
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  if (key == nullptr) {
    return Failure(Code::kInternal, "a key could not be made");
  }
  return PrivateKey(std::make_shared<const Handle>(Handle{std::move(key)}));
}

Result<std::string> PrivateKey::Sign(Algorithm algorithm, std::string_view message) const {
  const AlgorithmRow& row = RowOf(algorithm);
  EVP_PKEY* key = handle_->key.get();
  if (!Fits(row, key)) {
    return Failure(Code::kInvalid, "the algorithm does not fit the key");
  }
  EVP_MD_CTX* context = ThreadDigestContext();
  EVP_MD_CTX_reset(context);
  const EVP_MD* digest = DigestOf(algorithm);
  EVP_PKEY_CTX* key_context = nullptr;
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key)), '\0');
  size_t length = signature.size();
  const bool made =
      EVP_DigestSignInit(context, &key_context, digest, nullptr, key) == 1 &&
      (!row.is_pss || UsePss(key_context, digest)) &&
      EVP_DigestSign(context, Bytes(&signature), &length, Bytes(message), message.size()) == 1;
  EVP_MD_CTX_reset(context);
  if (!made) {
    return Failure(Code::kInternal, "the signature could not be made");
  }
  signature.resize(length);
  if (row.key_type == EVP_PKEY_EC) {
    return JoseSignature(signature, row.coordinate_bytes);
  }
  return signature;
}

PublicKey PrivateKey::Public() const {
  // Through the public encoding, so that no copy of the secret half goes with it.
  const std::string pem = PublicPem();
  const BioPtr memory = Memory(pem);
  KeyPtr key(PEM_read_bio_PUBKEY(memory.get(), nullptr, &NoPassword, nullptr));
  Require(key != nullptr);
  return PublicKey(std::make_shared<const PublicKey::Handle>(PublicKey::Handle{std::move(key)}));
}

std::string PrivateKey::ToPem() const {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  Require(memory != nullptr &&
          PEM_write_bio_PKCS8PrivateKey(memory.get(), handle_->key.get(), nullptr, nullptr, 0,
                                        nullptr, nullptr) == 1);
  return TextOf(memory.get());
}

std::string PrivateKey::PublicPem() const { return PublicPemOf(handle_->key.get()); }

std::string PrivateKey::PublicJwk(Algorithm algorithm, std::string_view key_id) const {
  const AlgorithmRow& row = RowOf(algorithm);
  EVP_PKEY* key = handle_->key.get();
  const auto number = [key, &row](const char* name) {
    return Base64Url(BytesOf(NumberParameter(key, name).get(), row.coordinate_bytes));
  };
  std::string jwk;
  JsonWriter json(&jwk);
  json.ObjectStart();
  if (row.key_type == EVP_PKEY_RSA) {
    json.Member("kty", "RSA");
    json.Member("n", number(OSSL_PKEY_PARAM_RSA_N)).Member("e", number(OSSL_PKEY_PARAM_RSA_E));
  } else if (row.key_type == EVP_PKEY_EC) {
    json.Member("kty", "EC").Member("crv", row.curve);
    json.Member("x", number(OSSL_PKEY_PARAM_EC_PUB_X));
    json.Member("y", number(OSSL_PKEY_PARAM_EC_PUB_Y));
  } else {
    json.Member("kty", "OKP").Member("crv", row.curve);
    json.Member("x", Base64Url(Ed25519BytesOf(key)));
  }
  json.Member("use", "sig").Member("alg", row.name).Member("kid", key_id).ObjectEnd();
  return jwk;
}

}  // namespace gw::crypto
