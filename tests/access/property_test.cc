// Properties of the consent decision over many generated Consents: what must hold whatever they
// say.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "tests/access/consent_cases.h"

namespace gw::access {
namespace {

// A provision as data, so that it can be changed and written again.
struct Tree {
  bool deny = false;
  std::vector<std::string> criteria;
  std::vector<Tree> children;
};

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

  Tree Provision(uint32_t depth) {
    Tree tree;
    tree.deny = Below(2) == 0;
    const std::vector<std::string> all = {
        Purpose(Pick({"TREAT", "HRESCH", "CLINTRCH", "POPHLTH", "XYZZY"})),
        ActorJson(Pick({"Organization/hosp-a", "Organization/gp-b", "Practitioner/dr-a", "Group/g",
                        "RelatedPerson/rp1"}),
                  Pick({"IRCP", "IRCP", "IRCP", "CST"})),
        Action(Pick({"access", "correct", "use"})),
        Class(Pick({"Observation", "Condition", "Goat"})),
        Label(Pick({"HIV", "SUD", "ETHUD", "NOPE"})),
        Label(Pick({"N", "R", "V"}), "v3-Confidentiality"),
        R"("period":{"start":")" + Pick({"2020", "2027", "2026-11-21"}) + "\"}",
    };
    for (const std::string& criterion : all) {
      const bool label_twice = criterion.starts_with(R"("securityLabel")") && HasLabel(tree);
      if (Below(4) == 0 && !label_twice) {
        tree.criteria.push_back(criterion);
      }
    }
    for (uint32_t i = depth == 0 ? 0 : Below(3); i > 0; --i) {
      tree.children.push_back(Provision(depth - 1));
    }
    return tree;
  }

  Request Asker() {
    Request request = Request().As(Pick({"hosp-a", "gp-b", ""}), Pick({"dr-a", "dr-b", ""}),
                                   Pick({"doctor", "clerk"}));
    if (Below(6) == 0) {
      request.AsProxy("rp1", true);
    }
    request.For(Pick({"TREAT", "TREAT", "HRESCH", "CLINTRCH", "FAMRQT"}));
    request.interaction = Below(4) == 0 ? Interaction::kUpdate : Interaction::kRead;
    request.policy.implicit = static_cast<ImplicitPolicy>(Below(4));
    return request;
  }

  std::string Pick(const std::vector<std::string>& from) {
    return from[Below(static_cast<uint32_t>(from.size()))];
  }

  std::string LabelClass() {
    return Pick({"Observation", "Condition R HIV@v3-ActCode", "Condition R ETHUD@v3-ActCode",
                 "Goal V", "Condition +Observation", "Encounter ~text", "Goal X@urn:x"});
  }

  template <typename List>
  void Shuffle(List* list) {
    std::shuffle(list->begin(), list->end(), random_);
  }

 private:
  static bool HasLabel(const Tree& tree) {
    return std::any_of(tree.criteria.begin(), tree.criteria.end(), [](const std::string& text) {
      return text.starts_with(R"("securityLabel")");
    });
  }

  std::mt19937 random_;
};

std::string Written(const Tree& tree) {
  std::vector<std::string> parts = tree.criteria;
  std::string children;
  for (const Tree& child : tree.children) {
    children += (children.empty() ? "" : ",") + Written(child);
  }
  if (!children.empty()) {
    parts.push_back(Nested(children));
  }
  return Rule(tree.deny ? "deny" : "permit", parts);
}

std::string Consent(const std::string& id, const Tree& tree, const std::string& policy_rule) {
  return ConsentJson(
      id, (policy_rule.empty() ? "" : PolicyRule(policy_rule)) + ",\"provision\":" + Written(tree));
}

void Permute(Tree* tree, Generator* generator) {
  generator->Shuffle(&tree->children);
  for (Tree& child : tree->children) {
    Permute(&child, generator);
  }
}

// A provision somewhere in the tree.
Tree* Somewhere(Tree* tree, Generator* generator) {
  while (!tree->children.empty() && generator->Below(3) != 0) {
    tree = &tree->children[generator->Below(static_cast<uint32_t>(tree->children.size()))];
  }
  return tree;
}

constexpr uint32_t kRounds = 1000;

TEST(Property, AddingADenyNeverWidens) {
  Generator generator(1);
  int permits = 0;
  for (uint32_t round = 0; round < kRounds; ++round) {
    Tree tree = generator.Provision(3);
    const std::string rule = generator.Pick({"", "", "OPTIN", "OPTOUT"});
    const Request request = generator.Asker();
    const std::string label_class = generator.LabelClass();
    const bool before = Decide(request, {Consent("c1", tree, rule)}, label_class).permit;
    Tree deny = generator.Provision(0);
    deny.deny = true;
    const std::string narrow = Consent("c2", deny, "");
    EXPECT_LE(Decide(request, {Consent("c1", tree, rule), narrow}, label_class).permit,
              before || Decide(request, {}, label_class).permit)
        << "a second Consent\n"
        << Written(tree) << "\n"
        << narrow;
    if (!before) {
      Somewhere(&tree, &generator)->children.push_back(deny);
      EXPECT_FALSE(Decide(request, {Consent("c1", tree, rule)}, label_class).permit)
          << Written(tree) << "\n"
          << label_class;
    }
    permits += before ? 1 : 0;
  }
  EXPECT_GT(permits, 100) << "the generator makes decisions of both kinds";
}

TEST(Property, OrderChangesNothing) {
  Generator generator(2);
  for (uint32_t round = 0; round < kRounds; ++round) {
    std::vector<Tree> trees;
    for (uint32_t i = 1 + generator.Below(3); i > 0; --i) {
      trees.push_back(generator.Provision(2));
    }
    const Request request = generator.Asker();
    const std::string label_class = generator.LabelClass();
    std::vector<std::string> consents;
    std::vector<std::string> permuted;
    for (size_t i = 0; i < trees.size(); ++i) {
      const std::string id = "c" + std::to_string(i);
      consents.push_back(Consent(id, trees[i], ""));
      Permute(&trees[i], &generator);
      permuted.push_back(Consent(id, trees[i], ""));
    }
    generator.Shuffle(&permuted);
    const Decision first = Decide(request, consents, label_class);
    const Decision second = Decide(request, permuted, label_class);
    EXPECT_EQ(first.permit, second.permit);
    EXPECT_EQ(first.reason, second.reason);
    EXPECT_EQ(first.consent, second.consent);
  }
}

TEST(Property, AnUnreadableConsentAlwaysDenies) {
  Generator generator(3);
  for (uint32_t round = 0; round < kRounds / 4; ++round) {
    Tree tree = generator.Provision(3);
    Somewhere(&tree, &generator)->criteria.push_back(R"("dataPeriod":{"start":"2020"})");
    const Request request = generator.Asker();
    // Outside the window of its root a Consent is as if it were not there, unreadable or not.
    const bool governs = std::none_of(
        tree.criteria.begin(), tree.criteria.end(),
        [](const std::string& criterion) { return criterion.starts_with(R"("period")"); });
    if (governs) {
      EXPECT_FALSE(Decide(request, {Consent("c1", tree, "OPTIN")}).permit) << Written(tree);
    }
  }
}

}  // namespace
}  // namespace gw::access
