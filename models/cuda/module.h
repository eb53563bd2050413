#pragma once

#include <functional>

#include "models/kernels/recurrent_kernels.h"

/// What the program asks libbanter_cuda.so for, by name through dlsym.
extern "C" {

/// Why no GPU can be used, as LibTorch says it; empty when one can. One thread at a time; the text
/// lives until the next call.
const char* banter_cuda_problem();

/// 1 when GPU number `device` multiplies bfloat16 numbers by itself.
int banter_cuda_has_bf16(int device);

/// The device kernels, on the calling thread's current GPU and stream of LibTorch. Absent where
/// they were not built.
const banter::models::RecurrentKernels* banter_cuda_kernels();

/// A CUDA graph of what `work` puts on the current GPU; `work` is called once before, to warm up.
/// It must not wait for the GPU. Throws   c10::Error, and what `work` throws
void* banter_cuda_record(const std::function<void()>& work);
/// Puts a graph's work into the current stream. Throws   c10::Error
void banter_cuda_repeat(void* graph);
void banter_cuda_forget(void* graph);
}
