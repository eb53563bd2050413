// banter's side of the speed comparison with tests/bench/reference/hred_reference.py; both are run
// in turns by tests/bench/reference/compare.py.
//
//   hred_speed train  STORE  [--shuffle S --tokens N --turn-tokens N --steps N --profile --pairs
//                             --valid-target PPL --every N --weights FILE --save FILE --bf16]
//   hred_speed decode STORE  [--batch N --replies N --weights FILE --log-probs]
//
// and, of both, --device cuda:0 (with libbanter_cuda.so beside it), --model '{type: transformer}'
// or what else a recipe's `model` may be. With --pairs a batch of the store's sentence pairs is
// learned from beside each batch of replies.
//
// The order of batches depends on the options alone, so export_batches writes what `train` sees;
// `decode` answers the first replies of what `--split valid --shuffle none --tokens 1000000` gives.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <functional>
#include <iostream>
#include <optional>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <sys/resource.h>
#include <torch/cuda.h>

#include "base/allocator.h"
#include "configs/section.h"
#include "data/batches/batch.h"
#include "data/batches/pair_stream.h"
#include "data/store/store.h"
#include "models/checkpoint/safetensors.h"
#include "models/decoding/composed.h"
#include "models/decoding/decoder.h"
#include "models/device.h"
#include "models/precision.h"
#include "models/registry.h"
#include "tests/bench/batch_file.h"
#include "tests/bench/matrix_products.h"
#include "train/arena.h"
#include "train/optimizer.h"
#include "train/schedule.h"

namespace banter {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double peak_megabytes() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) / 1024;
}

struct Settings {
  std::string store, shuffle = "dialogue", weights, save, device = "cpu";
  std::string model = "{type: hred, attention: both, embed_dim: 256, hidden_dim: 512}";
  std::int64_t tokens = 1024, turn_tokens = 60, steps = 40, skip = 3, every = 200, threads = 2;
  std::int64_t batch = 1, replies = 64;
  double target = 0;
  bool profile = false, pairs = false, bf16 = false, log_probs = false;
};

data::BatchOptions batch_options(const Settings& s) {
  data::BatchOptions options;
  options.shuffle = s.shuffle;
  options.tokens_per_batch = s.tokens;
  options.max_context_turns = 10;
  options.max_turn_tokens = options.max_reply_tokens = s.turn_tokens;
  return options;
}

models::ModelPtr make_model(const Settings& s, const data::Tokenizer& tokenizer) {
  const auto config = configs::Config::parse(s.model, "hred_speed");
  auto model = models::build_model(config.root(), {tokenizer.vocab_size(), tokenizer.special()}, 1);
  if (!s.weights.empty()) models::assign(*model, models::read_safetensors(s.weights));
  model->to(models::open_device(s.device));
  return model;
}

double perplexity(models::DialogueModel& model, const data::Store& store, const Settings& s) {
  const torch::NoGradGuard no_grad;
  model.eval();
  data::EvaluationStream stream(store.split("valid"), batch_options(s),
                                store.tokenizer().special());
  data::Batch batch;
  double nll = 0;
  std::int64_t count = 0;
  while (stream.next(batch)) {
    nll += model.losses(batch.to(device_of(model))).front().sum.item<double>();
    count += batch.label_count;
  }
  model.train();
  return std::exp(nll / static_cast<double>(count));
}

/// What `banter train` does in a step, without its log.
class Training {
 public:
  Training(const data::Store& store, const Settings& s)
      : model(make_model(s, store.tokenizer())),
        stream_(store.split("train"), batch_options(s), store.tokenizer().special(), 1),
        arena_(*model, train::decay_rules()),
        optimizer_(arena_, options_),
        device_(device_of(*model)),
        is_narrow_(s.bf16) {
    if (s.pairs) pairs_.emplace(tests::pairs_of(store, batch_options(s)));
    model->train();
    base::give_back_free_memory();
  }

