// libbanter_mpi.so: loaded by `open_ranks` under mpirun. The program itself never links MPI, so
// that it starts where there is none.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>

#include <mpi.h>

#include "train/ranks/module.h"

namespace banter::train {
namespace {

constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // MPI counts in int
// Floats of a message of a sum at most, 4 MB: with smaller ones processes that share cores with
// others wait for each other more often.
constexpr std::size_t kShare = std::size_t{1} << 20;

/// Ranks over MPI_COMM_WORLD. Errors of MPI end the job: that is its own default.
class MpiRanks : public Ranks {
 public:
  MpiRanks() {
    int level = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    MPI_Comm here = MPI_COMM_NULL;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
    MPI_Comm_size(here, &local_size_);
    MPI_Comm_rank(here, &local_rank_);
    MPI_Comm_free(&here);
    std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
    int length = 0;
    MPI_Get_processor_name(name.data(), &length);
    machine_.assign(name.data(), static_cast<std::size_t>(length));
  }
  ~MpiRanks() override { MPI_Finalize(); }
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  [[nodiscard]] int local_size() const override { return local_size_; }
  [[nodiscard]] int local_rank() const override { return local_rank_; }
  [[nodiscard]] std::string machine() const override { return machine_; }

  void sum(std::span<std::int64_t> values) override {
    MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_INT64_T,
                  MPI_SUM, MPI_COMM_WORLD);
  }
  void sum(std::span<double> values) override {
    MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE, MPI_SUM,
                  MPI_COMM_WORLD);
  }

  void sum(std::span<float> values) override {
    const auto most = kShare * static_cast<std::size_t>(size_);
    came_.resize(kShare);
    for (std::size_t at = 0; at < values.size(); at += most)
      sum_around(values.subspan(at, std::min(most, values.size() - at)));
  }

  void broadcast(std::span<std::byte> bytes) override {
    for (std::size_t at = 0; at < bytes.size(); at += kMostAtOnce)
      MPI_Bcast(bytes.data() + at, static_cast<int>(std::min(kMostAtOnce, bytes.size() - at)),
                MPI_BYTE, 0, MPI_COMM_WORLD);
  }

  std::vector<std::string> gather(const std::string& text) override {
    const int own = static_cast<int>(text.size());
    const auto places = static_cast<std::size_t>(size_);
    std::vector<int> lengths(places), begins(places);
    MPI_Gather(&own, 1, MPI_INT, lengths.data(), 1, MPI_INT, 0, MPI_COMM_WORLD);
    std::exclusive_scan(lengths.begin(), lengths.end(), begins.begin(), 0);
    std::string all;
    if (rank_ == 0)
      all.resize(static_cast<std::size_t>(begins.back()) +
                 static_cast<std::size_t>(lengths.back()));
    MPI_Gatherv(text.data(), own, MPI_CHAR, all.data(), lengths.data(), begins.data(), MPI_CHAR, 0,
                MPI_COMM_WORLD);
    std::vector<std::string> texts;
    for (std::size_t i = 0; rank_ == 0 && i < places; ++i)
      texts.push_back(
          all.substr(static_cast<std::size_t>(begins[i]), static_cast<std::size_t>(lengths[i])));
    return texts;
  }

  void wait() override { MPI_Barrier(MPI_COMM_WORLD); }

  [[noreturn]] void abort(int exit_code) override {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::_Exit(exit_code);
  }

 private:
  /// A ring. Share i of the elements goes once around it, from process i + 1 to process i, and is
  /// added up on the way; then the sums go around. So each element is added up once, in an order
  /// that the number of processes says and nothing else.
  ///
  /// Cost     2 (p - 1) messages of 1/p of the values, with p processes: no sum moves fewer bytes
  /// Source   Patarasuk and Yuan 2009, "Bandwidth optimal all-reduce algorithms", section 4
  void sum_around(std::span<float> values) {
    const auto share = [&](int number) {
      const auto i = static_cast<std::size_t>((number + 2 * size_) % size_);
      const auto of = static_cast<std::size_t>(size_);
      const auto begin = values.size() * i / of, end = values.size() * (i + 1) / of;
      return values.subspan(begin, end - begin);
    };
    for (int step = 1; step < size_; ++step) {
      const auto own = share(rank_ - step - 1);
      const auto came = std::span(came_).first(own.size());
      pass_on(share(rank_ - step), came);
      for (std::size_t i = 0; i < own.size(); ++i) own[i] += came[i];
    }
    for (int step = 0; step < size_ - 1; ++step)
      pass_on(share(rank_ - step), share(rank_ - step - 1));
  }

  /// To the next process of the ring, and from the one before.
  void pass_on(std::span<const float> out, std::span<float> in) {
    MPI_Sendrecv(out.data(), static_cast<int>(out.size()), MPI_FLOAT, (rank_ + 1) % size_, 0,
                 in.data(), static_cast<int>(in.size()), MPI_FLOAT, (rank_ + size_ - 1) % size_, 0,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }

  int rank_ = 0, size_ = 1, local_size_ = 1, local_rank_ = 0;
  std::string machine_;
  std::vector<float> came_;  ///< from the process before
};

}  // namespace
}  // namespace banter::train

banter::train::Ranks* banter_open_mpi() { return new banter::train::MpiRanks; }
