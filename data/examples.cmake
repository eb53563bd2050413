add_library(banter_examples examples.cpp example_order.cpp)
    target_link_libraries(banter_examples PUBLIC banter_data banter_configs)
