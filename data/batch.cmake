add_library(banter_batch batch.cpp batch_mix.cpp batch_stream.cpp)
banter_uses_torch(banter_batch)
target_link_libraries(banter_batch PUBLIC banter_examples)
