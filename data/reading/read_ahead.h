#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "data/reading/file_reader.h"

namespace banter::data {

/// Reads files side by side, each on a thread of its own, and gives what they hold in the order in
/// which the files were added, as if they were read one after the other: while the caller works on
/// one, the next ones are read and parsed. What is to be made of each item by itself (cleaning) is
/// made by who has time for it: a reading thread that is ahead of the caller, else the caller.
///
/// Cost     about 1 MB a file that is being read; as many at a time as there are cores, at most 8
class ReadAhead {
 public:
  using Take = std::function<void(FoundItem&&)>;
  using Make = std::function<void(FoundItem&&, const Take&)>;

  /// `take` is called on the caller's thread, in `add` and `finish`; `make`, which gives what it
  /// makes of an item, on any thread, on several at once. nullptr = items are taken as they are.
  ReadAhead(FileReading how, Make make, Take take);
  ~ReadAhead();  ///< what is not taken is given up
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// Adds a file. Throws   what an earlier file's reading threw, what `make` and `take` throw
  void add(std::filesystem::path file, std::string name, Place place);
  /// Adds something that is no file's, at this place in the order.
  void add(Problem problem);
  /// Gives all the rest. Throws   as `add`
  void finish();

 private:
  struct Task;
  void make_room();
  void take_first();

  FileReading how_;
  Make make_;
  Take take_;
  std::size_t most_ = 1;
  std::deque<std::unique_ptr<Task>> tasks_;
};

}  // namespace banter::data
