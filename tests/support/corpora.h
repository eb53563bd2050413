#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace banter::tests {

/// Where the corpora for tests are: the environment's BANTER_CORPORA, or the folder `shared/data`
/// beside the repository. `BANTER_SOURCE_DIR` is the repository's root (see tests/CMakeLists.txt).
inline std::filesystem::path corpora() {
  if (const char* named = std::getenv("BANTER_CORPORA"); named != nullptr && *named != '\0')
    return named;
  return (std::filesystem::path(BANTER_SOURCE_DIR) / "../shared/data").lexically_normal();
}

/// Why a test that needs `path` of the corpora must be skipped, "" when it is there:
///
///     if (const auto why = missing_corpus("native/ubuntu_v1"); !why.empty()) GTEST_SKIP() << why;
inline std::string missing_corpus(const std::filesystem::path& path) {
  const auto whole = corpora() / path;
  if (std::filesystem::exists(whole)) return "";
  return whole.string() + " is not there (BANTER_CORPORA names the folder of corpora)";
}

}  // namespace banter::tests
