# libbanter_cuda.so: what needs LibTorch's CUDA backend, loaded on demand by models/device.cpp, and
# the device kernels of models/kernels, which know nothing of LibTorch. Building it needs nvcc and
# the wheels of scripts/setup; running it needs a GPU and the whole `pip install torch`.

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

add_library(banter_cuda MODULE ${CMAKE_SOURCE_DIR}/models/cuda/module.cpp
                               ${CMAKE_SOURCE_DIR}/models/cuda/graphs.cpp)
target_link_libraries(banter_cuda PRIVATE banter_torch CUDA::cudart)
# What libtorch_cuda.so needs itself (cuDNN, NCCL, ...) is not here: it is found when the module is
# loaded on a machine that has it. What is ours must be found now: a name of its that changes is an
# error of the linker, not of the loader.
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

# The kernels: machine code for sm_80, sm_90 and sm_120, and PTX for what comes later. An nvcc that
# cannot build a program (its g++ is too new, say) costs the kernels, not the module.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 120)
endif()
if(NOT DEFINED CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  set(ENV{CUDACXX} ${CUDAToolkit_NVCC_EXECUTABLE})
endif()
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(BANTER_CUDA STREQUAL "ON")
    message(FATAL_ERROR "BANTER_CUDA=ON, but ${CUDAToolkit_NVCC_EXECUTABLE} builds no program: see "
                        "${CMAKE_BINARY_DIR}/CMakeFiles/CMakeError.log")
  endif()
  message(STATUS "CUDA kernels: not built (nvcc builds no program)")
  return()
endif()
if(CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()
enable_language(CUDA)

# Objects, which the tests and benchmarks that need no LibTorch link, too.
add_library(
  banter_device_kernels OBJECT
  ${CMAKE_SOURCE_DIR}/models/kernels/gru_device.cu
  ${CMAKE_SOURCE_DIR}/models/kernels/row_places_device.cu
  ${CMAKE_SOURCE_DIR}/models/kernels/turn_attention_device.cu)
target_include_directories(banter_device_kernels PRIVATE ${CMAKE_SOURCE_DIR})
target_compile_options(
  banter_device_kernels
  PRIVATE -O3 -Xcompiler=-Wall,-Wextra,-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
set_target_properties(
  banter_device_kernels
  PROPERTIES CUDA_STANDARD 17 # CMake 3.25 does not know that nvcc 13 has C++20
             CUDA_RUNTIME_LIBRARY None # who links them chooses: the module shared, programs static
             POSITION_INDEPENDENT_CODE ON)
target_sources(banter_cuda PRIVATE ${CMAKE_SOURCE_DIR}/models/cuda/kernels.cpp)
target_link_libraries(banter_cuda PRIVATE banter_device_kernels)
set_target_properties(banter_cuda PROPERTIES CUDA_RUNTIME_LIBRARY None LINKER_LANGUAGE CXX)

# A program over the kernels that runs on any machine with a driver: cudart, GoogleTest and g++'s
# libraries inside, no allocator of ours, nothing of LibTorch.
function(banter_device_program target)
  add_executable(${target} ${ARGN} $<TARGET_OBJECTS:banter_kernels>)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${target}
                         PRIVATE $<TARGET_PROPERTY:banter_flags,INTERFACE_COMPILE_OPTIONS>)
  target_link_libraries(${target} PRIVATE banter_device_kernels CUDA::cudart_static)
  target_link_options(${target} PRIVATE -static-libgcc -static-libstdc++)
  set_target_properties(${target} PROPERTIES CUDA_RUNTIME_LIBRARY None LINKER_LANGUAGE CXX
                                             SKIP_BUILD_RPATH ON)
endfunction()
