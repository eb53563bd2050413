#include "data/tokenizer/pretrained.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include <sentencepiece_processor.h>

#include "base/errors.h"
#include "base/json.h"
#include "base/utf8.h"
#include "data/tokenizer/load_sentencepiece.h"

namespace banter::data {
namespace {

namespace json = base::json;

constexpr std::string_view kFormat = "banter pretrained vocabulary";
constexpr std::int64_t kVersion = 1;

struct Field {
  std::string_view name;
  TokenId SpecialIds::*id;
  bool is_needed;
};

constexpr std::array kFields = {
    Field{"pad", &SpecialIds::pad, true},
    Field{"unk", &SpecialIds::unk, true},
    Field{"bos", &SpecialIds::bos, true},
    Field{"eos", &SpecialIds::eos, true},
    Field{"turn_end", &SpecialIds::turn_end, true},
    Field{"persona", &SpecialIds::persona, false},
    Field{"unknown_speaker", &SpecialIds::unknown_speaker, false},
    Field{"first_speaker", &SpecialIds::first_speaker, false},
    Field{"context_begin", &SpecialIds::context_begin, false},
    Field{"context_end", &SpecialIds::context_end, false},
    Field{"reply_begin", &SpecialIds::reply_begin, false},
};

SpecialIds special_of(const json::object& given, std::string_view where) {
  SpecialIds special;
  for (const auto& [name, id, is_needed] : kFields)
    special.*id = is_needed || given.contains(name) ? base::integer_field(given, name, where)
                                                    : SpecialIds::kNone;
  return special;
}

}  // namespace

PretrainedVocabulary PretrainedVocabulary::parse(std::string_view text, std::string_view where) {
  const auto value = base::parse_json(text, where, 4);
  const auto& record = base::as_object(value, where);
  if (base::string_field(record, "format", where) != kFormat ||
      base::integer_field(record, "version", where) != kVersion)
    throw base::DataError(std::string(where) + ": is not \"" + std::string(kFormat) +
                          "\" of version " + std::to_string(kVersion));
  PretrainedVocabulary vocabulary;
  for (const auto& piece : base::array_field(record, "pieces", where))
    vocabulary.pieces.emplace_back(base::as_string(piece, where));
  vocabulary.special =
      special_of(base::as_object(base::field(record, "special", where), where), where);
  for (const auto& mark : base::array_field(record, "marks", where)) {
    const auto* id = mark.if_int64();
    if (id == nullptr)
      throw base::DataError(std::string(where) + ": field \"marks\" is no list of integers");
    vocabulary.marks.push_back(*id);
  }
  std::ranges::sort(vocabulary.marks);
  const auto* leading = base::field(record, "leading_marks", where).if_bool();
  if (leading == nullptr)
    throw base::DataError(std::string(where) + ": field \"leading_marks\" is not true or false");
  vocabulary.leading_marks = *leading;
  vocabulary.check(where);
  return vocabulary;
}

void PretrainedVocabulary::check(std::string_view where) const {
  std::unordered_set<std::string_view> seen;
  for (const auto& piece : pieces)
    if (!piece.empty() && !seen.insert(piece).second)
      throw base::DataError(std::string(where) + ": two ids have the piece \"" +
                            base::printable(piece) + "\"");
  const auto check_id = [&](TokenId id, TokenId least) {
    if (id < least || id >= std::ssize(pieces))
      throw base::DataError(std::string(where) + ": the id " + std::to_string(id) +
                            " lies outside of the " + std::to_string(pieces.size()) + " pieces");
  };
  for (const auto& field : kFields)
    check_id(special.*field.id, field.is_needed ? 0 : SpecialIds::kNone);
  for (const auto mark : marks) check_id(mark, 0);
}

std::string PretrainedVocabulary::json() const {
  json::object ids;
  for (const auto& [name, id, is_needed] : kFields)
    if (special.*id != SpecialIds::kNone) ids[name] = special.*id;
  json::object record;
  record["format"] = kFormat;
  record["version"] = kVersion;
  record["special"] = std::move(ids);
  record["marks"] = json::array(marks.begin(), marks.end());
  record["leading_marks"] = leading_marks;
  record["pieces"] = json::array(pieces.begin(), pieces.end());
  return json::serialize(record) + "\n";
}

std::vector<std::string> pieces_of(const std::string& model) {
  sentencepiece::SentencePieceProcessor processor;
  if (!load_sentencepiece(processor, model)) throw base::DataError("is no SentencePiece model");
  std::vector<std::string> pieces;
  pieces.reserve(static_cast<std::size_t>(processor.GetPieceSize()));
  for (int id = 0; id < processor.GetPieceSize(); ++id) pieces.push_back(processor.IdToPiece(id));
  return pieces;
}

bool PretrainedVocabulary::is_mark(TokenId id) const {
  return std::ranges::binary_search(marks, id);
}

}  // namespace banter::data
