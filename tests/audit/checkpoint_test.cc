#include "gateway/audit/checkpoint.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/audit/merkle.h"

namespace gw::audit {
namespace {

// RFC 8032 section 7.1, test 1: a key that everybody knows, so that the example of
// docs/audit_log_format.md can be worked again.
const crypto::PrivateKey& KnownKey() {
  static const crypto::PrivateKey key = *crypto::PrivateKey::FromPem(
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
      "-----END PRIVATE KEY-----\n");
  return key;
}

const VerifierKey& KnownVerifier() {
  static const VerifierKey key = *VerifierKey::Of("caregate.example/log", KnownKey().Public());
  return key;
}

constexpr Instant kTime{1'768'903'200'123'000};

Checkpoint Signed(uint64_t size) {
  return *SignCheckpoint(size, crypto::Sha256("root"), kTime, KnownVerifier(), KnownKey());
}

TEST(VerifierKey, HasTheTextOfASignedNoteKey) {
  const VerifierKey key = KnownVerifier();
  EXPECT_EQ(key.Text(), "caregate.example/log+" + crypto::Hex(key.hash()) +
                            "+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea");
  const Result<VerifierKey> parsed = VerifierKey::Parse(key.Text() + "\n");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->Text(), key.Text());
  EXPECT_EQ(parsed->name(), "caregate.example/log");
}

// The example key of the Go sumdb documentation, which the C2SP specification took over.
TEST(VerifierKey, HashesAsOthersDo) {
  const std::string text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  const Result<VerifierKey> key = VerifierKey::Parse(text);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(crypto::Hex(key->hash()), "c74f20a3");
  EXPECT_TRUE(key->Verify(
      "If you think cryptography is the answer to your problem,\n"
      "then you don't know what your problem is.\n",
      crypto::FromBase64("x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdn"
                         "gotpRZb6KE6RyyBwJnAM=")
          ->substr(4)));
}

TEST(VerifierKey, RefusesWhatIsNone) {
  const std::string good = KnownVerifier().Text();
  for (const std::string& text :
       {std::string(), std::string("caregate.example/log"), good + "x", good.substr(1), " " + good,
        std::string("caregate.example/log+00000000+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"),
        std::string("n+00000000+AQ=="), std::string("n+00000000+")}) {
    EXPECT_FALSE(VerifierKey::Parse(text).ok()) << text;
  }
  const crypto::PrivateKey other = *crypto::PrivateKey::Generate(crypto::Algorithm::kEs256);
  EXPECT_FALSE(VerifierKey::Of("name", other.Public()).ok());
  EXPECT_FALSE(VerifierKey::Of("", KnownKey().Public()).ok());
  EXPECT_FALSE(VerifierKey::Of("a name", KnownKey().Public()).ok());
  EXPECT_FALSE(VerifierKey::Of("a+name", KnownKey().Public()).ok());
  EXPECT_FALSE(VerifierKey::Of("a\nname", KnownKey().Public()).ok());
}

TEST(Checkpoint, HasTheTextOfATlogCheckpoint) {
  const Checkpoint checkpoint = Signed(42);
  const std::string body = "caregate.example/log\n42\n" +
                           crypto::Base64(crypto::AsBytes(crypto::Sha256("root"))) +
                           "\ntime 2026-01-20T10:00:00.123Z\n";
  EXPECT_EQ(checkpoint.signed_note.substr(0, body.size()), body);
  EXPECT_EQ(checkpoint.signed_note.substr(body.size(), 26), "\n\u2014 caregate.example/log ");
  EXPECT_EQ(checkpoint.signed_note.back(), '\n');
  const Result<Checkpoint> parsed = ParseCheckpoint(checkpoint.signed_note, KnownVerifier());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->size, 42u);
  EXPECT_EQ(parsed->root, crypto::Sha256("root"));
  EXPECT_EQ(parsed->time, kTime);
  EXPECT_EQ(parsed->origin, "caregate.example/log");
  EXPECT_EQ(parsed->signed_note, checkpoint.signed_note);
}

TEST(Checkpoint, RefusesEveryChangeOfAByte) {
  const std::string note = Signed(1'000'000).signed_note;
  for (size_t at = 0; at < note.size(); ++at) {
    for (const int mask : {0x01, 0x02, 0x20, 0x80, 0xFF}) {
      std::string changed = note;
      changed[at] = static_cast<char>(changed[at] ^ mask);
      EXPECT_FALSE(ParseCheckpoint(changed, KnownVerifier()).ok()) << at << " " << mask;
    }
    EXPECT_FALSE(ParseCheckpoint(note.substr(0, at), KnownVerifier()).ok()) << at;
  }
  EXPECT_FALSE(ParseCheckpoint(note + "\n", KnownVerifier()).ok());
}

TEST(Checkpoint, RefusesAnotherKeyOrName) {
  const crypto::PrivateKey other = *crypto::PrivateKey::Generate(crypto::Algorithm::kEd25519);
  const VerifierKey same_name = *VerifierKey::Of("caregate.example/log", other.Public());
  const VerifierKey same_key = *VerifierKey::Of("caregate.example/other", KnownKey().Public());
  EXPECT_FALSE(ParseCheckpoint(Signed(1).signed_note, same_name).ok());
  EXPECT_FALSE(ParseCheckpoint(Signed(1).signed_note, same_key).ok());
}

TEST(SplitNotes, TellsTornFromDamaged) {
  const VerifierKey key = KnownVerifier();
  const std::string first = Signed(1).signed_note + "\n";
  const std::string second = Signed(200).signed_note + "\n";
  const std::string two = first + second;
  const NoteList both = SplitNotes(two, key);
  ASSERT_EQ(both.notes.size(), 2u);
  EXPECT_EQ(both.notes[1], Signed(200).signed_note);
  EXPECT_EQ(both.whole_bytes, first.size() + second.size());
  EXPECT_EQ(both.torn_bytes, 0u);
  EXPECT_FALSE(both.damaged);
  for (size_t length = 1; length < second.size(); ++length) {
    const NoteList torn = SplitNotes(first + second.substr(0, length), key);
    EXPECT_EQ(torn.notes.size(), 1u) << length;
    EXPECT_EQ(torn.torn_bytes, length);
    EXPECT_FALSE(torn.damaged);
  }
  EXPECT_TRUE(SplitNotes(first + "rubbish", key).damaged);
  EXPECT_TRUE(SplitNotes(first + "\n" + second, key).damaged);
  EXPECT_TRUE(SplitNotes("another.example/log\n1\n", key).damaged);
  EXPECT_TRUE(SplitNotes("caregate.example/log\n01\n", key).damaged);
  EXPECT_TRUE(SplitNotes(first + std::string(10, '\0'), key).damaged);
  EXPECT_TRUE(SplitNotes("", key).notes.empty());
}

// A note whose bytes were changed is never taken for a torn one.
TEST(SplitNotes, NeverTakesAChangedNoteForATornOne) {
  const VerifierKey key = KnownVerifier();
  const std::string note = Signed(12'345).signed_note + "\n";
  for (size_t at = 0; at < note.size(); ++at) {
    for (const char byte : std::string_view("\0\n 09AZaz+/=-:.T\xE2\xFF", 18)) {
      std::string changed = note;
      changed[at] = byte;
      if (changed != note) {
        const NoteList list = SplitNotes(changed, key);
        EXPECT_EQ(list.torn_bytes, 0u) << at << " " << static_cast<int>(byte);
        EXPECT_TRUE(list.damaged || !ParseCheckpoint(list.notes.at(0), key).ok());
      }
    }
  }
}

}  // namespace
}  // namespace gw::audit
