#include "train/metrics/likelihoods/likelihood_files.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "data/input/lines.h"

namespace banter::train {
namespace {

namespace json = base::json;

json::object to_json(const ReplyLikelihood& reply) {
  const auto& sums = reply.sums;
  const auto whole = [](double count) { return static_cast<std::uint64_t>(count); };
  json::object line{{"dialogue", reply.dialogue},
                    {"turn", reply.turn},
                    {"nll", sums.nll},
                    {"labels", whole(sums.labels)},
                    {"correct", whole(sums.correct)},
                    {"words", whole(sums.words)},
                    {"bytes", whole(sums.bytes)}};
  if (reply.group != reply.dialogue) line["group"] = reply.group;
  if (sums.bound != 0) line["bound"] = sums.bound;
  return line;
}

double number_field(const json::object& line, std::string_view key, const std::string& where) {
  json::error_code error;
  const auto number = base::field(line, key, where).to_number<double>(error);
  if (error) throw base::DataError(where + ": field \"" + std::string(key) + "\" is no number");
  return number;
}

ReplyLikelihood from_json(const json::object& line, const std::string& where) {
  ReplyLikelihood reply;
  reply.dialogue = static_cast<std::uint64_t>(base::integer_field(line, "dialogue", where));
  reply.turn = static_cast<std::uint32_t>(base::integer_field(line, "turn", where));
  reply.group = line.contains("group")
                    ? static_cast<std::uint64_t>(base::integer_field(line, "group", where))
                    : reply.dialogue;
  reply.sums = {.nll = number_field(line, "nll", where),
                .labels = number_field(line, "labels", where),
                .correct = number_field(line, "correct", where),
                .words = number_field(line, "words", where),
                .bytes = number_field(line, "bytes", where),
                .replies = 1,
                .bound = line.contains("bound") ? number_field(line, "bound", where) : 0};
  return reply;
}

auto place(const ReplyLikelihood& reply) {
  return std::tuple(reply.dialogue, reply.turn, reply.group);
}

}  // namespace

void write_likelihoods(const std::filesystem::path& file, std::vector<ReplyLikelihood> replies) {
  std::ranges::sort(replies, {}, place);
  std::string text;
  for (const auto& reply : replies) {
    if (!std::isfinite(reply.sums.nll))  // JSON has no number for it
      throw base::DataError("dialogue " + std::to_string(reply.dialogue) + ", turn " +
                            std::to_string(reply.turn) +
                            ": its likelihood is no finite number: the model has diverged");
    text += json::serialize(to_json(reply)) + "\n";
  }
  base::write_durably(file, text);
}

std::vector<ReplyLikelihood> read_likelihoods(const std::filesystem::path& file) {
  const base::MappedFile mapped(file);
  std::vector<ReplyLikelihood> replies;
  auto rest = mapped.text();
  while (!rest.empty()) {
    const auto where = file.string() + ":" + std::to_string(replies.size() + 1);
    const auto value = base::parse_json(data::take_line(rest), where);
    replies.push_back(from_json(base::as_object(value, where), where));
  }
  return replies;
}

std::vector<Likelihood> by_group(std::span<const ReplyLikelihood> replies) {
  std::map<std::uint64_t, Likelihood> groups;
  for (const auto& reply : replies) groups[reply.group] += reply.sums;
  std::vector<Likelihood> sums;
  sums.reserve(groups.size());
  for (const auto& [group, sum] : groups) sums.push_back(sum);
  return sums;
}

bool are_same_replies(std::span<const ReplyLikelihood> a, std::span<const ReplyLikelihood> b) {
  return std::ranges::equal(a, b, {}, place, place);
}

}  // namespace banter::train
