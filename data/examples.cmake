add_library(banter_examples batches/examples.cpp batches/example_order.cpp
                            batches/pair_order.cpp batches/part.cpp batches/dropped_dialogues.cpp)
target_link_libraries(banter_examples PUBLIC banter_data banter_configs)
