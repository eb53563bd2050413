#include "train/ranks/agreement.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/hash.h"
#include "base/json.h"
#include "train/run_folder.h"

namespace banter::train {
namespace {

namespace json = base::json;

using Field = std::string Intent::*;
constexpr std::array kFields = {
    std::pair<const char*, Field>{"problem", &Intent::problem},
    std::pair<const char*, Field>{"program", &Intent::program},
    std::pair<const char*, Field>{"torch", &Intent::torch},
    std::pair<const char*, Field>{"config", &Intent::config},
    std::pair<const char*, Field>{"store", &Intent::store},
    std::pair<const char*, Field>{"beside", &Intent::beside},
    std::pair<const char*, Field>{"device", &Intent::device},
    std::pair<const char*, Field>{"cpu", &Intent::cpu},
};

std::string text_of(const Ranks& ranks, const Intent& intent) {
  json::object object{{"machine", ranks.machine()}, {"threads", intent.threads}};
  for (const auto& [name, field] : kFields) object[name] = intent.*field;
  return json::serialize(object);
}

Intent intent_of(const json::object& object) {
  Intent intent;
  intent.threads = object.at("threads").as_int64();
  for (const auto& [name, field] : kFields) intent.*field = object.at(name).as_string();
  return intent;
}

std::string differing(const char* what, const std::string& first, const std::string& other) {
  if (first == other) return "";
  return std::string("another ") + what + " than process 0 (" + other.substr(0, 16) + ", there " +
         first.substr(0, 16) + ")";
}

/// What is wrong with one process beside process 0; "" when nothing is.
std::string fault_of(const Intent& first, const Intent& other) {
  if (!other.problem.empty()) return other.problem;
  auto fault = differing("program", first.program, other.program);
  if (!fault.empty()) return fault + ": install the same build everywhere";
  fault = config_difference(first.config, other.config);
  if (!fault.empty()) return "another recipe than process 0: " + fault + " here";
  fault = differing("store", first.store, other.store);
  if (!fault.empty()) return fault + ": copy process 0's store folder";
  fault = differing("store of mix or pairs.store", first.beside, other.beside);
  if (!fault.empty()) return fault + ": copy process 0's store folders";
  fault = differing("kind of device", first.device, other.device);
  if (fault.empty()) fault = differing("kind of processor", first.cpu, other.cpu);
  if (fault.empty())
    fault = differing("number of threads", std::to_string(first.threads),
                      std::to_string(other.threads));
  if (fault.empty()) fault = differing("LibTorch", first.torch, other.torch);
  return fault.empty() ? "" : fault + ": sums would differ in their last digits";
}

std::string named(std::size_t rank, std::size_t of, const std::string& machine,
                  const std::string& fault) {
  return "process " + std::to_string(rank) + " of " + std::to_string(of) + " (" + machine +
         "): " + fault;
}

/// At process 0: the first fault among all.
std::string fault_among(const std::vector<std::string>& texts) {
  std::vector<Intent> intents;
  std::vector<std::string> machines;
  for (const auto& text : texts) {
    const auto object = base::parse_json(text, "a process").as_object();
    intents.push_back(intent_of(object));
    machines.emplace_back(object.at("machine").as_string());
  }
  for (std::size_t i = 0; i < intents.size(); ++i) {
    const auto fault = fault_of(intents.front(), intents[i]);
    if (!fault.empty()) return named(i, intents.size(), machines[i], fault);
  }
  return "";
}

}  // namespace

std::string program_hash() { return base::sha256_hex_of_file("/proc/self/exe"); }

std::string told_by_first(Ranks& ranks, std::string text) {
  std::array length = {static_cast<std::int64_t>(text.size())};
  ranks.broadcast(std::as_writable_bytes(std::span(length)));
  text.resize(static_cast<std::size_t>(length[0]));
  ranks.broadcast(std::as_writable_bytes(std::span(text)));
  return text;
}

std::string first_fault(Ranks& ranks, const std::string& own) {
  const auto place = static_cast<std::size_t>(ranks.rank());
  const auto of = static_cast<std::size_t>(ranks.size());
  const auto texts = ranks.gather(own.empty() ? "" : named(place, of, ranks.machine(), own));
  const auto found = std::ranges::find_if(texts, [](const auto& text) { return !text.empty(); });
  return told_by_first(ranks, found == texts.end() ? "" : *found);
}

std::string disagreement(Ranks& ranks, const Intent& own) {
  const auto texts = ranks.gather(text_of(ranks, own));
  return told_by_first(ranks, ranks.rank() == 0 ? fault_among(texts) : "");
}

}  // namespace banter::train
