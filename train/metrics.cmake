find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc)
pkg_check_modules(FASTTEXT REQUIRED IMPORTED_TARGET fasttext)
find_library(LIBLINEAR linear REQUIRED)

# By itself, so that its fuzz target needs no more.
add_library(banter_word_vectors train/metrics/word_vectors.cpp)
target_link_libraries(banter_word_vectors PUBLIC banter_data)

add_library(
  banter_metrics
  train/evaluation_choice.cpp
  train/findings.cpp
  train/metrics/bag_of_words.cpp
  train/metrics/bleu.cpp
  train/metrics/chrf.cpp
  train/metrics/comparison.cpp
  train/metrics/dialogue_sums.cpp
  train/metrics/embeddings.cpp
  train/metrics/f1.cpp
  train/metrics/hits.cpp
  train/metrics/holm.cpp
  train/metrics/interval.cpp
  train/metrics/known_metrics.cpp
  train/metrics/likelihood.cpp
  train/metrics/likelihood_files.cpp
  train/metrics/likelihood_measurement.cpp
  train/metrics/measure.cpp
  train/metrics/metrics_command.cpp
  train/metrics/pair_likelihoods.cpp
  train/metrics/pair_metrics.cpp
  train/metrics/pair_scores.cpp
  train/metrics/pieces.cpp
  train/metrics/ranking_file.cpp
  train/metrics/repetition.cpp
  train/metrics/rises.cpp
  train/metrics/rouge_l.cpp
  train/metrics/sample.cpp
  train/metrics/sample_files.cpp
  train/metrics/scores.cpp
  train/metrics/spread.cpp
  train/metrics/swapped_pieces.cpp
  train/metrics/turn_fits.cpp
  train/metrics/used_vectors.cpp
  train/metrics/words.cpp
  train/metrics/words_13a.cpp
  train/ngram.cpp)
target_link_libraries(
  banter_metrics
  PUBLIC banter_examples banter_word_vectors
  PRIVATE PkgConfig::ICU Threads::Threads ${LIBLINEAR})

add_library(banter_vectors train/vectors/training.cpp train/vectors/vectors_command.cpp)
target_link_libraries(
  banter_vectors
  PUBLIC banter_metrics
  PRIVATE PkgConfig::FASTTEXT)
