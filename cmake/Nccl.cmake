# NCCL in libbanter_cuda.so: sums of gradients over GPUs, asked for by train/ranks/gradient_sum.cpp.
# The header and the library are those of the wheel nvidia-nccl-cu13, which LibTorch's own CUDA
# libraries need to run, or of an installation of NVIDIA's.
get_filename_component(nccl_wheel ${torch_root}/../nvidia/nccl ABSOLUTE)
find_path(BANTER_NCCL_INCLUDE nccl.h HINTS ${nccl_wheel}/include ${CUDAToolkit_INCLUDE_DIRS})
find_library(BANTER_NCCL_LIBRARY NAMES nccl libnccl.so.2 NAMES_PER_DIR # of the header's folder first
             HINTS ${nccl_wheel}/lib ${CUDAToolkit_LIBRARY_DIR})
if(NOT BANTER_NCCL_INCLUDE OR NOT BANTER_NCCL_LIBRARY)
  message(STATUS "NCCL: not built in (no nccl.h and libnccl); gradients of GPUs are summed by MPI")
  return()
endif()
message(STATUS "NCCL: built in with ${BANTER_NCCL_LIBRARY}")

add_library(banter_nccl OBJECT ${CMAKE_SOURCE_DIR}/train/ranks/nccl.cpp)
target_include_directories(banter_nccl SYSTEM PRIVATE ${BANTER_NCCL_INCLUDE})
target_link_libraries(banter_nccl PRIVATE banter_flags CUDA::cudart)
set_target_properties(banter_nccl PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_sources(banter_cuda PRIVATE $<TARGET_OBJECTS:banter_nccl>)
target_link_libraries(banter_cuda PRIVATE ${BANTER_NCCL_LIBRARY})
set_source_files_properties(
  ${CMAKE_SOURCE_DIR}/models/commands/info.cpp
  TARGET_DIRECTORY banter_model_commands
  PROPERTIES COMPILE_DEFINITIONS BANTER_NCCL)
# Where it is run the wheel lies beside LibTorch's.
target_link_options(banter_cuda PRIVATE -Wl,-rpath,${nccl_wheel}/lib)
