#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/errors.h"
#include "configs/section.h"

namespace {

using banter::base::ConfigError;
using banter::configs::Config;
using banter::configs::Section;

/// Whether `work` ran through; a ConfigError is the only thing it may throw.
template <typename Work>
bool succeeds(Work work) {
  try {
    work();
    return true;
  } catch (const ConfigError&) {
    return false;
  }
}

template <typename T>
bool reads_as(Section& section, const char* key) {
  return succeeds([&] { section.get<T>(key, T{}); });
}

/// Reads `key` as the first type that fits, numbers as `Number`, in lists as `Item`; false when
/// none fits.
template <typename Number, typename Item = Number>
bool read(Section& section, const char* key, int depth);

/// Reads the keys that the seeds use; false when one fits no type.
bool read_all(Section section, int depth) {
  return read<std::int64_t>(section, "a", depth) && read<double>(section, "b", depth) &&
         read<std::uint64_t, double>(section, "model", depth) &&
         read<double>(section, "<<", depth) && read<std::int64_t>(section, "0", depth);
}

template <typename Number, typename Item>
bool read(Section& section, const char* key, int depth) {
  if (depth == 0 || !section.has(key)) return reads_as<Number>(section, key);
  if (reads_as<bool>(section, key) || reads_as<Number>(section, key)) return true;
  if (reads_as<std::vector<Item>>(section, key)) return true;
  if (reads_as<std::vector<std::string>>(section, key)) return true;
  if (reads_as<std::string>(section, key)) return true;
  bool fits = true;
  if (succeeds([&] { fits = read_all(section.section(key), depth - 1); })) return fits;
  return succeeds([&] {
           for (const auto& item : section.sections(key)) fits = read_all(item, depth - 1) && fits;
         }) &&
         fits;
}

}  // namespace

/// Any bytes are a configuration, or a ConfigError; nothing else. Where every key fits a type, the
/// dump reads back to the same dump. The bytes behind the last line that is `--set` are an
/// override.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int kDepth = 4;
  constexpr std::string_view kMark = "\n--set\n";
  std::string_view yaml(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> overrides;
  if (const auto at = yaml.rfind(kMark); at != std::string_view::npos) {
    overrides.emplace_back(yaml.substr(at + kMark.size()));
    yaml = yaml.substr(0, at + 1);
  }
  std::string dump;
  const bool is_read = succeeds([&] {
    const auto config = Config::parse(yaml, "fuzz.yaml", overrides);
    const bool fits = read_all(config.root(), kDepth);
    (void)succeeds([&] { config.root().reject_unknown(); });
    if (fits) dump = config.dump();
  });
  if (!is_read || dump.empty()) return 0;
  const auto again = Config::parse(dump, "dump.yaml");
  if (!read_all(again.root(), kDepth) || again.dump() != dump) __builtin_trap();
  return 0;
}
