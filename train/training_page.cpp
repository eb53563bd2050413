#include "train/training_page.h"

#include <chrono>
#include <csignal>

#include <poll.h>

#include "base/files.h"
#include "base/signals.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;

constexpr int kLookEvery = 20;  ///< ms
constexpr std::chrono::seconds kMostPatience{10};
// A training that is over waits for nobody's chat: what runs when it ends is cut short.
constexpr std::chrono::milliseconds kDrain{1000}, kDrainSpread{300}, kMostFarewell{3000};

base::ChildOptions options_of(const fs::path& run, std::uint16_t port) {
  return {.arguments = {"serve", run.string(), "--follow", "--port", std::to_string(port),
                        "--threads", "1", "--drain", std::to_string(kDrain.count()),
                        "--drain-spread", std::to_string(kDrainSpread.count())},
          .variables = {},
          .out = run / "page.out",
          .log = run / "page.log"};
}

std::string first_line(const fs::path& file) {
  const auto text = base::read_file(file);
  const auto end = text.find('\n');
  return end == std::string::npos ? "" : text.substr(0, end);
}

}  // namespace

TrainingPage::TrainingPage(const fs::path& run, std::uint16_t port)
    : child_(options_of(run, port)) {
  const auto patience = std::chrono::steady_clock::now() + kMostPatience;
  while (said_.empty() && base::stop_signal() == 0 && std::chrono::steady_clock::now() < patience) {
    pollfd handle{.fd = child_.descriptor(), .events = POLLIN, .revents = 0};
    ::poll(&handle, 1, kLookEvery);
    said_ = first_line(run / "page.out");
    if (said_.empty() && child_.ended())
      said_ = "there is none, training goes on: see " + (run / "page.log").string();
  }
  if (said_.empty()) said_ = "not there yet: see " + (run / "page.log").string();
}

TrainingPage::~TrainingPage() {
  if (child_.ended()) return;
  child_.send(SIGTERM);
  pollfd handle{.fd = child_.descriptor(), .events = POLLIN, .revents = 0};
  if (::poll(&handle, 1, static_cast<int>(kMostFarewell.count())) <= 0) child_.send(SIGKILL);
}

}  // namespace banter::train
