# libbanter_cuda.so: what needs LibTorch's CUDA backend, loaded on demand by models/device.cpp.
# Building it needs nvcc and the wheels of scripts/setup; running it needs a GPU and the whole
# `pip install torch`. Kernels to come are built for sm_80, sm_90 and sm_120.

find_package(CUDAToolkit 13 QUIET)
if(NOT CUDAToolkit_FOUND
   OR NOT CUDAToolkit_NVCC_EXECUTABLE
   OR NOT EXISTS ${torch_root}/lib/libtorch_cuda.so)
  if(BANTER_CUDA STREQUAL "ON")
    message(FATAL_ERROR "BANTER_CUDA=ON, but there is no nvcc of a CUDA 13 toolkit: install one, "
                        "put its bin folder on PATH, or configure with -DBANTER_CUDA=OFF")
  endif()
  message(STATUS "CUDA module: not built (no nvcc of a CUDA 13 toolkit)")
  return()
endif()
message(STATUS "CUDA module: built with ${CUDAToolkit_NVCC_EXECUTABLE}")

add_library(banter_cuda MODULE ${CMAKE_SOURCE_DIR}/models/cuda/module.cpp)
target_link_libraries(banter_cuda PRIVATE banter_torch CUDA::cudart)
# Nothing of ours names a symbol of libtorch_cuda.so, and what it needs itself (cuDNN, NCCL, ...)
# is not here: it is found when the module is loaded on a machine that has it.
target_link_options(
  banter_cuda
  PRIVATE
  -Wl,--unresolved-symbols=ignore-in-shared-libs
  -Wl,--no-as-needed
  ${torch_root}/lib/libtorch_cuda.so
  ${torch_root}/lib/libc10_cuda.so)
set_target_properties(
  banter_cuda
  PROPERTIES SKIP_BUILD_RPATH ON # the toolkit's folder: its cuDNN beside the wheel's breaks both
             LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
