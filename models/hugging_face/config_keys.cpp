#include "models/hugging_face/config_keys.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::models {
namespace {

namespace json = base::json;

/// The activations by their names there; the first of a kind is what is written.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kActivations = {{
    {"gelu", "gelu"},
    {"relu", "relu"},
    {"swish", "swish"},
    {"silu", "swish"},
}};

}  // namespace

void ConfigKeys::fail(std::string_view key, const std::string& rule) const {
  const auto* value = config_.if_contains(key);
  throw base::DataError(where_ + ": \"" + std::string(key) + "\" is " +
                        (value == nullptr ? "missing" : base::printable(json::serialize(*value))) +
                        "; banter's transformer needs " + rule);
}

bool ConfigKeys::has(std::string_view key) const {
  const auto* value = config_.if_contains(key);
  return value != nullptr && !value->is_null();
}

std::int64_t ConfigKeys::integer(std::string_view key, std::int64_t least) const {
  const auto* value = config_.if_contains(key);
  if (value == nullptr || !value->is_int64() || value->get_int64() < least)
    fail(key, "a whole number from " + std::to_string(least));
  return value->get_int64();
}

bool ConfigKeys::flag(std::string_view key, bool fallback) const {
  if (!has(key)) return fallback;
  if (!config_.at(key).is_bool()) fail(key, "true or false");
  return config_.at(key).get_bool();
}

double ConfigKeys::share(std::string_view key, double fallback) const {
  if (!has(key)) return fallback;
  const auto& value = config_.at(key);
  const double number = value.is_number() ? value.to_number<double>() : -1;
  if (number < 0 || number >= 1) fail(key, "a number in [0, 1)");
  return number;
}

std::string ConfigKeys::text(std::string_view key, std::string_view fallback) const {
  if (!has(key)) return std::string(fallback);
  if (!config_.at(key).is_string()) fail(key, "a text");
  return std::string(config_.at(key).get_string());
}

std::string ConfigKeys::activation(std::string_view key) const {
  const auto name = text(key, "gelu");
  for (const auto& [theirs, ours] : kActivations)
    if (theirs == name) return std::string(ours);
  fail(key, "gelu, relu, silu or swish");
}

void ConfigKeys::expect(std::string_view key, bool value) const {
  if (flag(key, value) != value) fail(key, std::string(value ? "true" : "false") + " here");
}

void ConfigKeys::expect_equal(std::string_view key, std::string_view other) const {
  if (has(key) && integer(key, 1) != integer(other, 1))
    fail(key, "the same as \"" + std::string(other) + "\", which is " +
                  std::to_string(integer(other, 1)));
}

std::string_view activation_there(std::string_view ours) {
  return std::ranges::find(kActivations, ours,
                           &std::pair<std::string_view, std::string_view>::second)
      ->first;
}

}  // namespace banter::models
