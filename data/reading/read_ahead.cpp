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

struct Piece {
  std::vector<FoundItem> items;
  bool is_made = false;  ///< of what was found
};

Piece made_of(Piece found, const ReadAhead::Make& make) {
  Piece made{.items = {}, .is_made = true};
  const ReadAhead::Take take = [&](FoundItem&& item) { made.items.push_back(std::move(item)); };
  for (auto& item : found.items) make(std::move(item), take);
  return made;
}

/// Thrown on the reading thread when nobody takes what it reads.
struct GivenUp {};

/// What was thrown but GivenUp, nullptr = nothing.
template <typename Do>
std::exception_ptr error_of(const Do& something) {
  try {
    something();
  } catch (const GivenUp&) {
    throw;
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

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
  /// Whether `put` would wait, or nobody has begun to take.
  bool is_ahead() {
    const std::lock_guard lock(mutex_);
    return pieces_.size() >= kMaxPieces || !is_taken_from_;
  }
  /// Waits for the next piece; an empty one at the end. Throws   what ended it
  Piece get() {
    std::unique_lock lock(mutex_);
    is_taken_from_ = true;
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
  bool ended_ = false, given_up_ = false, is_taken_from_ = false;
};

}  // namespace

struct ReadAhead::Task {
  explicit Task(const Make& how) : make(how) {}
  ~Task() { pipe.give_up(); }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  const Make& make;
  Pipe pipe;
  std::jthread thread;

  /// Reads a file into the pipe.
  void read(const std::filesystem::path& file, const std::string& name, const Place& place,
            const FileReading& how) {
    Piece piece;
    std::size_t bytes = 0;
    const auto read_pieces = [&] {
      read_found(file, name, place, how, [&](FoundItem&& item) {
        bytes += bytes_of(item);
        piece.items.push_back(std::move(item));
        if (piece.items.size() < kMaxItems && bytes < kMaxBytes) return;
        bytes = 0;
        put(std::exchange(piece, {}));
      });
    };
    const auto put_rest = [&] { put(std::exchange(piece, {})); };  // what came before a fault too
    try {
      const auto error = error_of(read_pieces);
      const auto of_rest = error_of(put_rest);
      pipe.end(error ? error : of_rest);
    } catch (const GivenUp&) {
      return;  // there is nobody to tell
    }
  }

 private:
  /// Throws   GivenUp, and what `make` throws
  void put(Piece piece) {
    if (make && pipe.is_ahead()) piece = made_of(std::move(piece), make);
    if (!piece.items.empty()) pipe.put(std::move(piece));
  }
};

ReadAhead::ReadAhead(FileReading how, Make make, Take take)
    : how_(how),
      make_(std::move(make)),
      take_(std::move(take)),
      most_(std::clamp(std::thread::hardware_concurrency(), 1U, kMaxFiles)) {}

ReadAhead::~ReadAhead() = default;

void ReadAhead::add(std::filesystem::path file, std::string name, Place place) {
  make_room();
  auto& task = *tasks_.emplace_back(std::make_unique<Task>(make_));
  task.thread = std::jthread([&task, how = how_, file = std::move(file), name = std::move(name),
                              place = std::move(place)] { task.read(file, name, place, how); });
}

void ReadAhead::add(Problem problem) {
  make_room();
  auto& task = *tasks_.emplace_back(std::make_unique<Task>(make_));
  Piece piece;
  piece.items.emplace_back(std::move(problem));
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
  for (auto piece = pipe.get(); !piece.items.empty(); piece = pipe.get()) {
    for (auto& item : piece.items)
      if (make_ && !piece.is_made)
        make_(std::move(item), take_);
      else
        take_(std::move(item));
    pipe.give_back(std::move(piece));
  }
  tasks_.pop_front();
}

}  // namespace banter::data
