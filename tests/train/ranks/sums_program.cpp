// What libbanter_mpi.so promises of its sums, under mpirun. Each process says what it found wrong,
// and ends with 1 then. Torch-free, so that it starts at once.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <dlfcn.h>

#include "base/random.h"
#include "train/ranks/module.h"

namespace {

using banter::train::Ranks;

/// Numbers whose sum depends on the order, since they differ in size.
float value_of(int rank, std::size_t place) {
  const auto key = banter::base::join_keys(static_cast<std::uint64_t>(rank), place);
  return static_cast<float>((banter::base::to_unit(key) - 0.5) * (key % 2 == 0 ? 1e4 : 1));
}

/// What a ring makes of an element of share `share`: from the process behind it around to it.
float sum_around(int share, int size, std::size_t place) {
  float sum = value_of((share + 1) % size, place);
  for (int step = 2; step <= size; ++step) sum += value_of((share + step) % size, place);
  return sum;
}

/// Where an element of so many, which go around in pieces, differs from that; "" = nowhere.
std::string fault_of_floats(Ranks& ranks, std::size_t count) {
  constexpr std::size_t kMostOfAShare = std::size_t{1} << 20;
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = value_of(ranks.rank(), i);
  ranks.sum(values);
  const auto size = static_cast<std::size_t>(ranks.size());
  for (std::size_t begin = 0; begin < count; begin += kMostOfAShare * size) {
    const auto piece = std::min(kMostOfAShare * size, count - begin);
    for (std::size_t share = 0; share < size; ++share)
      for (auto i = piece * share / size; i < piece * (share + 1) / size; ++i)
        if (values[begin + i] != sum_around(static_cast<int>(share), ranks.size(), begin + i))
          return std::to_string(count) + " floats: element " + std::to_string(begin + i);
  }
  return "";
}

/// The others: whole numbers, doubles, a broadcast and texts of different lengths.
std::string fault_of_the_rest(Ranks& ranks) {
  const auto size = ranks.size();
  std::array<std::int64_t, 2> whole = {ranks.rank(), std::int64_t{1} << 40};
  ranks.sum(whole);
  if (whole[0] != size * (size - 1) / 2 || whole[1] != (std::int64_t{size} << 40)) return "int64";
  std::array<double, 2> doubles = {ranks.rank() == 1 ? 0.1 : 0.0, 1.5};
  ranks.sum(doubles);
  if (doubles[0] != 0.1 || doubles[1] != 1.5 * size) return "doubles";
  std::array bytes = {std::byte{static_cast<unsigned char>(ranks.rank() + 7)}};
  ranks.broadcast(bytes);
  if (bytes[0] != std::byte{7}) return "broadcast";
  const auto text = [](int rank) { return std::string(static_cast<std::size_t>(rank), 'x'); };
  const auto texts = ranks.gather(text(ranks.rank()));
  if (texts.size() != (ranks.rank() == 0 ? static_cast<std::size_t>(size) : 0)) return "texts";
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (texts[i] != text(static_cast<int>(i))) return "text " + std::to_string(i);
  return "";
}

}  // namespace

int main() {
  void* library = ::dlopen(BANTER_MPI_LIBRARY, RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    std::cerr << ::dlerror() << "\n";
    return 1;
  }
  const auto open =
      reinterpret_cast<decltype(&banter_open_mpi)>(::dlsym(library, "banter_open_mpi"));
  const std::unique_ptr<Ranks> ranks(open());
  const auto most = (std::size_t{1} << 20) * static_cast<std::size_t>(ranks->size());
  bool is_right = true;
  for (const std::size_t count : {std::size_t{0}, std::size_t{2}, std::size_t{1000}, most + 1})
    for (const auto& fault : {fault_of_floats(*ranks, count), fault_of_the_rest(*ranks)}) {
      if (fault.empty()) continue;
      is_right = false;
      std::cerr << "process " << ranks->rank() << ": " << fault << "\n";
    }
  return is_right ? 0 : 1;
}