  data::Batch step() {
    auto batch = stream_.next();
    arena_.grads.zero_();
    loss = learn([&] { return model->losses(batch.to(device_)); });
    if (pairs_) loss += learn([&] { return model->pair_losses(pairs_->next().to(device_)); });
    const auto norm = arena_.grad_norm();
    ++number_;
    optimizer_.update(number_, train::learning_rate(options_, number_),
                      std::max(1.0, norm / options_.clip_norm));
    if (device_.is_cuda()) torch::cuda::synchronize(device_.index());
    return batch;
  }

  models::ModelPtr model;
  double loss = 0;  ///< of the last step, nats a label

 private:
  double learn(const std::function<std::vector<models::LossSum>()>& forward) {
    std::optional<models::Bf16Products> narrow;
    if (is_narrow_) narrow.emplace(device_);
    const auto losses = forward();
    narrow.reset();
    auto total = torch::zeros({}, device_);
    for (const auto& one : losses)
      if (one.count > 0)
        total = total +
                one.sum * (model->loss_weight(one.name, number_) / static_cast<double>(one.count));
    total.backward();
    return total.item<double>();
  }

  data::BatchStream stream_;
  std::optional<data::PairStream> pairs_;
  train::TrainOptions options_;
  train::Arena arena_;
  train::Optimizer optimizer_;
  torch::Device device_;
  bool is_narrow_;
  std::int64_t number_ = 0;
};

/// Where the time of `steps` more steps goes. The profiler costs so few operations nothing. The
/// machine's peak is measured between the steps, for others share the machine, and its speed
/// changes.
json::object profile(Training& training, std::int64_t steps) {
  double seconds = 0;
  tests::MatrixProducts products;
  std::vector<double> peaks;
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto one = tests::matrix_products_of([&] {
      const auto start = Clock::now();
      training.step();
      seconds += seconds_since(start);
    });
    products.seconds += one.seconds;
    products.operations += one.operations;
    peaks.push_back(tests::peak_operations_per_second());
  }
  std::ranges::nth_element(peaks, peaks.begin() + steps / 2);
  const auto rate = products.operations / seconds,
             peak = peaks[static_cast<std::size_t>(steps / 2)];
  return {{"share_of_time_in_products", products.seconds / seconds},
          {"gflops", rate * 1e-9},
          {"peak_gflops", peak * 1e-9},
          {"share_of_peak", rate / peak}};
}

void run_train(const Settings& s) {
  const auto store = data::Store::open(s.store);
  Training training(store, s);
  double seconds = 0, processor_seconds = 0;
  std::int64_t labels = 0, replies = 0;
  for (std::int64_t step = 1; step <= s.steps; ++step) {
    const auto start = Clock::now();
    const auto used = std::clock();
    const auto batch = training.step();
    if (step > s.skip) {
      seconds += seconds_since(start);
      processor_seconds += static_cast<double>(std::clock() - used) / CLOCKS_PER_SEC;
      labels += batch.label_count;
      replies += batch.replies();
    }
    if (s.target > 0 && step % s.every == 0) {
      const double ppl = perplexity(*training.model, store, s);
      std::cout << json::serialize(
                       json::object{{"step", step}, {"minutes", seconds / 60}, {"valid_ppl", ppl}})
                << "\n"
                << std::flush;
      if (ppl <= s.target) break;
    }
  }
  json::object answer{{"mode", "train"},
                      {"shuffle", s.shuffle},
                      {"seconds", seconds},
                      {"reply_tokens_per_second", static_cast<double>(labels) / seconds},
                      {"replies_per_second", static_cast<double>(replies) / seconds},
                      {"processor_seconds", processor_seconds},
                      {"peak_megabytes", peak_megabytes()},
                      {"last_loss", training.loss}};
  if (!s.save.empty()) models::write_safetensors(s.save, models::named_tensors(*training.model));
  if (s.profile) answer["profile"] = profile(training, std::max<std::int64_t>(1, s.steps - s.skip));
  std::cout << json::serialize(answer) << "\n";
}

