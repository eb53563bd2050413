#include "models/commands/persona.h"

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "models/commands/chat_commands.h"
#include "models/commands/persona_limits.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

using Lines = std::vector<std::string>;

template <typename Act>
std::string error_of(const Act& act) {
  try {
    act();
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}
bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class PersonaTest : public testing::Test {
 protected:
  std::string file(const std::string& content) const {
    std::ofstream(folder_ / "persona.txt", std::ios::binary) << content;
    return (folder_ / "persona.txt").string();
  }
  static Lines lines(const std::string& path) {
    Persona persona;
    persona.add_file(path);
    return persona.lines();
  }
  tests::TemporaryFolder folder_;
};

TEST_F(PersonaTest, AFileHasASentenceALine) {
  EXPECT_EQ(lines(file("\xEF\xBB\xBFi like tea .\r\n\n  i live in r\xC3\xB6m . \n \t\nlast")),
            (Lines{"i like tea .", "i live in r\xC3\xB6m .", "last"}));
  Persona more;
  more.add("first");
  more.add_file(file("second\n"));
  EXPECT_EQ(more.lines(), (Lines{"first", "second"}));
}

TEST_F(PersonaTest, ABadFileIsExplainedWithItsPlace) {
  EXPECT_TRUE(holds(error_of([&] { lines(file("\n  \n")); }), "holds no sentence of a persona"));
  EXPECT_TRUE(holds(error_of([&] { lines(file("fine\nb\xFFt\n")); }),
                    "persona.txt:2: byte 2 is not UTF-8"));
  EXPECT_TRUE(holds(error_of([&] { lines(file(std::string("a\0b\n", 4))); }),
                    "persona.txt:1: a sentence of a persona must not hold a NUL"));
  EXPECT_TRUE(holds(error_of([&] { lines("-"); }), "standard input is what is said"));
  EXPECT_TRUE(holds(error_of([&] { lines((folder_ / "none").string()); }), "none"));
  std::string many;
  for (std::size_t i = 0; i <= Persona::kMostLines; ++i) many += "i like tea .\n";
  EXPECT_TRUE(holds(error_of([&] { lines(file(many)); }), ":1001: a persona has at most 1000"));
  EXPECT_EQ(lines(file(std::string(10'000, 'a') + "\n")).at(0).size(), 10'000U);
}

TEST_F(PersonaTest, CommandsChangeIt) {
  Persona persona;
  for (const auto* command : {"add one", "add  two of them ", "add three", "2 second", "drop 1"})
    persona.change(command);
  EXPECT_EQ(persona.lines(), (Lines{"second", "three"}));
  persona.change("add 4");
  EXPECT_EQ(persona.lines().back(), "4");
  persona.change("clear");
  EXPECT_TRUE(persona.lines().empty());
}

TEST_F(PersonaTest, ABadCommandChangesNothing) {
  Persona persona;
  persona.add("one");
  for (const auto* command :
       {"add", "add  ", "drop", "drop x", "drop 1 2", "clear all", "1", "one", "-1 text", "drop 0",
        "drop 2", "2 text", "0 text", "99999999999999999999 text", "1 b\xFFt"})
    EXPECT_THROW(persona.change(command), base::Error) << command;
  EXPECT_EQ(persona.lines(), Lines{"one"});
  EXPECT_TRUE(holds(error_of([&] { persona.change("drop 2"); }), "lines are 1 to 1"));
  EXPECT_TRUE(holds(error_of([&] { persona.change("1"); }), "add TEXT, N TEXT, drop N or clear"));
}

TEST(PersonaLimitsTest, WhatAModelLeavesOutIsTold) {
  const data::BatchOptions limits{.max_turn_tokens = 10, .max_context_tokens = 36};
  EXPECT_TRUE(notes_on_persona({10, 10, 10}, limits).empty()) << "three rows of twelve";
  const auto notes = notes_on_persona({11, 3, 10, 10}, limits);
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_NE(notes[0].find("line 1 of the persona has 11 tokens"), std::string::npos);
  EXPECT_NE(notes[1].find("the first 3 of the persona's 4 lines"), std::string::npos) << notes[1];
  EXPECT_EQ(notes_on_persona({1}, {.persona = "none"}).size(), 1U);
  EXPECT_TRUE(notes_on_persona({}, {.persona = "none"}).empty());
}

TEST(ChatCommandsTest, TellsCommandsFromWhatIsSaid) {
  EXPECT_FALSE(command_of("hello"));
  EXPECT_FALSE(command_of("/etc/fstab is broken"));
  EXPECT_FALSE(command_of("//persona"));
  const auto command = command_of("/persona  2  i hate tea . \t");
  ASSERT_TRUE(command);
  EXPECT_EQ(command->name, "/persona");
  EXPECT_EQ(command->rest, "2  i hate tea .");
  EXPECT_EQ(command_of("/draft")->rest, "");
  EXPECT_EQ(command_of("/draft  ")->rest, "");
  for (const std::string alone : {"/help", "/quit", "/reset"}) {
    EXPECT_EQ(command_of(alone + " \t")->name, alone);
    EXPECT_TRUE(holds(error_of([&] { command_of(alone + " now"); }), alone + " takes nothing"));
  }
  EXPECT_EQ(said_by("//persona add x"), "/persona add x");
  EXPECT_EQ(said_by("// x"), "// x");
  EXPECT_TRUE(is_switch("on", "/draft") && is_switch("off", "/draft") && !is_switch("", "/draft"));
  EXPECT_THROW(is_switch("maybe", "/draft"), base::UsageError);
}

TEST(ChatCommandsTest, HelpNamesEveryCommand) {
  for (const auto* name :
       {"/attention", "/consistency", "/draft", "/help", "/persona", "/quit", "/reset", "/set"}) {
    EXPECT_TRUE(command_of(name)) << name;
    EXPECT_NE(kChatHelp.find(std::string("  ") + name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace banter::models
