#include "train/event_file.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/support/process.h"
#include "tests/train/trainer_fixture.h"

namespace banter::train {
namespace {

using Scalars = std::map<std::string, std::vector<std::pair<std::int64_t, float>>>;

std::string python() {
  const char* named = std::getenv("BANTER_REFERENCE_PYTHON");
  return named != nullptr ? named : "python3";
}

tests::ProcessResult read_events(const std::vector<std::string>& arguments) {
  std::vector<std::string> line = {"env", "PYTHONDONTWRITEBYTECODE=1", python(),
                                   BANTER_SOURCE_DIR "/tests/train/reference/read_events.py"};
  line.insert(line.end(), arguments.begin(), arguments.end());
  return tests::run(line);
}

/// The events of a file, by a reader that shares nothing with the writer.
base::json::array events_of(const fs::path& file) {
  const auto result = read_events({file.string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return base::parse_json(result.out, "events").as_array();
}

bool has_python() { return read_events({"--help-nothing"}).exit_code != 127; }

TEST(EventFileTest, ARecordIsFramedAsTensorFlowFramesIt) {
  // The checksums are of a CRC made bit by bit, apart from ours.
  const auto record = event_record("abc");
  ASSERT_EQ(record.size(), 19U);
  EXPECT_EQ(record.substr(0, 8), std::string("\x03\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(12, 3), "abc");
  const auto hex = [&](std::size_t at) {
    std::string text;
    for (std::size_t i = at; i < at + 4; ++i) {
      char byte[3];
      std::snprintf(byte, sizeof byte, "%02x", static_cast<unsigned char>(record[i]));
      text += byte;
    }
    return text;
  };
  EXPECT_EQ(hex(8), "b099490e");
  EXPECT_EQ(hex(15), "6e57f121");
}

TEST(EventFileTest, AReaderOfItsOwnFindsWhatWasWritten) {
  if (!has_python()) GTEST_SKIP() << "there is no " << python();
  const TemporaryFolder place;
  fs::path first;
  {
    EventFile file(place / "events", 0);
    first = file.path();
    file.add({{"event", "start"}, {"step", 0}, {"threads", 3}}, 1);
    file.add({{"event", "step"}, {"step", 300}, {"nll", 0.5}, {"epoch", 2}, {"note", "text"}},
             12.5);
    file.add({{"event", "validation"}, {"step", 300}, {"ppl", 7.25}, {"best", true}}, 13);
  }
  const auto events = events_of(first);
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].at("file_version"), "brain.Event:2");
  EXPECT_EQ(events[1].at("status"), 1) << "a session starts";
  EXPECT_EQ(events[1].at("step"), 1);
  EXPECT_EQ(base::json::serialize(events[2]),
            R"({"values":{"train/nll":5E-1,"train/epoch":2E0},"wall_time":1.25E1,"step":300})");
  EXPECT_EQ(base::json::serialize(events[3].at("values")), R"({"valid/ppl":7.25E0})");

  const EventFile second(place / "events", 299);
  EXPECT_LT(first.filename(), second.path().filename()) << "read in the order of names";
  EXPECT_EQ(events_of(second.path())[1].at("step"), 300) << "what is made again is purged";
}

/// The scalars of a log, as its lines have them.
Scalars scalars_of_log(const std::vector<base::json::object>& lines) {
  Scalars scalars;
  for (const auto& line : lines) {
    const auto kind = line.at("event").as_string();
    if (kind != "step" && kind != "validation") continue;
    for (const auto& [name, value] : line)
      if (value.is_number() && name != "step")
        scalars[(kind == "step" ? "train/" : "valid/") + std::string(name)].emplace_back(
            line.at("step").to_number<std::int64_t>(), value.to_number<float>());
  }
  return scalars;
}

class EventsOfARunTest : public TrainerTest {
 protected:
  /// A run that dies between two checkpoints and goes on.
  void train_with_a_crash() const {
    const std::vector<std::string> board = {"train.tensorboard=true", "train.log_every=1"};
    EXPECT_THROW(train(recipe("run", board), 6), Crash);
    train(recipe("run", board));
  }
};

TEST_F(EventsOfARunTest, AreThoseOfItsLogOnceWhatIsPurgedIsLeftOut) {
  if (!has_python()) GTEST_SKIP() << "there is no " << python();
  train_with_a_crash();
  Scalars found;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(place / "run/events"))
    files.push_back(entry.path());
  std::ranges::sort(files);
  ASSERT_EQ(files.size(), 2U);
  for (const auto& file : files)
    for (const auto& event : events_of(file)) {
      const auto step = event.at("step").to_number<std::int64_t>();
      if (event.as_object().contains("status"))
        for (auto& [tag, values] : found)
          std::erase_if(values, [&](const auto& value) { return value.first >= step; });
      for (const auto& [tag, value] : event.at("values").as_object())
        found[tag].emplace_back(step, value.to_number<float>());
    }
  EXPECT_EQ(found, scalars_of_log(log_lines(place / "run/log.jsonl")));
  EXPECT_EQ(found.at("train/nll").size(), 8U);
}

TEST_F(EventsOfARunTest, AreWhatTensorBoardSees) {
  train_with_a_crash();
  const auto result = read_events({"--board", (place / "run/events").string()});
  if (result.exit_code == 77 || result.exit_code == 127)
    GTEST_SKIP() << python() << " has no tensorboard (BANTER_REFERENCE_PYTHON names another one)";
  ASSERT_EQ(result.exit_code, 0) << result.err;
  Scalars found;
  const auto seen = base::parse_json(result.out, "tensorboard");
  for (const auto& [tag, values] : seen.as_object())
    for (const auto& value : values.as_array())
      found[tag].emplace_back(value.at(0).to_number<std::int64_t>(),
                              value.at(1).to_number<float>());
  EXPECT_EQ(found, scalars_of_log(log_lines(place / "run/log.jsonl")));
}

TEST_F(TrainerTest, EventFilesAreAskedForAndChangeNothingElse) {
  train(recipe("plain"));
  EXPECT_FALSE(fs::exists(place / "plain/events"));
  EXPECT_THROW(train(recipe("board", {"train.tensorboard=true"}), 6), Crash);
  train(recipe("board"));  // it may change midway
  const auto plain = contents(place / "plain"), board = contents(place / "board");
  EXPECT_EQ(plain.at("step-8/model.safetensors"), board.at("step-8/model.safetensors"));
  EXPECT_EQ(plain.at("log.jsonl"), board.at("log.jsonl"));
}

}  // namespace
}  // namespace banter::train