void run_decode(const Settings& s) {
  const auto store = data::Store::open(s.store);
  auto model = make_model(s, store.tokenizer());
  model->eval();
  const auto& split = store.split("valid");
  auto whole = batch_options(s);
  whole.tokens_per_batch = 1'000'000;
  data::EvaluationStream stream(split, whole, store.tokenizer().special());
  data::Batch valid;
  std::vector<data::Context> contexts;
  while (stream.next(valid)) {
    for (const auto& example : valid.examples) {
      contexts.push_back(data::context_of(split, example, whole));
      contexts.back().reply.clear();
    }
  }
  contexts.resize(std::min(contexts.size(), static_cast<std::size_t>(s.replies)));
  models::DecodingOptions options;
  options.max_new_tokens = 60;
  options.with_log_probs = s.log_probs;
  std::int64_t tokens = 0;
  const auto decode = [&](std::size_t from, std::size_t to) {
    auto at = from;
    models::decode(
        *model, batch_options(s), {.max_rows = s.batch},
        [&]() -> std::optional<models::Request> {
          if (at == to) return std::nullopt;
          const auto number = at++;
          return models::Request{number, contexts[number], options};
        },
        [&](const models::Replies& replies) {
          for (const auto& reply : replies.best)
            tokens += std::ssize(reply.ids) + (reply.finish == "eos" ? 1 : 0);
        });
  };
  decode(0, std::min(contexts.size(), static_cast<std::size_t>(s.batch)));
  tokens = 0;
  const auto start = Clock::now();
  decode(0, contexts.size());
  const double seconds = seconds_since(start);
  std::cout << json::serialize(
                   json::object{{"mode", "decode"},
                                {"batch", s.batch},
                                {"replies", contexts.size()},
                                {"tokens", tokens},
                                {"seconds", seconds},
                                {"tokens_per_second", static_cast<double>(tokens) / seconds}})
            << "\n";
}

int run(int argc, char** argv) {
  Settings s;
  CLI::App app("Speed of HRED, for tests/bench/reference/compare.py", "hred_speed");
  app.require_subcommand(1);
  const auto common = [&](CLI::App* command) {
    command->add_option("store", s.store)->required();
    command->add_option("--shuffle", s.shuffle);
    command->add_option("--tokens", s.tokens);
    command->add_option("--turn-tokens", s.turn_tokens);
    command->add_option("--threads", s.threads);
    command->add_option("--model", s.model, "as a recipe's `model`")->capture_default_str();
    command->add_option("--weights", s.weights);
    command->add_option("--device", s.device, "cpu or cuda:N");
    return command;
  };
  auto* train = common(app.add_subcommand("train"));
  train->add_option("--steps", s.steps);
  train->add_option("--skip", s.skip);
  train->add_option("--valid-target", s.target);
  train->add_option("--every", s.every);
  train->add_option("--save", s.save);
  train->add_flag("--profile", s.profile);
  train->add_flag("--bf16", s.bf16, "as train.precision: bf16");
  train->add_flag("--pairs", s.pairs, "learn from the store's sentence pairs, too");
  auto* decode = common(app.add_subcommand("decode"));
  decode->add_option("--batch", s.batch);
  decode->add_option("--replies", s.replies);
  decode->add_flag("--log-probs", s.log_probs, "of each token, too, which the other program lacks");
  CLI11_PARSE(app, argc, argv);
  models::set_threads(static_cast<int>(s.threads));
  if (train->parsed()) run_train(s);
  if (decode->parsed()) run_decode(s);
  return 0;
}

}  // namespace
}  // namespace banter

int main(int argc, char** argv) {
  try {
    return banter::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "hred_speed: " << error.what() << "\n";
    return 1;
  }
}
