add_library(banter_metrics train/metrics.cpp train/ngram.cpp)
target_link_libraries(banter_metrics PUBLIC banter_examples)
