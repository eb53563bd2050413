#include "data/reading/read_ahead.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "data/reading/memory_of.h"

namespace banter::data {
namespace {

constexpr std::size_t kMaxItems = 1024;  // of a piece: a thread is woken for each
constexpr std::size_t kMaxBytes = std::size_t{1} << 18;
constexpr std::size_t kMaxPieces = 2;  // that wait
constexpr unsigned kMaxFiles = 8;

std::size_t bytes_of(const FoundItem& item) {
  const auto* found = std::get_if<FoundRecord>(&item);
  return found == nullptr ? sizeof item : memory_of(found->record);
}

using Piece = std::vector<FoundItem>;

/// Thrown on the reading thread when nobody takes what it reads.
struct GivenUp {};

/// What one thread makes and another takes, piece by piece, a few at a time.
class Pipe {
 public:
  /// Waits for room. Throws   GivenUp
  void put(Piece piece) {
    std::vector<Piece> used;
    std::unique_lock lock(mutex_);
    has_room_.wait(lock, [&] { return pieces_.size() < kMaxPieces || given_up_; });
    if (given_up_) throw GivenUp{};
    pieces_.push_back(std::move(piece));
    used.swap(used_);
    lock.unlock();
    has_piece_.notify_one();
  }
  /// Takes a piece back that was used: `put` frees it, on the thread that took its memory. (glibc
  /// has an arena a thread; to free into another's makes both wait.)
  void give_back(Piece piece) {
    const std::lock_guard lock(mutex_);
    used_.push_back(std::move(piece));
  }
  void end(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
    ended_ = true;
    has_piece_.notify_one();
  }
  void give_up() {
    const std::lock_guard lock(mutex_);
    given_up_ = true;
    has_room_.notify_one();
  }
  /// Waits for the next piece; an empty one at the end. Throws   what ended it
  Piece get() {
    std::unique_lock lock(mutex_);
    has_piece_.wait(lock, [&] { return !pieces_.empty() || ended_; });
    if (pieces_.empty()) {
      if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
      return {};
    }
    Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    lock.unlock();
    has_room_.notify_one();
    return piece;
  }

 private:
  std::mutex mutex_;
  std::condition_variable has_room_, has_piece_;
  std::deque<Piece> pieces_;
  std::vector<Piece> used_;
  std::exception_ptr error_;
  bool ended_ = false, given_up_ = false;
};

}  // namespace

struct ReadAhead::Task {
  Pipe pipe;
  std::jthread thread;

  ~Task() { pipe.give_up(); }

  /// Reads a file into the pipe.
  void read(const std::filesystem::path& file, const std::string& name, const Place& place,
            const FileReading& how) {
    Piece piece;
    std::size_t bytes = 0;
    std::exception_ptr error;
    try {
      read_found(file, name, place, how, [&](FoundItem&& item) {
        bytes += bytes_of(item);
        piece.push_back(std::move(item));
        if (piece.size() < kMaxItems && bytes < kMaxBytes) return;
        pipe.put(std::exchange(piece, {}));
        bytes = 0;
      });
    } catch (...) {
      error = std::current_exception();
    }
    try {
      if (!piece.empty()) pipe.put(std::move(piece));  // what came before the fault
    } catch (const GivenUp&) {
      return;
    }
    pipe.end(std::move(error));
  }
};

ReadAhead::ReadAhead(FileReading how, Take take)
    : how_(how),
      take_(std::move(take)),
      most_(std::clamp(std::thread::hardware_concurrency(), 1U, kMaxFiles)) {}

ReadAhead::~ReadAhead() = default;

void ReadAhead::add(std::filesystem::path file, std::string name, Place place) {
  make_room();
  auto& task = *tasks_.emplace_back(std::make_unique<Task>());
  task.thread = std::jthread([&task, how = how_, file = std::move(file), name = std::move(name),
                              place = std::move(place)] { task.read(file, name, place, how); });
}

void ReadAhead::add(Problem problem) {
  make_room();
  auto& task = *tasks_.emplace_back(std::make_unique<Task>());
  Piece piece;
  piece.emplace_back(std::move(problem));
  task.pipe.put(std::move(piece));
  task.pipe.end(nullptr);
}

void ReadAhead::finish() {
  while (!tasks_.empty()) take_first();
}

void ReadAhead::make_room() {
  while (tasks_.size() >= most_) take_first();
}

void ReadAhead::take_first() {
  auto& pipe = tasks_.front()->pipe;
  for (auto piece = pipe.get(); !piece.empty(); piece = pipe.get()) {
    for (auto& item : piece) take_(std::move(item));
    pipe.give_back(std::move(piece));
  }
  tasks_.pop_front();
}

}  // namespace banter::data
