// `banter serve` without LibTorch: the command as it is, serving a model that says the last turn
// again. RUN is any folder; `decoding.max_new_tokens` and the like cannot be set. Two texts make
// trouble: "no memory", and "hang", on which a step waits until somebody writes to the FIFO that
// BANTER_TEST_HANG names.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "serve/commands/serve.h"
#include "tests/serve/sessions/small_model.h"

namespace banter::serve {
namespace {

constexpr std::int64_t kReplyTokens = 20;

class TroubledModel : public RowModel {
 public:
  TroubledModel(std::shared_ptr<RowModel> model, std::shared_ptr<const data::Tokenizer> tokenizer)
      : model_(std::move(model)), tokenizer_(std::move(tokenizer)) {}

  [[nodiscard]] const std::string& revision() const override { return model_->revision(); }
  [[nodiscard]] std::int64_t rows_of(const Turn& turn) const override {
    return model_->rows_of(turn);
  }
  TurnTokens add(std::uint64_t number, const Turn& turn) override {
    const auto text =
        turn.context.turns.empty() ? "" : tokenizer_->decode(turn.context.turns.back().ids);
    if (text == "no memory") throw std::bad_alloc();
    if (text == "hang") is_hanging_ = true;
    return model_->add(number, turn);
  }
  void drop(std::uint64_t number) override { model_->drop(number); }
  std::vector<EndedRows> step(const Committed& committed) override {
    const char* const fifo = std::getenv("BANTER_TEST_HANG");
    if (std::exchange(is_hanging_, false) && fifo != nullptr) std::ifstream(fifo).get();
    return model_->step(committed);
  }
  bool settle() override { return model_->settle(); }
  void forget(const std::string& conversation) override { model_->forget(conversation); }
  [[nodiscard]] CacheState cache() const override { return model_->cache(); }

 private:
  std::shared_ptr<RowModel> model_;
  std::shared_ptr<const data::Tokenizer> tokenizer_;
  bool is_hanging_ = false;
};

std::shared_ptr<const ServedModel> load_null(const ServedRun& served, const DecodeLimits& limits) {
  auto model = small_model(served.run, kReplyTokens);
  model->decode.limits = limits;
  model->rows = std::make_shared<TroubledModel>(model->rows, model->tokenizer);
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
