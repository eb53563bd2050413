#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "base/errors.h"
#include "base/utf8.h"
#include "train/metrics/texts/chrf.h"
#include "train/metrics/texts/embeddings.h"
#include "train/metrics/texts/f1.h"
#include "train/metrics/texts/metric.h"
#include "train/metrics/texts/repetition.h"
#include "train/metrics/texts/rouge_l.h"

namespace banter::train {
namespace {

using Sums = std::span<double>;
using Totals = std::span<const double>;

double mean(Totals sums, const MetricSettings& /*settings*/) {
  return sums[1] == 0 ? std::numeric_limits<double>::quiet_NaN() : sums[0] / sums[1];
}
double counted(Totals sums) { return sums[1]; }

/// A metric that is the mean over replies of what `of_reply` gives; replies without are left out.
template <auto of_reply>
constexpr BySums mean_of() {
  return {.width = 2,
          .add =
              [](const ReadSample& sample, const MetricSettings& settings, Sums sums) {
                if (const std::optional<double> value = of_reply(sample, settings)) {
                  sums[0] += *value;
                  sums[1] += 1;
                }
              },
          .value = mean,
          .counted = counted};
}

double sentence_bleu(const ReadSample& sample, const MetricSettings& settings) {
  return bleu(bleu_sums(sample.reply, sample.references), settings.smoothing, true);
}

/// The best over the references.
template <double (*score)(std::string_view, std::string_view, Tokenize)>
double best_of(const ReadSample& sample, const MetricSettings& settings) {
  double best = 0;
  for (const auto& reference : sample.references)
    best = std::max(best, score(sample.reply.text, reference.text, settings.tokenize));
  return best;
}

template <unsigned n>
double repeats(const ReadSample& sample, const MetricSettings& /*settings*/) {
  return repeated_share(sample.reply, n);
}

template <unsigned n>
double copies(const ReadSample& sample, const MetricSettings& /*settings*/) {
  return copied_share(sample.reply, sample.context, n);
}

double length(const ReadSample& sample, const MetricSettings& /*settings*/) {
  return static_cast<double>(sample.reply.words.size());
}

/// The best over the references that say something; nothing where none does.
template <auto likeness>
std::optional<double> most_alike(const ReadSample& sample, const MetricSettings& settings) {
  const auto reply = vectors_of(sample.reply, sample.vocabulary, *settings.vectors);
  std::optional<double> best;
  for (const auto& reference : sample.references) {
    const std::optional<double> one =
        likeness(vectors_of(reference, sample.vocabulary, *settings.vectors), reply);
    if (one && (!best || *one > *best)) best = one;
  }
  return best;
}

double greedy_by_dot(const TextVectors& reference, const TextVectors& reply) {
  return greedy_likeness(reference, reply, false);
}
double greedy_by_cosine(const TextVectors& reference, const TextVectors& reply) {
  return greedy_likeness(reference, reply, true);
}

/// Sentences of the persona that a reply entails less those that it contradicts.
std::optional<double> consistency(const ReadSample& sample, const MetricSettings& /*settings*/) {
  if (sample.judgements.empty()) return std::nullopt;
  return static_cast<double>(std::ranges::count(sample.judgements, data::Label::kEntailment) -
                             std::ranges::count(sample.judgements, data::Label::kContradiction));
}

/// Whether a reply stands so to one of the sentences.
template <data::Label label>
std::optional<double> is_any(const ReadSample& sample, const MetricSettings& /*settings*/) {
  if (sample.judgements.empty()) return std::nullopt;
  return std::ranges::count(sample.judgements, label) > 0 ? 1.0 : 0.0;
}

double one_if_any(double count) { return count > 0 ? 1 : 0; }
double count_if_more(double count) { return count > 1 ? count : 0; }
double count_log_count(double count) { return count > 0 ? count * std::log(count) : 0; }

double share(const PieceSums& sums) { return sums.all == 0 ? 0 : sums.weights / sums.all; }

/// - sum p ln p, with p = count / all.
double entropy(const PieceSums& sums) {
  return sums.all == 0 ? 0 : std::log(sums.all) - sums.weights / sums.all;
}

constexpr ByPieces distinct(unsigned first, unsigned last) {
  return {.first = first, .last = last, .weight = one_if_any, .value = share};
}
constexpr ByPieces entropy_of(unsigned n) {
  return {.first = n, .last = n, .weight = count_log_count, .value = entropy};
}

constexpr std::string_view kSmall = "case:lc|tok:{tok}";
constexpr std::string_view kVectorSignature = "case:lc|tok:{tok}|refs:best|vectors:{vectors}";

const std::array kMetrics = {
    Metric{"bleu", "n-grams shared with the references, n = 1 .. 4, over all replies", "0 to 100",
           4, Need::kReferences, "nrefs:{nrefs}|case:mixed|eff:no|tok:{tok}|smooth:{smooth}",
           BySums{.width = BleuSums::kWidth,
                  .add = [](const ReadSample& sample, const MetricSettings&,
                            Sums sums) { bleu_sums(sample.reply, sample.references).add_to(sums); },
                  .value =
                      [](Totals sums, const MetricSettings& settings) {
                        return bleu(BleuSums::from(sums), settings.smoothing, false);
                      }}},
    Metric{"sentence_bleu", "the same of each reply, mean", "0 to 100", 4, Need::kReferences,
           "nrefs:{nrefs}|case:mixed|eff:yes|tok:{tok}|smooth:{smooth}", mean_of<sentence_bleu>()},
    Metric{"chrf", "character n-grams shared, n = 1 .. 6, recall twice as heavy (chrF2)",
           "0 to 100", 4, Need::kReferences, "nrefs:{nrefs}|case:mixed|eff:yes|nc:6|nw:0|space:no",
           BySums{.width = ChrfSums::kWidth,
                  .add = [](const ReadSample& sample, const MetricSettings&,
                            Sums sums) { chrf_sums(sample.reply, sample.references).add_to(sums); },
                  .value = [](Totals sums,
                              const MetricSettings&) { return chrf(ChrfSums::from(sums)); }}},
    Metric{"rouge_l", "F1 of the longest common subsequence of words, mean", "0 to 1", 4,
           Need::kReferences, "nrefs:{nrefs}|case:lc|tok:{rouge}|stem:no",
           mean_of<best_of<rouge_l>>()},
    Metric{"f1", "F1 of the words without punctuation and articles, mean", "0 to 1", 4,
           Need::kReferences, "nrefs:{nrefs}|case:lc|tok:{f1}", mean_of<best_of<f1>>()},
    Metric{"distinct_1", "different words of all words", "0 to 1", 4, Need::kNothing, kSmall,
           distinct(1, 1)},
    Metric{"distinct_2", "different pairs of words of all pairs", "0 to 1", 4, Need::kNothing,
           kSmall, distinct(2, 2)},
    Metric{"distinct_3", "the same of threes", "0 to 1", 4, Need::kNothing, kSmall, distinct(3, 3)},
    Metric{"distinct_avg", "mean of distinct_1 and distinct_2", "0 to 1", 4, Need::kNothing, kSmall,
           distinct(1, 2)},
    Metric{"entropy_1", "entropy of the words", "nats", 4, Need::kNothing, kSmall, entropy_of(1)},
    Metric{"entropy_2", "entropy of the pairs of words", "nats", 4, Need::kNothing, kSmall,
           entropy_of(2)},
    Metric{"entropy_3", "entropy of the threes", "nats", 4, Need::kNothing, kSmall, entropy_of(3)},
    Metric{"same_reply", "replies that equal another reply", "0 to 1", 4, Need::kNothing, kSmall,
           ByPieces{.first = ByPieces::kWholeReply,
                    .last = ByPieces::kWholeReply,
                    .weight = count_if_more,
                    .value = share}},
    Metric{"repeat_1", "words that stood in the reply before, mean", "0 to 1", 4, Need::kNothing,
           kSmall, mean_of<repeats<1>>()},
    Metric{"repeat_2", "the same of pairs of words", "0 to 1", 4, Need::kNothing, kSmall,
           mean_of<repeats<2>>()},
    Metric{"repeat_3", "the same of threes", "0 to 1", 4, Need::kNothing, kSmall,
           mean_of<repeats<3>>()},
    Metric{"repeat_4", "the same of fours", "0 to 1", 4, Need::kNothing, kSmall,
           mean_of<repeats<4>>()},
    Metric{"copy_1", "words that stand in a turn of the context, mean", "0 to 1", 4,
           Need::kContexts, kSmall, mean_of<copies<1>>()},
    Metric{"copy_2", "the same of pairs of words", "0 to 1", 4, Need::kContexts, kSmall,
           mean_of<copies<2>>()},
    Metric{"copy_3", "the same of threes", "0 to 1", 4, Need::kContexts, kSmall,
           mean_of<copies<3>>()},
    Metric{"copy_4", "the same of fours", "0 to 1", 4, Need::kContexts, kSmall,
           mean_of<copies<4>>()},
    Metric{"length", "words a reply, mean", "words", 2, Need::kNothing, "tok:{tok}",
           mean_of<length>()},
    Metric{"embed_avg", "cosine of the sums of word vectors, mean", "-1 to 1", 4, Need::kVectors,
           kVectorSignature, mean_of<most_alike<average_likeness>>()},
    Metric{"embed_extrema", "cosine of the extremes of word vectors, mean", "-1 to 1", 4,
           Need::kVectors, kVectorSignature, mean_of<most_alike<extrema_likeness>>()},
    Metric{"embed_greedy", "each word with its best partner, by dot product, mean", "0 and more", 4,
           Need::kVectors, kVectorSignature, mean_of<most_alike<greedy_by_dot>>()},
    Metric{"embed_greedy_cos", "the same by cosine", "0 to 1", 4, Need::kVectors, kVectorSignature,
           mean_of<most_alike<greedy_by_cosine>>()},
    Metric{"c_score", "sentences of the persona entailed less those contradicted, mean",
           "sentences", 4, Need::kJudgements, "{judge}", mean_of<consistency>()},
    Metric{"entailed_replies", "replies that entail a sentence of the persona", "0 to 1", 4,
           Need::kJudgements, "{judge}", mean_of<is_any<data::Label::kEntailment>>()},
    Metric{"contradicted_replies", "replies that contradict one", "0 to 1", 4, Need::kJudgements,
           "{judge}", mean_of<is_any<data::Label::kContradiction>>()},
};

bool stands_for(std::string_view name, const Metric& metric) {
  if (std::ranges::find(kMetrics, name, &Metric::name) != kMetrics.end())
    return metric.name == name;
  return !name.empty() && metric.name.starts_with(name) && metric.name[name.size()] == '_';
}

}  // namespace

std::span<const Metric> known_metrics() { return kMetrics; }

bool stands_for_a_metric(std::string_view name) {
  return std::ranges::any_of(kMetrics, [&](const Metric& m) { return stands_for(name, m); });
}

std::vector<const Metric*> metrics_named(std::span<const std::string> names) {
  for (const auto& name : names) {
    if (stands_for_a_metric(name)) continue;
    std::string known;
    for (const auto& metric : kMetrics) known += " " + std::string(metric.name);
    throw base::UsageError("there is no metric \"" + base::printable(name) + "\"; known:" + known);
  }
  std::vector<const Metric*> chosen;
  for (const auto& metric : kMetrics)
    if (std::ranges::any_of(names, [&](const auto& name) { return stands_for(name, metric); }))
      chosen.push_back(&metric);
  return chosen;
}

}  // namespace banter::train
