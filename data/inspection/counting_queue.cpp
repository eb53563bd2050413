#include "data/inspection/counting_queue.h"

#include <utility>
#include <variant>

#include "data/reading/memory_of.h"

namespace banter::data {
namespace {
constexpr std::size_t kPieceRecords = 2048;
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
}  // namespace

void CountingQueue::add(Record&& record) {
  bytes_ += memory_of(record);
  waiting_.push_back(std::move(record));
  if (waiting_.size() == kPieceRecords || bytes_ >= kPieceBytes) flush();
}

void CountingQueue::finish() {
  flush();
  wait();
}

void CountingQueue::flush() {
  wait();
  if (waiting_.empty()) return;
  counted_ = std::exchange(waiting_, {});
  bytes_ = 0;
  exact_ = std::async(std::launch::async, [this] { count_exactly(); });
  likeness_ = std::async(std::launch::async, [this] { sketch(); });
}

void CountingQueue::wait() {
  if (likeness_.valid()) likeness_.get();
  if (exact_.valid()) exact_.get();
}

void CountingQueue::count_exactly() {
  for (const auto& record : counted_)
    if (const auto* dialogue = std::get_if<Dialogue>(&record))
      dialogues_.count(*dialogue);
    else
      pairs_.add(std::get<Pair>(record));
}

void CountingQueue::sketch() {
  for (const auto& record : counted_)
    if (const auto* dialogue = std::get_if<Dialogue>(&record)) dialogues_.sketch(*dialogue);
}

}  // namespace banter::data
