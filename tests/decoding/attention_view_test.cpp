#include "models/commands/attention_view.h"

#include <gtest/gtest.h>

namespace banter::models {
namespace {

TEST(ShareBarTest, CountsInEighths) {
  EXPECT_EQ(share_bar(0, 4), "    ");
  EXPECT_EQ(share_bar(0.5, 4), "██  ");
  EXPECT_EQ(share_bar(1, 4), "████");
  EXPECT_EQ(share_bar(1.0 / 32, 4), "▏   ");
  EXPECT_EQ(share_bar(31.0 / 32, 4), "███▉");
  EXPECT_EQ(share_bar(7, 2), "██");
}

TEST(AttentionViewTest, AveragesOverTheTokensOfTheReply) {
  Reply reply;
  reply.attention = {{.name = "static", .weights = {{0.25F, 0.75F}, {0.25F, 0.75F}}},
                     {.name = "dynamic", .weights = {{1.0F, 0.0F}, {0.0F, 1.0F}}}};
  EXPECT_EQ(attention_view(reply, {"you: hi", "bot: hello"}),
            "static            dynamic\n"
            "███          0.25 ██████       0.50  you: hi\n"
            "█████████    0.75 ██████       0.50  bot: hello\n");
}

TEST(AttentionViewTest, SaysWhenThereIsNone) {
  EXPECT_EQ(attention_view({}, {"you: hi"}), "this model has no attention over turns\n");
}

}  // namespace
}  // namespace banter::models
