find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc)
pkg_check_modules(FASTTEXT REQUIRED IMPORTED_TARGET fasttext)
find_library(LIBLINEAR linear REQUIRED)

# By itself, so that its fuzz target needs no more.
add_library(banter_word_vectors train/metrics/texts/word_vectors.cpp)
target_link_libraries(banter_word_vectors PUBLIC banter_data)

add_library(
  banter_metrics
  train/evaluation/choice.cpp
  train/evaluation/findings.cpp
  train/metrics/likelihoods/hits.cpp
  train/metrics/likelihoods/likelihood.cpp
  train/metrics/likelihoods/likelihood_files.cpp
  train/metrics/likelihoods/likelihood_measurement.cpp
  train/metrics/likelihoods/ranking_file.cpp
  train/metrics/likelihoods/rises.cpp
  train/metrics/likelihoods/turn_fits.cpp
  train/metrics/pairs/bag_of_words.cpp
  train/metrics/pairs/pair_likelihoods.cpp
  train/metrics/pairs/pair_metrics.cpp
  train/metrics/pairs/pair_scores.cpp
  train/metrics/statistics/comparison.cpp
  train/metrics/statistics/dialogue_sums.cpp
  train/metrics/statistics/holm.cpp
  train/metrics/statistics/interval.cpp
  train/metrics/statistics/spread.cpp
  train/metrics/texts/bleu.cpp
  train/metrics/texts/chrf.cpp
  train/metrics/texts/embeddings.cpp
  train/metrics/texts/f1.cpp
  train/metrics/texts/known_metrics.cpp
  train/metrics/texts/measure.cpp
  train/metrics/texts/metrics_command.cpp
  train/metrics/texts/pieces.cpp
  train/metrics/texts/repetition.cpp
  train/metrics/texts/rouge_l.cpp
  train/metrics/texts/sample.cpp
  train/metrics/texts/sample_files.cpp
  train/metrics/texts/scores.cpp
  train/metrics/texts/swapped_pieces.cpp
  train/metrics/texts/used_vectors.cpp
  train/metrics/texts/words.cpp
  train/metrics/texts/words_13a.cpp
  train/evaluation/ngram.cpp
  train/evaluation/reply_rule.cpp)
target_link_libraries(
  banter_metrics
  PUBLIC banter_examples banter_word_vectors
  PRIVATE PkgConfig::ICU Threads::Threads ${LIBLINEAR})

add_library(banter_vectors train/vectors/training.cpp train/vectors/vectors_command.cpp)
target_link_libraries(
  banter_vectors
  PUBLIC banter_metrics
  PRIVATE PkgConfig::FASTTEXT)
