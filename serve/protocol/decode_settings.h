#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "configs/section.h"
#include "models/decoding/options.h"

namespace banter::serve {

/// What a server grants at most. Each is a bound of fields of `decode`; none is ever clamped to.
struct DecodeLimits {
  std::int64_t max_beam_size = 16;      ///< rows that one beam search holds
  std::int64_t max_n = 8;               ///< replies that one turn returns
  std::int64_t max_best_of = 16;        ///< replies that one turn makes to choose among
  std::int64_t max_new_tokens = 512;    ///< of one reply
  std::int64_t max_texts = 16;          ///< in `block`, and in `stop`
  std::int64_t max_text_chars = 200;    ///< code points of one of these
  std::int64_t max_prefix_chars = 500;  ///< code points of `prefix`
  /// Those that can be had: "mmi" and "consistency" where their models are loaded.
  std::vector<std::string> rerankers = {"none", "mean_log_prob"};

  /// Reads the numbers above; `rerankers` follows from what is loaded.
  /// Throws   ConfigError on a bad value or an unknown key
  static DecodeLimits from(configs::Section& section);
};

/// How replies of a session are made: the values in effect of all fields of `decode`.
struct DecodeSettings {
  models::DecodingOptions options;  ///< those that search as they are; `method`, `beam_groups`,
                                    ///< `replies`, `seed` and `rerank` follow from the rest
  std::string strategy = "greedy";  ///< greedy|beam|diverse_beam|sample
  std::int64_t diverse_groups = 2;  ///< of diverse_beam; divides beam_size
  std::string prefix{};             ///< every reply begins with it
  std::int64_t n = 1;               ///< replies returned
  std::optional<std::int64_t> best_of{};  ///< replies made, the best n are returned; absent: n
  std::optional<std::int64_t> seed{};     ///< absent: the server draws one for each reply
  std::string rerank = "none";            ///< what the best of them are chosen by

  /// What a run's own options ask for: `replies` of them to choose one among.
  static DecodeSettings from(const models::DecodingOptions& options);
};

/// The largest whole number that a frame carries: JavaScript holds all up to it exactly.
inline constexpr std::int64_t kMaxWhole = (std::int64_t{1} << 53) - 1;

/// A value of one field.
using DecodeValue = std::variant<std::int64_t, double, std::string, std::vector<std::string>>;

/// What a client wants changed: the fields that it names. Nothing in place of a value (JSON's null)
/// takes the field back to the server's default.
struct DecodeChange {
  std::vector<std::pair<std::string, std::optional<DecodeValue>>> fields{};  ///< by name, in order
  bool operator==(const DecodeChange&) const = default;
};

/// The settings with the change on top.
/// Throws   RequestError naming the field and its rule when the values do not go together; its
///          `field` is prefixed by `path`
DecodeSettings overlaid(const DecodeSettings& current, const DecodeChange& change,
                        const DecodeSettings& defaults, const DecodeLimits& limits,
                        std::string_view path = "decode.");

/// Holds every field to its range, and those that depend on each other to their rules: for defaults
/// and for settings that come from an archive.
/// Throws   RequestError as `overlaid` does
void check_settings(const DecodeSettings& settings, const DecodeLimits& limits,
                    std::string_view path = "decode.");

/// What the search is given. "mmi" is none of its rerankers: whoever asks for a reply brings that
/// one, as it brings the prefix in tokens. Requires settings that `check_settings` lets pass: then
/// the options are valid
models::DecodingOptions search_options(const DecodeSettings& settings, std::int64_t seed);

}  // namespace banter::serve
