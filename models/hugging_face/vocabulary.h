#pragma once

#include <filesystem>
#include <string>

#include "data/tokenizer/tokenizer.h"
#include "models/hugging_face/network.h"

namespace banter::models {

/// What an mBART is asked to read and to say, by its codes ("en_XX"); "" = as its folder says.
struct Languages {
  std::string source = {}, target = {};
};

/// The tokenizer of a folder, with the ids that its network is used with.
///
/// Files    marian: source.spm, target.spm, vocab.json; mbart: sentencepiece.bpe.model
/// Context  marian: text </s>
///          mbart of 25 languages: text </s> source
///          mbart of 52 (mBART-50): source text </s>
/// Reply    text </s>; mBART-50: target text </s>
///
/// The first decoder input is decoder_start_token_id; of an mBART of 25 languages it is the target.
/// Every turn of a context ends with </s> (a Marian's: with its tokenizer's eos_token), its
/// source's language stands once.
///
/// Throws   FileError for a missing file; DataError naming file and rule: a piece without a place
///          in the network, languages that are not known or not said
/// Source   transformers 5.24, tokenization_marian.py, _mbart.py and _mbart50.py
data::PretrainedTokenizer read_vocabulary(const std::filesystem::path& folder,
                                          const Network& network, const Languages& languages);

/// A tokenizer of `banter prepare` as a Marian's, whose text ends with the symbol that ends a turn.
data::PretrainedTokenizer as_marian(const data::Tokenizer& tokenizer);

/// The way back: the files that the family's tokenizer reads. Throws   FileError
void write_vocabulary(const std::filesystem::path& folder,
                      const data::PretrainedTokenizer& tokenizer, const Network& network);

}  // namespace banter::models
