#include <algorithm>
#include <array>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/errors.h"
#include "base/nearest.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "base/without_backtrace.h"
#include "data/commands.h"
#include "models/commands.h"
#include "serve/commands.h"
#include "train/commands.h"

namespace {

using Arguments = std::vector<std::string>;

struct Command {
  std::string_view group, name, summary;
  int (*run)(const Arguments&);
};

/// With a run of one's own, or with a server that has one.
int run_chat(const Arguments& arguments) {
  const auto is_server = [](const std::string& argument) {
    return argument == "--server" || argument.starts_with("--server=");
  };
  return std::ranges::any_of(arguments, is_server) ? banter::serve::run_remote_chat(arguments)
                                                   : banter::models::run_chat(arguments);
}

constexpr std::array kCommands = {
    Command{"data", "inspect", "what is in a corpus or a store, and what is wrong with it",
            &banter::data::run_inspect},
    Command{"data", "prepare", "corpora -> tokenizer and memory-mapped store with splits",
            &banter::data::run_prepare},
    Command{"data", "export-data", "a store or a corpus -> JSON Lines",
            &banter::data::run_export_data},
    Command{"training", "train", "store -> run folder; goes on where it stopped",
            &banter::train::run_train},
    Command{"training", "average", "the mean of a run's checkpoints, loaded as RUN@average",
            &banter::train::run_average},
    Command{"training", "compare", "what differs in runs' configs, and their last figures",
            &banter::train::run_compare},
    Command{"training", "export-log", "a run's log as a table", &banter::train::run_export_log},
    Command{"training", "evaluate", "a run's metrics, with counts and intervals",
            &banter::train::run_evaluate},
    Command{"training", "metrics", "replies against references, without a model",
            &banter::train::run_metrics},
    Command{"training", "vectors", "a corpus -> word vectors, for the embedding metrics",
            &banter::train::run_vectors},
    Command{"talking", "generate", "contexts -> replies, a stream in order",
            &banter::models::run_generate},
    Command{"talking", "score", "log-probabilities of given replies", &banter::models::run_score},
    Command{"talking", "chat", "talk to a run, or to a server, in the terminal", &run_chat},
    Command{"talking", "serve", "a chat page, WebSocket and HTTP for a run",
            &banter::serve::run_serve},
    Command{"talking", "replay", "stored conversations again: are replies the same?",
            &banter::serve::run_replay},
    Command{"talking", "bench-serve", "load on a server: how long handshakes and replies take",
            &banter::serve::run_bench_serve},
    Command{"talking", "import", "a Hugging Face folder (MarianMT, mBART) -> run folder",
            &banter::models::run_import},
    Command{"talking", "export", "run folder -> a Hugging Face folder",
            &banter::models::run_export},
    Command{"talking", "info", "versions, devices, threads, what this machine can do",
            &banter::models::run_info},
    Command{"experiments", "experiment", "a grid of runs -> a report with intervals and tests",
            &banter::train::run_experiment},
    Command{"experiments", "gradient-flow", "how far back a reply's loss reaches",
            &banter::train::run_gradient_flow},
};

void print_help() {
  std::cout << "banter " BANTER_VERSION
               ": trains, studies and serves multi-turn dialogue models.\n\n"
               "Usage: banter COMMAND [ARGUMENTS]   (banter COMMAND --help says more)\n";
  std::string_view group;
  for (const auto& command : kCommands) {
    if (command.group != group) std::cout << "\n" << command.group << "\n";
    group = command.group;
    std::cout << "  " << command.name << std::string(15 - command.name.size(), ' ')
              << command.summary << "\n";
  }
  std::cout << "\nExamples:\n"
               "  banter prepare configs/quickstart.yaml\n"
               "  banter train configs/quickstart.yaml\n"
               "  banter chat runs/quickstart\n\n"
               "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 128 + N stopped by\n"
               "signal N after saving.\n";
}

int run(Arguments arguments) {
  if (arguments.empty()) {
    print_help();
    return 2;
  }
  const auto name = arguments.front();
  arguments.erase(arguments.begin());
  if (name == "--version") {
    std::cout << "banter " BANTER_VERSION "\n";
    return 0;
  }
  if (name == "--help" || name == "-h" || (name == "help" && arguments.empty())) {
    print_help();
    return 0;
  }
  if (name == "help") return run({arguments.front(), "--help"});
  const auto found = std::ranges::find(kCommands, name, &Command::name);
  if (found == kCommands.end()) {
    std::vector<std::string> known;
    known.reserve(kCommands.size());
    for (const auto& command : kCommands) known.emplace_back(command.name);
    throw banter::base::UsageError(
        "there is no command \"" + banter::base::printable(name) + "\"; the nearest one is " +
        banter::base::nearest_word(name, known) + "; see `banter --help`");
  }
  return found->run(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    banter::base::install_stop_signals();
    const int code = run(Arguments(argv + 1, argv + argc));
    std::cout.flush();
    if (!std::cout) throw banter::base::FileError("standard output: cannot be written");
    return code;
  } catch (const banter::base::Error& error) {
    std::cerr << "banter: " << error.what() << "\n";
    return error.exit_code();
  } catch (const std::exception& error) {
    std::cerr << "banter: " << banter::base::without_backtrace(error.what()) << "\n";
    return 1;
  }
}
