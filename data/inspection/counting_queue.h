#pragma once

#include <cstddef>
#include <future>
#include <vector>

#include "data/inspection/pair_statistics.h"
#include "data/inspection/statistics.h"
#include "data/record.h"

namespace banter::data {

/// Counts records piece by piece on two further threads, one for what is exact and one for
/// near-duplicates, while the caller reads on. Holds two pieces.
class CountingQueue {
 public:
  /// Both must outlive it and are not to be used before `finish`.
  CountingQueue(CorpusStatistics& dialogues, PairStatistics& pairs)
      : dialogues_(dialogues), pairs_(pairs) {}
  CountingQueue(const CountingQueue&) = delete;  // its threads know where it is
  CountingQueue& operator=(const CountingQueue&) = delete;

  void add(Record&& record);  ///< Throws   FileError (disk full)
  void finish();              ///< counts the rest. Throws   FileError

 private:
  void flush();
  void wait();
  void count_exactly();
  void sketch();

  CorpusStatistics& dialogues_;
  PairStatistics& pairs_;
  std::vector<Record> waiting_, counted_;
  std::size_t bytes_ = 0;               ///< of those that wait
  std::future<void> exact_, likeness_;  ///< of what is counted; their ends wait for them
};

}  // namespace banter::data
