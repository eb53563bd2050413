#include "models/hugging_face/encoder_files.h"

#include <set>
#include <vector>

#include "base/hash.h"

namespace banter::models {

namespace fs = std::filesystem;

fs::path folder_of_encoder(const fs::path& place) {
  return fs::is_directory(place) ? place : place.parent_path();
}

std::string hash_of_encoder(const fs::path& place) {
  const auto folder = folder_of_encoder(place);
  std::set<fs::path> files;
  if (fs::is_directory(place)) {
    for (const auto& entry : fs::directory_iterator(place))
      if (entry.path().extension() == ".safetensors") files.insert(entry.path());
  } else {
    files.insert(place);
  }
  std::vector<std::string> names = {"config.json",    "sentencepiece.bpe.model",
                                    "tokenizer.json", "tokenizer_config.json",
                                    "vocab.json",     "vocab.txt"};
  if (fs::is_directory(place)) names.emplace_back("model.safetensors.index.json");
  for (const auto& name : names)
    if (fs::exists(folder / name)) files.insert(folder / name);
  base::Sha256 all;
  for (const auto& file : files)
    all.add(file.filename().string() + " " + base::sha256_hex_of_file(file) + "\n");
  return all.hex();
}

}  // namespace banter::models
