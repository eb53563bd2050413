#include "train/evaluation/run_store.h"

#include "base/errors.h"
#include "configs/section.h"

namespace banter::train {

data::Store open_store(const std::string& given, const std::filesystem::path& run,
                       const data::Tokenizer& tokenizer, const models::Checkpoint& checkpoint,
                       const std::string& option) {
  auto folder = given;
  if (folder.empty()) {
    const auto config = configs::Config::load(run / "config.yaml");
    folder = config.root().get<std::string>("store", "");
    if (folder.empty())
      throw base::UsageError((run / "config.yaml").string() + ": names no store; give one with " +
                             option);
  }
  auto store = data::Store::open(folder);
  store.verify();
  if (store.tokenizer().hash() != tokenizer.hash())
    throw base::DataError(folder + ": its tokenizer (" + store.tokenizer().hash().substr(0, 12) +
                          ") is not the one that " + checkpoint.folder.string() +
                          " was trained with (" + tokenizer.hash().substr(0, 12) +
                          "); give the store of that training, or one prepared with its "
                          "tokenizer (data.tokenizer.path), with " +
                          option);
  return store;
}

}  // namespace banter::train
