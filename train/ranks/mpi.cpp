// libbanter_mpi.so: loaded by `open_ranks` under mpirun. The program itself never links MPI, so
// that it starts where there is none.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include <mpi.h>

#include "train/ranks/module.h"

namespace banter::train {
namespace {

constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // MPI counts in int

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
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t at = 0; at < values.size(); at += kMostAtOnce)
      sum_part(values.subspan(at, std::min(kMostAtOnce, values.size() - at)));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    ++cost_.sums;
    cost_.bytes += values.size_bytes();
    cost_.seconds += took.count();
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
    if (rank_ == 0) all.resize(static_cast<std::size_t>(begins.back() + lengths.back()));
    MPI_Gatherv(text.data(), own, MPI_CHAR, all.data(), lengths.data(), begins.data(), MPI_CHAR, 0,
                MPI_COMM_WORLD);
    std::vector<std::string> texts;
    for (std::size_t i = 0; rank_ == 0 && i < places; ++i)
      texts.push_back(
          all.substr(static_cast<std::size_t>(begins[i]), static_cast<std::size_t>(lengths[i])));
    return texts;
  }

  [[nodiscard]] Cost cost() const override { return cost_; }

  [[noreturn]] void abort(int exit_code) override {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::_Exit(exit_code);
  }

 private:
  /// Each process adds up its share of the elements, and then all get all shares: what a ring
  /// costs, and no element is added up twice in different orders, as an all-reduce is free to do.
  void sum_part(std::span<float> values) {
    const auto places = static_cast<std::size_t>(size_);
    std::vector<int> lengths(places), begins(places);
    for (std::size_t i = 0; i < places; ++i) {
      const auto begin = values.size() * i / places, end = values.size() * (i + 1) / places;
      begins[i] = static_cast<int>(begin);
      lengths[i] = static_cast<int>(end - begin);
    }
    const auto own = static_cast<std::size_t>(rank_);
    share_.resize(static_cast<std::size_t>(lengths[own]));
    MPI_Reduce_scatter(values.data(), share_.data(), lengths.data(), MPI_FLOAT, MPI_SUM,
                       MPI_COMM_WORLD);
    if (!share_.empty())
      std::memcpy(values.data() + begins[own], share_.data(), share_.size() * sizeof(float));
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values.data(), lengths.data(), begins.data(),
                   MPI_FLOAT, MPI_COMM_WORLD);
  }

  int rank_ = 0, size_ = 1, local_size_ = 1;
  std::string machine_;
  std::vector<float> share_;
  Cost cost_;
};

}  // namespace
}  // namespace banter::train

banter::train::Ranks* banter_open_mpi() { return new banter::train::MpiRanks; }
