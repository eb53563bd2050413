// `banter serve` without LibTorch: the command as it is, serving a model that says the last turn
// again. RUN is any folder; `decoding.max_new_tokens` and the like cannot be set.
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/errors.h"
#include "serve/commands/serve.h"
#include "tests/serve/sessions/small_model.h"

namespace banter::serve {
namespace {

constexpr std::int64_t kReplyTokens = 20;

std::shared_ptr<const ServedModel> load_null(const ServedRun& served, const DecodeLimits& limits) {
  auto model = small_model(served.run, kReplyTokens);
  model->decode.limits = limits;
  return model;
}

}  // namespace
}  // namespace banter::serve

int main(int argc, char** argv) {
  try {
    return banter::serve::serve(std::vector<std::string>(argv + 1, argv + argc),
                                &banter::serve::load_null);
  } catch (const banter::base::Error& error) {
    std::cerr << "banter: " << error.what() << "\n";
    return error.exit_code();
  }
}
