#include "gateway/base/crypto.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/json.h"

namespace gw::crypto {
namespace {

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::string Url(std::string_view text) { return FromBase64Url(text).value_or("not base64url"); }

// FIPS 180-4 and NIST's example values.
TEST(Sha256, GivesTheKnownAnswers) {
  EXPECT_EQ(Hex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Hex(Sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(Sha256("a", "b", "c"), Sha256("abc"));
  EXPECT_EQ(Sha256("", "ab", "c"), Sha256("abc"));
}

TEST(Sha256, ServesManyThreads) {
  const Digest expected = Sha256("abc");
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&wrong, &expected, i] {
      for (int round = 0; round < 2'000; ++round) {
        wrong[i] += Sha256("ab", "c") == expected ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

// RFC 4231 sections 4.2, 4.3 and 4.7 (a key longer than the block).
TEST(HmacSha256, GivesTheKnownAnswers) {
  EXPECT_EQ(Hex(HmacSha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Hex(HmacSha256(std::string(131, '\xaa'),
                           "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// RFC 4648 section 10.
TEST(Base64, GivesTheKnownAnswers) {
  const std::vector<std::pair<std::string, std::string>> cases = {{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(Base64(bytes), text);
    EXPECT_EQ(FromBase64(text), bytes);
    const std::string unpadded = text.substr(0, text.find('='));
    EXPECT_EQ(Base64Url(bytes), unpadded);
    EXPECT_EQ(FromBase64Url(unpadded), bytes);
  }
  EXPECT_EQ(Base64("\xFB\xEF\xFF"), "++//");
  EXPECT_EQ(Base64Url("\xFB\xEF\xFF"), "--__");
}

TEST(Base64, IsStrict) {
  for (const char* text : {"Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm-v",
                           "Z=g=", "Zg==Zg==", "Zg==="}) {
    EXPECT_EQ(FromBase64(text), std::nullopt) << text;
  }
  for (const char* text : {"Z", "Zg==", "Zh", "Zm9", "Zm9v\n", "Zm+v", "Zm/v", "Zm9vY"}) {
    EXPECT_EQ(FromBase64Url(text), std::nullopt) << text;
  }
}

TEST(Uuid, IsNeverGivenOutTwice) {
  constexpr size_t kEach = 500;  // several draws of random bytes
  std::vector<std::string> here;
  std::vector<std::string> there;
  const auto make = [](std::vector<std::string>* ids) {
    for (size_t i = 0; i < kEach; ++i) {
      ids->push_back(Uuid7(1));
    }
  };
  std::thread other(make, &there);
  make(&here);
  other.join();
  std::set<std::string> all(here.begin(), here.end());
  all.insert(there.begin(), there.end());
  EXPECT_EQ(all.size(), 2 * kEach);
  // Nor by a child, which begins with its parent's memory.
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string id = Uuid7(1);
    _exit(write(ends[1], id.data(), id.size()) == static_cast<ssize_t>(id.size()) ? 0 : 1);
  }
  std::string of_child(36, '\0');
  EXPECT_EQ(read(ends[0], of_child.data(), of_child.size()), 36);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  close(ends[0]);
  close(ends[1]);
  EXPECT_NE(of_child, Uuid7(1));
}

TEST(Uuid, IsOfItsVersion) {
  const std::string seven = Uuid7(0x017F22E279B0);  // RFC 9562 appendix A.6
  EXPECT_EQ(seven.size(), 36u);
  EXPECT_EQ(seven.substr(0, 15), "017f22e2-79b0-7");
  EXPECT_NE(std::string("89ab").find(seven[19]), std::string::npos);
  EXPECT_NE(Uuid7(1), Uuid7(1));
  const std::string named = NamedUuid("PID-3");
  EXPECT_EQ(named.size(), 36u);
  EXPECT_EQ(named, NamedUuid("PID-3"));
  EXPECT_NE(named, NamedUuid("PID-4"));
  EXPECT_EQ(named[14], '8');
  EXPECT_NE(std::string("89ab").find(named[19]), std::string::npos);
}

TEST(RandomBytes, AreAsManyAsAskedAndDiffer) {
  EXPECT_EQ(RandomBytes(0).size(), 0u);
  EXPECT_EQ(RandomBytes(33).size(), 33u);
  EXPECT_NE(RandomBytes(16), RandomBytes(16));
}

TEST(EqualInConstantTime, Compares) {
  EXPECT_TRUE(EqualInConstantTime("", ""));
  EXPECT_TRUE(EqualInConstantTime("abc", "abc"));
  EXPECT_FALSE(EqualInConstantTime("abc", "abd"));
  EXPECT_FALSE(EqualInConstantTime("abc", "ab"));
}

TEST(Algorithm, HasItsJoseName) {
  for (const Algorithm algorithm : {Algorithm::kRs256, Algorithm::kRs384, Algorithm::kPs256,
                                    Algorithm::kEs256, Algorithm::kEs384, Algorithm::kEd25519}) {
    EXPECT_EQ(AlgorithmNamed(NameOf(algorithm)), algorithm);
  }
  EXPECT_EQ(NameOf(Algorithm::kPs256), "PS256");
  for (const char* name : {"none", "HS256", "rs256", "", "ES512"}) {
    EXPECT_EQ(AlgorithmNamed(name), std::nullopt) << name;
  }
}

constexpr std::string_view kJoeClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ";
constexpr std::string_view kRsaModulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4"
    "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re"
    "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX"
    "FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
constexpr std::string_view kRsaSignature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
    "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
    "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
constexpr std::string_view kEcX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr std::string_view kEcY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr std::string_view kEcSignature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

// RFC 7515 appendix A.2.
TEST(PublicKey, VerifiesTheExampleOfRs256) {
  const Result<PublicKey> key = PublicKey::FromRsa(Url(kRsaModulus), Url("AQAB"));
  ASSERT_TRUE(key.ok());
  const std::string message = "eyJhbGciOiJSUzI1NiJ9." + std::string(kJoeClaims);
  EXPECT_TRUE(key->Verify(Algorithm::kRs256, message, Url(kRsaSignature)));
  EXPECT_FALSE(key->Verify(Algorithm::kRs256, message + "x", Url(kRsaSignature)));
  EXPECT_FALSE(key->Verify(Algorithm::kRs384, message, Url(kRsaSignature)));
  EXPECT_FALSE(key->Verify(Algorithm::kPs256, message, Url(kRsaSignature)));
  EXPECT_FALSE(key->Verify(Algorithm::kEs256, message, Url(kRsaSignature)));
  EXPECT_FALSE(key->Verify(Algorithm::kRs256, message, Url(kRsaSignature) + "x"));
  EXPECT_FALSE(key->Verify(Algorithm::kRs256, message, ""));
  EXPECT_TRUE(key->Ed25519Bytes().empty());
}

// RFC 7515 appendix A.3.
TEST(PublicKey, VerifiesTheExampleOfEs256AtItsExactLengthOnly) {
  const Result<PublicKey> key = PublicKey::FromEc(Algorithm::kEs256, Url(kEcX), Url(kEcY));
  ASSERT_TRUE(key.ok());
  const std::string message = "eyJhbGciOiJFUzI1NiJ9." + std::string(kJoeClaims);
  const std::string signature = Url(kEcSignature);
  EXPECT_TRUE(key->Verify(Algorithm::kEs256, message, signature));
  for (size_t length = 0; length < signature.size(); ++length) {
    EXPECT_FALSE(key->Verify(Algorithm::kEs256, message, signature.substr(0, length)));
  }
  EXPECT_FALSE(key->Verify(Algorithm::kEs256, message, signature + std::string(1, '\0')));
  EXPECT_FALSE(key->Verify(Algorithm::kEs256, message, std::string(64, '\0')));
  EXPECT_FALSE(key->Verify(Algorithm::kEs384, message, signature));
  EXPECT_FALSE(key->Verify(Algorithm::kRs256, message, signature));
}

// RFC 6979 appendix A.2.6.
TEST(PublicKey, VerifiesTheExampleOfEs384) {
  const Result<PublicKey> key =
      PublicKey::FromEc(Algorithm::kEs384,
                        FromHex("EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64"
                                "DEF8F0EA9055866064A254515480BC13"),
                        FromHex("8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1"
                                "288B231C3AE0D4FE7344FD2533264720"));
  ASSERT_TRUE(key.ok());
  const std::string signature = FromHex(
      "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C"
      "81A648152E44ACF96E36DD1E80FABE46"
      "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F"
      "A329C145786E679E7B82C71A38628AC8");
  EXPECT_TRUE(key->Verify(Algorithm::kEs384, "sample", signature));
  EXPECT_FALSE(key->Verify(Algorithm::kEs384, "samplf", signature));
  EXPECT_FALSE(key->Verify(Algorithm::kEs256, "sample", signature));
}

// RFC 8037 appendix A.4 and RFC 8032 section 7.1, test 1.
TEST(PublicKey, VerifiesTheExamplesOfEd25519) {
  const std::string bytes = Url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  const Result<PublicKey> key = PublicKey::FromEd25519(bytes);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key->Ed25519Bytes(), bytes);
  const std::string message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  const std::string signature =
      Url("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  EXPECT_TRUE(key->Verify(Algorithm::kEd25519, message, signature));
  EXPECT_FALSE(key->Verify(Algorithm::kEd25519, message + " ", signature));
  EXPECT_FALSE(key->Verify(Algorithm::kEd25519, message, signature.substr(1)));
  EXPECT_TRUE(
      key->Verify(Algorithm::kEd25519, "",
                  FromHex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb88215"
                          "90a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")));
}

constexpr std::string_view kPssKey = R"(-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAteRP/pVTOvF4yEwrlnxU
SMikcGMnZ8E8HWnKQp+4t7kLsmoS3xVeJUjn/4Jjxfj0nQ04DY6bkxXC/yTmZoYq
R42BWWwaxSGE9CmtWTmVLH3NsU7GCbA0pZaJisfXn702EP6BWqMutyLhwYpQt1xb
xZnVgfEwQdUtKwS+nyRZKsl19TR0ziJpT2Rk3zGx3dfteieOOO5CLGe+ouP42NOf
w7UKwjv/6ZzWdmo+3bZJliVUoMxSx/yXY+A3tByHNvXwr3umt69aIOywE8WKI3Cd
nH82XlkbKPQNEZQvrpbtSTT3AxqMyBoY/c6KTGtsJOC4LYT4htzeEFUPF0GTAuq6
1QIDAQAB
-----END PUBLIC KEY-----
)";
constexpr std::string_view kPssSignature =
    "Z9CWY8TBisdbOqQ8i6eoMEbXTQ9ZLwZ9WZvMjjQeLON22s1hNtUyfIwpoUG4MWcrPan30mDjHeGYcFw8Y-wz9K2orzqM"
    "ht_Fh6YVGCwzTNc4S6WtdvXpUwWoN-FpYn7g_TBC5vIHIkg5Ve2N4Zj15MRIQrW44ruvWDu4oMosY8NSoDfU9sDDnYY-"
    "Ub0XEhpMoqBWEVCBFD9yDPtgDvx4U49merBNsBh_G9kcvtgo-JUKJPuTJZ7rn2tFlXBSS6QBkJZ0TvEPNUrIC8Yjrtx-"
    "Q1QUtXvpOyWOiqIZpRAr4baoxVMwav0hB3FhLpKdDVn-99PtPZvZ1SU8iLQvLHpU0w";
constexpr std::string_view kPssSignatureOfShortSalt =
    "eOjjuRHjVAVzdVNjUM7cRfNJATIPuqrK506aYop4ttL9xRk4lWO2vwEvp3OkJenvq3mvF5_FwsC5Tgt4C-EtKaQqbt2g"
    "T4HWRa1hhbiOxORs-f9ixuSFs6bdWQPhYCTKHdcRsKcjg1yhqAGa3HPCFOvWWgu8E1e0GIlUcY272uSkLfj-hVHEvFp7"
    "114_eefuMnsYbPQyukRgc6tYg-Ymdtp2nnON11-y0P1C-mgp0ZmT7YrZyhw3o4e9SCDgTQUdTq_4XwxgpL0w22iuukre"
    "4ZMxEDeXMfduMq9UQnAVKRC_Alzx7o6RvIftZiNY9szW_Y-mZwcKoDD8t4skAdiGIQ";
constexpr std::string_view kRs384Signature =
    "QA5Bd8UbzPsF8Md3z5m57qPCNbtZYvHaRntSPli6Ba9e9U2HWgw6rqivfZXWsHttslIF2pen1f0bnJuaP_G3HfA6Tf80"
    "GN5asCzLB8Lb0Uxbi0js4c7xw7W0cU3u9AAXW9IQ0Lx8GOZ6PUIqdaBkjIu72dyRY78kXNnWwWC4Wg7drNvR7GrpeFTY"
    "sDUFb4ihearZ-vLjIAftt4OnwQ5_IEWEpo3ds_TS1TU_STo_BybMvzXroJ4aY7QQVMl3o2t7lBSp_ZmpPwrdL9M22Pmf"
    "cTHXhO8GESBqF90Zqhiqqmg6gakmbuTdZQszyabLdz1I8tpZqjxF2_7zZiw7Md_DYA";

// Signatures over "care plan" by the openssl program.
TEST(PublicKey, VerifiesPs256WithASaltOfTheHashsLengthOnly) {
  const Result<PublicKey> key = PublicKey::FromPem(kPssKey);
  ASSERT_TRUE(key.ok());
  EXPECT_TRUE(key->Verify(Algorithm::kPs256, "care plan", Url(kPssSignature)));
  EXPECT_FALSE(key->Verify(Algorithm::kPs256, "care plan", Url(kPssSignatureOfShortSalt)));
  EXPECT_FALSE(key->Verify(Algorithm::kRs256, "care plan", Url(kPssSignature)));
  EXPECT_TRUE(key->Verify(Algorithm::kRs384, "care plan", Url(kRs384Signature)));
}

TEST(PublicKey, RefusesNumbersThatMakeNoKey) {
  const std::string n = Url(kRsaModulus);
  EXPECT_FALSE(PublicKey::FromRsa("", "").ok());
  EXPECT_FALSE(PublicKey::FromRsa(n, "").ok());
  EXPECT_FALSE(PublicKey::FromRsa(n, std::string(1, '\1')).ok());  // every text verifies
  EXPECT_FALSE(PublicKey::FromRsa(n, std::string(1, '\2')).ok());
  EXPECT_FALSE(PublicKey::FromRsa(n, std::string(9, '\3')).ok());        // slow to verify
  EXPECT_FALSE(PublicKey::FromRsa(n.substr(0, 128), Url("AQAB")).ok());  // 1024 bits
  EXPECT_FALSE(PublicKey::FromRsa(std::string(2048, '\xFF'), Url("AQAB")).ok());
  const std::string x = Url(kEcX);
  const std::string y = Url(kEcY);
  EXPECT_FALSE(PublicKey::FromEc(Algorithm::kEs256, y, x).ok());  // not on the curve
  EXPECT_FALSE(PublicKey::FromEc(Algorithm::kEs256, x.substr(1), y).ok());
  EXPECT_FALSE(PublicKey::FromEc(Algorithm::kEs256, x, y + "x").ok());
  EXPECT_FALSE(PublicKey::FromEc(Algorithm::kEs384, x, y).ok());
  EXPECT_FALSE(PublicKey::FromEc(Algorithm::kRs256, x, y).ok());
  EXPECT_FALSE(PublicKey::FromEd25519("short").ok());
}

TEST(PublicKey, RefusesPemOfOtherKinds) {
  // 1024-bit RSA, the curve secp256k1, no PEM at all, more than a key can need.
  const std::vector<std::pair<std::string, Code>> cases = {
      {R"(-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDj2RHA89lRvCYuPTuCWIEl0h/6
n9CcRGIqcrwsBxf0BfKBii7NZvocI0FKKKTifzx4QbhMpkhpZQSEhSq0yBmpmTxp
DAKRgCWvR768/VZRG02lBbYodmr5zWQSuxw3tFfzzwVThP9yxvp4W1AtikSiERNn
UKsRPO1pXE22sAEOAwIDAQAB
-----END PUBLIC KEY-----
)",
       Code::kUnsupported},
      {R"(-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEdfupMS4NZX91gVD6mfT74efBtLDaWpR+
NeNRxM4qBkpzRwgA1Ko6+4ouUYIoIAS4Nd+DgvL6cTRASxfs3pZpsA==
-----END PUBLIC KEY-----
)",
       Code::kUnsupported},
      {"", Code::kInvalid},
      {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", Code::kInvalid},
      {std::string(16 * 1024 + 1, 'A'), Code::kTooLarge}};
  for (const auto& [pem, code] : cases) {
    const Result<PublicKey> key = PublicKey::FromPem(pem);
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.error().code, code);
  }
}

TEST(PrivateKey, RefusesAnEncryptedKeyWithoutAsking) {
  EXPECT_FALSE(PrivateKey::FromPem(R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAj2wcCdAguQVAICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEELr4DE3GLE9o0/R8l4tfAsoEQGem
nfgbixXXtBhFbWD3ABv4ARYkeA8QL2oPcu397lj8kVRv2poGvWeDFJdHpHHWh6Ke
arxavS0AOGvFiIRT4Ok=
-----END ENCRYPTED PRIVATE KEY-----
)")
                   .ok());
  EXPECT_FALSE(PrivateKey::FromPem("").ok());
  EXPECT_FALSE(PrivateKey::FromPem(kPssKey).ok());
}

Result<PublicKey> FromJwk(const Json& jwk) {
  if (jwk.TextOf("kty") == "RSA") {
    return PublicKey::FromRsa(Url(jwk.TextOf("n")), Url(jwk.TextOf("e")));
  }
  if (jwk.TextOf("kty") == "OKP") {
    return PublicKey::FromEd25519(Url(jwk.TextOf("x")));
  }
  return PublicKey::FromEc(*AlgorithmNamed(jwk.TextOf("alg")), Url(jwk.TextOf("x")),
                           Url(jwk.TextOf("y")));
}

TEST(PrivateKey, SignsWhatEachFormOfItsPublicHalfVerifies) {
  const std::vector<std::pair<Algorithm, size_t>> cases = {
      {Algorithm::kRs256, 256}, {Algorithm::kRs384, 256}, {Algorithm::kPs256, 256},
      {Algorithm::kEs256, 64},  {Algorithm::kEs384, 96},  {Algorithm::kEd25519, 64}};
  for (const auto& [algorithm, length] : cases) {
    SCOPED_TRACE(NameOf(algorithm));
    const Result<PrivateKey> made = PrivateKey::Generate(algorithm);
    ASSERT_TRUE(made.ok());
    const Result<PrivateKey> key = PrivateKey::FromPem(made->ToPem());
    ASSERT_TRUE(key.ok());
    const Result<std::string> signature = key->Sign(algorithm, "message");
    ASSERT_TRUE(signature.ok());
    EXPECT_EQ(signature->size(), length);
    const Result<Json> jwk = Json::Parse(made->PublicJwk(algorithm, "key-1"), Limits{});
    ASSERT_TRUE(jwk.ok());
    EXPECT_EQ(jwk->TextOf("kid"), "key-1");
    EXPECT_EQ(jwk->TextOf("alg"), NameOf(algorithm));
    EXPECT_EQ(jwk->Find("d"), nullptr);
    const Result<PublicKey> from_jwk = FromJwk(*jwk);
    const Result<PublicKey> from_pem = PublicKey::FromPem(made->PublicPem());
    ASSERT_TRUE(from_jwk.ok() && from_pem.ok());
    for (const PublicKey& half : {*from_jwk, *from_pem, made->Public()}) {
      EXPECT_TRUE(half.Verify(algorithm, "message", *signature));
      EXPECT_FALSE(half.Verify(algorithm, "massage", *signature));
    }
  }
}

TEST(PrivateKey, RefusesAnAlgorithmThatDoesNotFit) {
  const Result<PrivateKey> key = PrivateKey::Generate(Algorithm::kEs256);
  ASSERT_TRUE(key.ok());
  EXPECT_FALSE(key->Sign(Algorithm::kEs384, "message").ok());
  EXPECT_FALSE(key->Sign(Algorithm::kRs256, "message").ok());
  EXPECT_FALSE(key->Sign(Algorithm::kEd25519, "message").ok());
}

TEST(PrivateKey, KeepsTheWidthOfShortNumbers) {
  // About one signature in 128 has an r or s that begins with a zero byte.
  const Result<PrivateKey> key = PrivateKey::Generate(Algorithm::kEs256);
  ASSERT_TRUE(key.ok());
  const PublicKey half = key->Public();
  int short_numbers = 0;
  for (int i = 0; i < 4000 && short_numbers < 2; ++i) {
    const std::string message = std::to_string(i);
    const Result<std::string> signature = key->Sign(Algorithm::kEs256, message);
    ASSERT_EQ(signature->size(), 64u);
    if ((*signature)[0] == 0 || (*signature)[32] == 0) {
      ++short_numbers;
      EXPECT_TRUE(half.Verify(Algorithm::kEs256, message, *signature));
    }
  }
  EXPECT_EQ(short_numbers, 2);
}

}  // namespace
}  // namespace gw::crypto
