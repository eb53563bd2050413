#include "train/metrics/texts/sample_files.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/utf8.h"
#include "data/input/lines.h"
#include "train/metrics/statistics/groups.h"

namespace banter::train {
namespace {

namespace json = base::json;

constexpr std::array<std::string_view, 6> kKeys = {"reply",   "text",  "references",
                                                   "context", "turns", "dialogue"};

/// A file cut into lines, valid UTF-8, each an object or plain text.
class Lines {
 public:
  explicit Lines(const std::string& path) : name_(base::printable(path, 1000)), file_(path) {
    auto rest = file_.text();
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    while (!rest.empty()) {
      lines_.push_back(data::take_line(rest));
      if (const auto bad = base::first_bad_utf8(lines_.back()))
        throw base::DataError(where(size() - 1) + ": byte " + std::to_string(*bad + 1) +
                              " is not UTF-8");
    }
    is_json_ = starts_with_object();
  }
  [[nodiscard]] std::size_t size() const { return lines_.size(); }
  [[nodiscard]] bool is_json() const { return is_json_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string where(std::size_t i) const {
    return name_ + ":" + std::to_string(i + 1);
  }
  [[nodiscard]] std::string_view text(std::size_t i) const { return lines_[i]; }
  [[nodiscard]] json::object object(std::size_t i) const {
    return base::as_object(base::parse_json(lines_[i], where(i)), where(i));
  }

 private:
  [[nodiscard]] bool starts_with_object() const {
    const auto first = std::ranges::find_if_not(lines_, base::is_blank);
    if (first == lines_.end() || !first->starts_with('{')) return false;
    json::error_code error;
    const auto value = json::parse({first->data(), first->size()}, error);
    return !error && value.is_object() && std::ranges::any_of(kKeys, [&](std::string_view key) {
      return value.get_object().contains({key.data(), key.size()});
    });
  }

  std::string name_;
  base::MappedFile file_;
  std::vector<std::string_view> lines_;
  bool is_json_ = false;
};

void check_sizes(const std::string& name, std::size_t size, const Lines& other) {
  if (size == other.size()) return;
  throw base::DataError(name + " has " + std::to_string(size) + " lines and " + other.name() +
                        " has " + std::to_string(other.size()) +
                        ": line N of both must be about the same reply");
}

std::string text_of(const json::value& value, const std::string& where) {
  if (const auto* object = value.if_object())
    return std::string(base::string_field(*object, "text", where));
  return std::string(base::as_string(value, where));
}

std::vector<std::string> texts_of(const json::object& object, std::string_view key,
                                  const std::string& where) {
  std::vector<std::string> texts;
  for (const auto& value : base::array_field(object, key, where))
    texts.push_back(text_of(value, where + ", \"" + std::string(key) + "\""));
  return texts;
}

std::string reply_of(const json::object& object, const std::string& where) {
  for (const auto* key : {"reply", "text"})
    if (const auto* value = object.if_contains(key)) return text_of(*value, where);
  throw base::DataError(where + ": has neither \"reply\" nor \"text\"");
}

std::string reply_at(const Lines& lines, std::size_t i) {
  return lines.is_json() ? reply_of(lines.object(i), lines.where(i)) : std::string(lines.text(i));
}

std::vector<std::string> references_at(const Lines& lines, std::size_t i) {
  if (!lines.is_json()) return {std::string(lines.text(i))};
  const auto object = lines.object(i);
  if (object.contains("references")) return texts_of(object, "references", lines.where(i));
  return {reply_of(object, lines.where(i))};
}

std::vector<std::string> context_of(const json::object& object, const std::string& where) {
  for (const auto* key : {"context", "turns"})
    if (object.contains(key)) return texts_of(object, key, where);
  return {};
}

std::vector<std::string> context_at(const Lines& lines, std::size_t i) {
  if (lines.is_json()) return context_of(lines.object(i), lines.where(i));
  std::vector<std::string> turns;
  for (const auto turn : data::split_at('\t', lines.text(i))) turns.emplace_back(turn);
  return turns;
}

std::string group_at(const Lines& lines, std::size_t i) {
  return lines.is_json() ? name_of_group(lines.object(i)) : std::string(lines.text(i));
}

/// How the line's reply was judged, where it was.
void read_judgements(const json::object& object, const std::string& where, Sample& sample) {
  sample.judgements.clear();
  sample.judge.clear();
  const auto* value = object.if_contains("judgements");
  if (value == nullptr) return;
  const auto place = where + ", \"judgements\"";
  const auto& judged = base::as_object(*value, place);
  sample.judge = base::string_field(judged, "judge", place);
  for (const auto& name : base::array_field(judged, "labels", place)) {
    const auto label = data::label_named(base::as_string(name, place));
    if (!label)
      throw base::DataError(place + ": \"" + base::printable(base::as_string(name, place)) +
                            "\" is no label; known: entailment neutral contradiction");
    sample.judgements.push_back(*label);
  }
  if (sample.judgements.size() != sample.persona.size())
    throw base::DataError(place + ": has " + std::to_string(sample.judgements.size()) +
                          " labels, and \"persona\" " + std::to_string(sample.persona.size()) +
                          " sentences");
}

/// The reply's line with all that may stand in it; gives the name of its group.
std::string read_line(const Lines& lines, std::size_t i, Sample& sample) {
  sample.reply = reply_at(lines, i);
  if (!lines.is_json()) return "";
  const auto object = lines.object(i);
  if (object.contains("references"))
    sample.references = texts_of(object, "references", lines.where(i));
  sample.context = context_of(object, lines.where(i));
  if (object.contains("persona")) sample.persona = texts_of(object, "persona", lines.where(i));
  read_judgements(object, lines.where(i), sample);
  return name_of_group(object);
}

/// What stands in the references' files, for all samples.
void read_references(const std::vector<std::string>& paths, const Lines& replies,
                     std::vector<Sample>& samples) {
  for (auto& sample : samples)
    if (!paths.empty()) sample.references.clear();
  for (const auto& path : paths) {
    const Lines lines(path);
    check_sizes(replies.name(), replies.size(), lines);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      for (auto& reference : references_at(lines, i)) {
        if (base::is_blank(reference))
          throw base::DataError(lines.where(i) + ": the reference is empty");
        samples[i].references.push_back(std::move(reference));
      }
      if (samples[i].references.empty())
        throw base::DataError(lines.where(i) + ": has no reference");
    }
  }
}

/// References that stand with the replies: all have one, or none has.
void check_references(const Lines& replies, const std::vector<Sample>& samples) {
  const auto has_none = [](const Sample& sample) { return sample.references.empty(); };
  if (std::ranges::all_of(samples, has_none)) return;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (has_none(samples[i]))
      throw base::DataError(replies.where(i) + ": has no reference, and other lines have one");
    if (std::ranges::any_of(samples[i].references, base::is_blank))
      throw base::DataError(replies.where(i) + ": a reference is empty");
  }
}

json::object to_json(const Sample& sample) {
  json::object object = {{"reply", sample.reply},
                         {"references", json::value_from(sample.references)},
                         {"context", json::value_from(sample.context)},
                         {"dialogue", sample.group}};
  if (!sample.persona.empty()) object["persona"] = json::value_from(sample.persona);
  if (sample.judgements.empty()) return object;
  json::array labels;
  for (const auto label : sample.judgements) labels.emplace_back(data::to_text(label));
  object["judgements"] = json::object{{"judge", sample.judge}, {"labels", std::move(labels)}};
  return object;
}

}  // namespace

