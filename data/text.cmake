find_package(PkgConfig REQUIRED)
pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)
pkg_check_modules(SIMDJSON REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(ICU_UC REQUIRED IMPORTED_TARGET icu-uc)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
find_package(EXPAT REQUIRED)
find_package(LibArchive REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)

add_library(
  banter_data
  commands/export_data.cpp
  commands/corpus_options.cpp
  commands/inspect.cpp
  commands/prepare.cpp
  export/exporter.cpp
  export/json_lines.cpp
  export/line_output.cpp
  formats/by_turns.cpp
  formats/chitchat.cpp
  formats/convai2.cpp
  formats/dialogue_nli.cpp
  formats/eou_text.cpp
  formats/formats.cpp
  formats/irc.cpp
  formats/json_record.cpp
  formats/jsonl.cpp
  formats/kvpi.cpp
  formats/marked_text.cpp
  formats/mnli.cpp
  formats/opensubtitles.cpp
  formats/pair_form.cpp
  formats/pairs.cpp
  formats/personal_dialog.cpp
  formats/runs.cpp
  formats/subtitle_lines.cpp
  formats/tsv.cpp
  formats/ubuntu_v1.cpp
  formats/ubuntu_v2.cpp
  input/archive.cpp
  input/csv_rows.cpp
  input/gzip.cpp
  input/json_elements.cpp
  input/lines.cpp
  input/patterns.cpp
  input/place.cpp
  input/sources.cpp
  input/stream.cpp
  input/xml.cpp
  inspection/corpus_report.cpp
  inspection/counting_queue.cpp
  inspection/distinct_counter.cpp
  inspection/example_sample.cpp
  inspection/histogram.cpp
  inspection/inspect.cpp
  inspection/key.cpp
  inspection/key_file.cpp
  inspection/near_duplicates.cpp
  inspection/overlap.cpp
  inspection/pair_report.cpp
  inspection/pair_statistics.cpp
  inspection/report.cpp
  inspection/script_counts.cpp
  inspection/sketch.cpp
  inspection/sorted_keys.cpp
  inspection/statistics.cpp
  inspection/token_statistics.cpp
  options.cpp
  pair.cpp
  preparation/blocked_patterns.cpp
  preparation/byte_log.cpp
  preparation/cleaning.cpp
  preparation/copies.cpp
  preparation/corpus.cpp
  preparation/encoding_queue.cpp
  preparation/existing_store.cpp
  preparation/file_reader.cpp
  preparation/inputs.cpp
  preparation/memory_of.cpp
  preparation/nameless_file.cpp
  preparation/partial_store.cpp
  preparation/prepare.cpp
  preparation/read_ahead.cpp
  preparation/record_filter.cpp
  preparation/record_taker.cpp
  preparation/seen_keys.cpp
  preparation/slot_table.cpp
  preparation/subtitle_marks.cpp
  preparation/source_readings.cpp
  preparation/temporary_folder.cpp
  preparation/tokenizer_training.cpp
  preparation/unicode_text.cpp
  problems.cpp
  store/corpus_hash.cpp
  store/encoded.cpp
  store/hashed_file.cpp
  store/split.cpp
  store/split_counts.cpp
  store/split_files.cpp
  store/split_writer.cpp
  store/store.cpp
  store/store_folder.cpp
  store/store_writer.cpp
  text_sample.cpp
  tokenizer.cpp
  transforms/transforms.cpp
  transforms/turn_changes.cpp
  word_encoder.cpp)
target_link_libraries(
  banter_data
  PUBLIC banter_configs
  PRIVATE PkgConfig::SENTENCEPIECE PkgConfig::SIMDJSON PkgConfig::ICU_UC PkgConfig::XXHASH
          PkgConfig::ICU PkgConfig::RE2 EXPAT::EXPAT LibArchive::LibArchive
          Threads::Threads ZLIB::ZLIB)
# Under one name or the other, by its version, expat declares its bound on the growth of entities.
set_source_files_properties(input/xml.cpp PROPERTIES COMPILE_DEFINITIONS "XML_DTD;XML_GE=1")
