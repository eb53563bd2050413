find_package(PkgConfig REQUIRED)
pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)

add_library(banter_data store.cpp store_writer.cpp text_sample.cpp tokenizer.cpp)
target_link_libraries(banter_data PUBLIC banter_configs PRIVATE PkgConfig::SENTENCEPIECE)
