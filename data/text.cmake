find_package(PkgConfig REQUIRED)
pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)
pkg_check_modules(SIMDJSON REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
find_package(EXPAT REQUIRED)
find_package(LibArchive REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)

add_library(
  banter_data
  cleaning/blocked_patterns.cpp
  cleaning/cleaning.cpp
  cleaning/contractions.cpp
  cleaning/copies.cpp
  cleaning/text_cleaning.cpp
  cleaning/subtitle_marks.cpp
  cleaning/unicode_text.cpp
  commands/corpus_options.cpp
  commands/export_data.cpp
  commands/inspect.cpp
  commands/prepare.cpp
  export/exporter.cpp
  export/json_lines.cpp
  export/line_output.cpp
  formats/formats.cpp
  formats/json/chitchat.cpp
  formats/json/json_record.cpp
  formats/json/jsonl.cpp
  formats/json/personal_dialog.cpp
  formats/lost_record.cpp
  formats/pairs/dialogue_nli.cpp
  formats/pairs/kvpi.cpp
  formats/pairs/mnli.cpp
  formats/pairs/pair_form.cpp
  formats/pairs/pairs.cpp
  formats/runs/irc.cpp
  formats/runs/opensubtitles.cpp
  formats/runs/runs.cpp
  formats/runs/subtitle_lines.cpp
  formats/turns/by_turns.cpp
  formats/turns/convai2.cpp
  formats/turns/eou_text.cpp
  formats/turns/marked_text.cpp
  formats/turns/tsv.cpp
  formats/turns/ubuntu_v1.cpp
  formats/turns/ubuntu_v2.cpp
  input/archive.cpp
  input/csv_rows.cpp
  input/gzip.cpp
  input/json_elements.cpp
  input/lines.cpp
  input/patterns.cpp
  input/place.cpp
  input/sources.cpp
  input/standard_input.cpp
  input/stream.cpp
  input/xml.cpp
  inspection/counting_queue.cpp
  inspection/example_sample.cpp
  inspection/histogram.cpp
  inspection/inspect.cpp
  inspection/keys/distinct_counter.cpp
  inspection/keys/key.cpp
  inspection/keys/key_file.cpp
  inspection/keys/sorted_keys.cpp
  inspection/likeness/near_duplicates.cpp
  inspection/likeness/sketch.cpp
  inspection/overlap.cpp
  inspection/pair_statistics.cpp
  inspection/reports/corpus_report.cpp
  inspection/reports/pair_report.cpp
  inspection/reports/report.cpp
  inspection/script_counts.cpp
  inspection/statistics.cpp
  inspection/token_statistics.cpp
  options.cpp
  pair.cpp
  preparation/encoding_queue.cpp
  preparation/existing_store.cpp
  preparation/inputs.cpp
  preparation/partial_store.cpp
  preparation/prepare.cpp
  preparation/record_taker.cpp
  preparation/source_readings.cpp
  preparation/tokenizer_training.cpp
  problems.cpp
  reading/corpus.cpp
  reading/file_reader.cpp
  reading/found_cleaning.cpp
  reading/memory_of.cpp
  reading/read_ahead.cpp
  reading/record_filter.cpp
  scratch/byte_log.cpp
  scratch/nameless_file.cpp
  scratch/seen_keys.cpp
  scratch/slot_table.cpp
  scratch/temporary_folder.cpp
  store/corpus_hash.cpp
  store/encoded.cpp
  store/hashed_file.cpp
  store/source_formats.cpp
  store/split.cpp
  store/split_counts.cpp
  store/split_files.cpp
  store/split_writer.cpp
  store/store.cpp
  store/store_folder.cpp
  store/store_writer.cpp
  tokenizer/own_symbols.cpp
  tokenizer/pretrained.cpp
  tokenizer/text_sample.cpp
  tokenizer/tokenizer.cpp
  tokenizer/word_encoder.cpp
  transforms/transforms.cpp
  transforms/turn_changes.cpp)
target_link_libraries(
  banter_data
  PUBLIC banter_configs
  PRIVATE PkgConfig::SENTENCEPIECE PkgConfig::SIMDJSON PkgConfig::ICU PkgConfig::XXHASH
          PkgConfig::RE2 EXPAT::EXPAT LibArchive::LibArchive
          Threads::Threads ZLIB::ZLIB)
# Under one name or the other, by its version, expat declares its bound on the growth of entities.
set_source_files_properties(input/xml.cpp PROPERTIES COMPILE_DEFINITIONS "XML_DTD;XML_GE=1")
