#include "gateway/audit/merkle.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

namespace gw::audit {
namespace {

// The definition of RFC 9162 section 2.1.1, word for word: MTH of a list is the node hash of the
// two lists split at the largest power of two that is smaller than its length.
crypto::Digest DefinedRoot(std::span<const crypto::Digest> leaves) {
  if (leaves.empty()) {
    return crypto::Sha256({});
  }
  if (leaves.size() == 1) {
    return leaves.front();
  }
  size_t split = 1;
  while (split * 2 < leaves.size()) {
    split *= 2;
  }
  return NodeHash(DefinedRoot(leaves.first(split)), DefinedRoot(leaves.subspan(split)));
}

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// The inputs and roots that implementations of Certificate Transparency (RFC 6962) test with.
TEST(Merkle, GivesTheKnownRoots) {
  const std::vector<std::string> inputs = {"",
                                           "00",
                                           "10",
                                           "2021",
                                           "3031",
                                           "40414243",
                                           "5051525354555657",
                                           "606162636465666768696a6b6c6d6e6f"};
  const std::vector<std::string> roots = {
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Tree tree;
  EXPECT_EQ(crypto::Hex(tree.Root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (size_t i = 0; i < inputs.size(); ++i) {
    tree.Append(LeafHash({}, FromHex(inputs[i])));
    EXPECT_EQ(crypto::Hex(tree.Root()), roots[i]) << i;
    EXPECT_EQ(tree.size(), i + 1);
  }
}

TEST(Merkle, FollowsTheDefinitionAtEverySize) {
  std::vector<crypto::Digest> leaves;
  Tree tree;
  for (int i = 0; i < 300; ++i) {
    leaves.push_back(LeafHash("id", std::to_string(i)));
    tree.Append(leaves.back());
    ASSERT_EQ(tree.Root(), DefinedRoot(leaves)) << i;
  }
}

TEST(Merkle, KeepsLeavesAndNodesApart) {
  const crypto::Digest a = LeafHash("", "a");
  const crypto::Digest b = LeafHash("", "b");
  const std::string both = std::string(crypto::AsBytes(a)) + std::string(crypto::AsBytes(b));
  EXPECT_NE(NodeHash(a, b), LeafHash("", both));
  EXPECT_NE(NodeHash(a, b), NodeHash(b, a));
}

}  // namespace
}  // namespace gw::audit