std::vector<Sample> read_samples(const SampleFiles& files) {
  const Lines replies(files.replies);
  if (replies.size() == 0) throw base::DataError(replies.name() + ": holds no reply");
  std::vector<Sample> samples(replies.size());
  std::vector<std::string> groups(replies.size());
  for (std::size_t i = 0; i < samples.size(); ++i) groups[i] = read_line(replies, i, samples[i]);
  read_references(files.references, replies, samples);
  check_references(replies, samples);
  if (!files.contexts.empty()) {
    const Lines lines(files.contexts);
    check_sizes(replies.name(), replies.size(), lines);
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i].context = context_at(lines, i);
  }
  if (!files.groups.empty()) {
    const Lines lines(files.groups);
    check_sizes(replies.name(), replies.size(), lines);
    for (std::size_t i = 0; i < samples.size(); ++i) groups[i] = group_at(lines, i);
  }
  Groups numbers;
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i].group = numbers.number(groups[i]);
  return samples;
}

std::vector<Sample> with_replies(std::vector<Sample> samples, const std::string& file,
                                 const std::string& other_file) {
  const Lines lines(file);
  check_sizes(base::printable(other_file, 1000), samples.size(), lines);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    auto& sample = samples[i];
    const auto judge = sample.judge;
    sample.reply = reply_at(lines, i);
    read_judgements(lines.is_json() ? lines.object(i) : json::object(), lines.where(i), sample);
    if (!judge.empty() && !sample.judge.empty() && sample.judge != judge)
      throw base::DataError(lines.where(i) + ": its reply was judged by " +
                            base::printable(sample.judge) + ", the one of " +
                            base::printable(other_file, 1000) + " by " + base::printable(judge) +
                            "; both must be by one classifier");
  }
  return samples;
}

void write_samples(const std::filesystem::path& file, std::span<const Sample> samples) {
  std::string text;
  for (const auto& sample : samples) text += json::serialize(to_json(sample)) + "\n";
  base::write_durably(file, text);
}

}  // namespace banter::train
