#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "tests/data/made_files.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {

/// A corpus of one file that a test writes and reads.
class ReadingTest : public testing::Test {
 protected:
  /// `name` is the file's, folders included: it may make the ids.
  explicit ReadingTest(std::string name = "corpus") : name_(std::move(name)) {}

  Reading read(std::string_view bytes, const data::ReadLimits& limits = {}) {
    write_file(folder_ / name_, bytes);
    return read_corpus(folder_ / name_, "auto", limits);
  }

  TemporaryFolder folder_;

 private:
  std::string name_;
};

}  // namespace banter::tests
