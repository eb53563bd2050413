#include "data/transforms/transforms.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::tests {
namespace {

using Strings = std::vector<std::string>;

/// Turns with these texts, by A and B in turn.
data::Turns turns_of(const Strings& texts) {
  data::Turns made;
  for (std::size_t i = 0; i < texts.size(); ++i)
    made.push_back({i % 2 == 0 ? "A" : "B", texts[i], std::to_string(i)});
  return made;
}

data::Turns made_turns(std::size_t count) {
  Strings texts;
  for (std::size_t i = 0; i < count; ++i) texts.push_back("turn " + std::to_string(i));
  return turns_of(texts);
}

Strings texts(const data::Turns& turns) {
  Strings all;
  for (const auto& turn : turns) all.push_back(turn.text);
  return all;
}

/// The same turns whatever their order.
std::multiset<std::string> as_bag(const data::Turns& turns) {
  std::multiset<std::string> bag;
  for (const auto& turn : turns) bag.insert(turn.speaker + "|" + turn.text + "|" + turn.time);
  return bag;
}

data::Dialogue dialogue(std::size_t turns, const std::string& id = "d") {
  data::Dialogue made;
  made.id = id;
  made.group = "g";
  made.meta = {{"k", "v"}};
  made.personas = {{"A", {"fact"}}};
  made.turns = made_turns(turns);
  return made;
}

data::TransformOptions read(const std::string& yaml) {
  const auto config = configs::Config::parse(yaml, "recipe.yaml");
  auto section = config.root();
  return data::TransformOptions::from(section);
}

std::string complaint(const std::string& yaml) {
  try {
    (void)read(yaml);
  } catch (const base::ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(TurnChangesTest, DropAndReverseWhatTheirNamesSay) {
  const auto five = turns_of({"a", "b", "c", "d", "e"});
  EXPECT_EQ(texts(data::reverse_turns(five)), (Strings{"e", "d", "c", "b", "a"}));
  EXPECT_EQ(texts(data::drop_first_half(five)), (Strings{"c", "d", "e"}));
  EXPECT_EQ(texts(data::drop_first_half(turns_of({"a", "b", "c", "d"}))), (Strings{"c", "d"}));
  EXPECT_EQ(texts(data::drop_last_turn(five)), (Strings{"a", "b", "c", "d"}));
  EXPECT_EQ(texts(data::keep_last_turn(five)), Strings{"e"});
  EXPECT_EQ(data::reverse_turns(five)[0], five[4]);  // speaker and time go with the text
}

TEST(TurnChangesTest, OneTurnAndNoneAreContextsToo) {
  const auto one = made_turns(1);
  EXPECT_EQ(data::shuffle_turns(one, 1), one);
  EXPECT_EQ(data::reverse_turns(one), one);
  EXPECT_EQ(data::drop_first_half(one), one);
  EXPECT_EQ(data::drop_last_turn(one), data::Turns());
  EXPECT_EQ(data::keep_last_turn(one), one);
  EXPECT_EQ(data::drop_turns(one, 1, 1), one);
  for (const auto& row : data::transforms())
    EXPECT_TRUE(row.change({}, {std::string(row.name)}, 1).empty()) << row.name;
}

TEST(TurnChangesTest, AShuffleKeepsAllTurnsAndDrawsAllOrdersAlike) {
  std::map<Strings, int> orders;
  for (std::uint64_t key = 0; key < 6000; ++key) {
    const auto shuffled = data::shuffle_turns(made_turns(3), key);
    EXPECT_EQ(as_bag(shuffled), as_bag(made_turns(3)));
    EXPECT_EQ(shuffled, data::shuffle_turns(made_turns(3), key));
    ++orders[texts(shuffled)];
  }
  EXPECT_EQ(orders.size(), 6U);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 1000, 150);  // 5 deviations
}

TEST(TurnChangesTest, DropsTheShareInTheMeanAndKeepsTheOrder) {
  std::size_t kept = 0;
  for (std::uint64_t key = 0; key < 1000; ++key) {
    const auto left = data::drop_turns(made_turns(10), 0.2, key);
    kept += left.size();
    EXPECT_TRUE(std::ranges::is_sorted(left, {}, &data::Turn::time));
  }
  EXPECT_NEAR(static_cast<double>(kept), 8000, 200);
  EXPECT_EQ(data::drop_turns(made_turns(9), 0, 1), made_turns(9));
  EXPECT_EQ(texts(data::drop_turns(made_turns(9), 1, 1)), Strings{"turn 8"});
}

TEST(TurnChangesTest, ShuffledWordsStayInTheirTurnAndSpacesInTheirPlace) {
  const auto before = turns_of({" a  bb\tccc d ", "one", "x y z x y z x y z"});
  bool any_other = false;
  for (std::uint64_t key = 0; key < 50; ++key) {
    const auto after = data::shuffle_words(before, key);
    ASSERT_EQ(after.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(after[i].speaker, before[i].speaker);
      EXPECT_EQ(base::count_words(after[i].text), base::count_words(before[i].text));
      auto letters = after[i].text;
      auto wanted = before[i].text;
      std::ranges::sort(letters);
      std::ranges::sort(wanted);
      EXPECT_EQ(letters, wanted);
    }
    EXPECT_EQ(after[0].text.front(), ' ');
    EXPECT_EQ(after[0].text.back(), ' ');
    EXPECT_EQ(after[1].text, "one");
    any_other = any_other || after[0].text != before[0].text;
  }
  EXPECT_TRUE(any_other);
  // Turns of equal text need not get the same order.
  const auto twins = data::shuffle_words(turns_of({"a b c d e f g", "a b c d e f g"}), 1);
  EXPECT_NE(twins[0].text, twins[1].text);
}

TEST(TransformsTest, TheReplyStaysWhateverIsDone) {
  for (const auto& row : data::transforms())
    for (const std::size_t turns : {1, 2, 3, 7}) {
      const auto before = dialogue(turns);
      const auto after = data::transform(before, {std::string(row.name), 0.5, 3});
      ASSERT_FALSE(after.turns.empty()) << row.name;
      EXPECT_EQ(after.turns.back(), before.turns.back()) << row.name;
      EXPECT_EQ(after.id, before.id);
      EXPECT_EQ(after.group, before.group);
      EXPECT_EQ(after.meta, before.meta);
      EXPECT_EQ(after.personas, before.personas);
      data::Turns context(before.turns.begin(), before.turns.end() - 1);
      context = data::transform(context, {std::string(row.name), 0.5, 3}, before.id);
      context.push_back(before.turns.back());
      EXPECT_EQ(after.turns, context) << row.name;
    }
  EXPECT_TRUE(data::transform(data::Dialogue(), {"reverse_turns"}).turns.empty());
}

TEST(TransformsTest, EveryOneChangesSomeDialogue) {
  for (const auto& row : data::transforms()) {
    bool any = false;
    for (int i = 0; i < 20; ++i) {
      const auto before = dialogue(6, std::to_string(i));
      any = any || data::transform(before, {std::string(row.name)}).turns != before.turns;
    }
    EXPECT_TRUE(any) << row.name;
  }
}

TEST(TransformsTest, DrawsAreFunctionsOfSeedNameAndIdAlone) {
  for (const auto& row : data::transforms()) {
    const data::TransformOptions options{std::string(row.name), 0.5, 1};
    auto other_seed = options;
    other_seed.seed = 2;
    int by_seed = 0;
    int by_id = 0;
    for (int i = 0; i < 40; ++i) {
      const auto before = dialogue(9, std::to_string(i));
      const auto after = data::transform(before, options).turns;
      EXPECT_EQ(data::transform(before, options).turns, after);
      by_seed += data::transform(before, other_seed).turns != after ? 1 : 0;
      by_id +=
          data::transform(dialogue(9, "x" + std::to_string(i)), options).turns != after ? 1 : 0;
    }
    EXPECT_EQ(by_seed > 20, row.is_random) << row.name;
    EXPECT_EQ(by_id > 20, row.is_random) << row.name;
  }
  EXPECT_NE(data::transform_key({"drop_turns"}, "d"), data::transform_key({"shuffle_turns"}, "d"));
}

TEST(TransformsTest, TheShareIsUsed) {
  const auto mean = [](double share) {
    std::size_t turns = 0;
    for (int i = 0; i < 100; ++i)
      turns += data::transform(dialogue(11, std::to_string(i)), {"drop_turns", share}).turns.size();
    return static_cast<double>(turns) / 100;
  };
  EXPECT_NEAR(mean(0.2), 9, 0.7);
  EXPECT_NEAR(mean(0.7), 4, 0.8);
}

TEST(TransformsTest, ThreadsAndOrderChangeNothing) {
  std::vector<data::Dialogue> forward(64);
  std::vector<data::Dialogue> backward(64);
  const data::TransformOptions options{"shuffle_turns"};
  const auto make = [&](std::vector<data::Dialogue>& all, std::size_t i) {
    all[i] = data::transform(dialogue(8, std::to_string(i)), options);
  };
  std::jthread one([&] {
    for (std::size_t i = 0; i < 64; ++i) make(forward, i);
  });
  std::jthread two([&] {
    for (std::size_t i = 64; i-- > 0;) make(backward, i);
  });
  one.join();
  two.join();
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(forward[i].turns, backward[i].turns);
}

TEST(TransformOptionsTest, ReadsTheKeysThatATransformUses) {
  const auto o = read("name: drop_turns\nshare: 0.2\nseed: 7\n");
  EXPECT_EQ(o.name, "drop_turns");
  EXPECT_EQ(o.share, 0.2);
  EXPECT_EQ(o.seed, 7U);
  EXPECT_EQ(read("name: shuffle_turns\n").seed, 1U);
}

TEST(TransformOptionsTest, SaysWhatIsWrong) {
  EXPECT_EQ(complaint("name: turn_off\n"),
            "recipe.yaml:1: name: must be one of drop_first_half|drop_last_turn|drop_turns|"
            "keep_last_turn|reverse_turns|shuffle_turns|shuffle_words, got turn_off");
  EXPECT_NE(complaint("share: 0.2\n").find("name: is missing"), std::string::npos);
  EXPECT_NE(complaint("name: drop_turns\nshare: 1.5\n").find("share: must be in [0, 1], got 1.5"),
            std::string::npos);
  EXPECT_NE(complaint("name: drop_turns\nseed: -1\n").find("seed: must be 0 or more"),
            std::string::npos);
  EXPECT_NE(complaint("name: shuffle_turns\nshare: 0.5\n").find("share: unknown key"),
            std::string::npos);
  EXPECT_NE(complaint("name: reverse_turns\nseed: 1\n").find("seed: unknown key"),
            std::string::npos);
  EXPECT_THROW(data::transform(dialogue(3), {"turn_off"}), base::DataError);
}

TEST(TransformsTest, TheTableIsSortedAndEveryRuleIsItsOwn) {
  std::set<std::string_view> rules;
  for (const auto& row : data::transforms()) {
    EXPECT_TRUE(rules.insert(row.rule).second);
    EXPECT_NE(row.rule.find(row.name), std::string_view::npos);
  }
  EXPECT_TRUE(std::ranges::is_sorted(data::transforms(), {}, &data::Transform::name));
}

}  // namespace
}  // namespace banter::tests
