# The inner loops: no torch, always optimised (they are what a step's time is made of).
add_library(banter_kernels kernels/kernels.cpp kernels/kernels_avx512.cpp kernels/kernels_avx2.cpp
                           kernels/kernels_baseline.cpp kernels/label_bounds.cpp
                           kernels/recurrent_kernels.cpp kernels/turn_attention.cpp)
target_link_libraries(banter_kernels PUBLIC banter_flags)
target_compile_options(banter_kernels PRIVATE -O3 -fno-math-errno -fno-trapping-math
                                              -ffp-contract=fast -fopenmp-simd)
set_source_files_properties(
  kernels/kernels_avx512.cpp
  PROPERTIES COMPILE_OPTIONS "-mavx512f;-mavx512dq;-mavx512bw;-mavx512vl;-mfma;-mprefer-vector-width=512")
set_source_files_properties(kernels/kernels_avx2.cpp PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma")

if(BANTER_TORCH)
  add_library(
    banter_models
    device.cpp
    dialogue_model.cpp
    draft.cpp
    ensemble.cpp
    hran.cpp
    hred.cpp
    kept_ids.cpp
    label_log_probs.cpp
    label_losses.cpp
    layers/additive_attention.cpp
    layers/context_rows.cpp
    layers/device_attention.cpp
    layers/device_recurrence.cpp
    layers/encoder.cpp
    layers/fused.cpp
    layers/gaussian.cpp
    layers/gru.cpp
    layers/gru_stack.cpp
    layers/label_screen.cpp
    layers/output_layer.cpp
    layers/packed_matrix.cpp
    layers/packing.cpp
    layers/row_attention.cpp
    layers/row_dropout.cpp
    layers/start_parameters.cpp
    layers/step_linear.cpp
    layers/step_screen.cpp
    layers/step_tokens.cpp
    layers/token_rows.cpp
    layers/transformer/angle_table.cpp
    layers/transformer/attention_rows.cpp
    layers/transformer/consistency_decoder.cpp
    layers/transformer/consistency_layer.cpp
    layers/transformer/dense.cpp
    layers/transformer/dot_attention.cpp
    layers/transformer/feed_forward.cpp
    layers/transformer/layer_stack.cpp
    layers/transformer/learned_positions.cpp
    layers/transformer/looked.cpp
    layers/transformer/multi_head_attention.cpp
    layers/transformer/padded_rows.cpp
    layers/transformer/positions.cpp
    layers/transformer/projection.cpp
    layers/transformer/rotary_positions.cpp
    layers/transformer/step_slots.cpp
    layers/transformer/transformer_layer.cpp
    layers/transformer/transformer_options.cpp
    layers/transformer/transformer_stack.cpp
    layers/transformer/turn_encoder.cpp
    layers/turn_embedding.cpp
    layers/word_recurrence.cpp
    layers/words/turn_places.cpp
    layers/words/word_loop.cpp
    layers/words/word_loop_back.cpp
    nli.cpp
    pair_classifiers.cpp
    precision.cpp
    recosa.cpp
    recurrent_options.cpp
    registry.cpp
    rows.cpp
    seq2seq.cpp
    stack_decoding.cpp
    stack_options.cpp
    stack_propagation.cpp
    transformer.cpp
    transformer_model.cpp
    turn_model.cpp
    turn_model_options.cpp
    vhred.cpp
    wseq.cpp)
  banter_uses_torch(banter_models)
  target_link_libraries(banter_models PUBLIC banter_batch banter_kernels PRIVATE ${CMAKE_DL_LIBS})
endif()
