add_library(banter_batch batches/batch.cpp batches/batch_mix.cpp batches/batch_stream.cpp
                         batches/pair_batch.cpp batches/pair_stream.cpp batches/staged.cpp)
banter_uses_torch(banter_batch)
target_link_libraries(banter_batch PUBLIC banter_examples)
