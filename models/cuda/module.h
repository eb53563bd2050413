#pragma once

/// What the program asks libbanter_cuda.so for, by name through dlsym.
extern "C" {

/// Why no GPU can be used, as LibTorch says it; empty when one can. One thread at a time; the text
/// lives until the next call.
const char* banter_cuda_problem();
}
