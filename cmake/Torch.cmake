# LibTorch without its 3 GB: libtorch_cpu.so and libc10.so of the wheel, linked directly
# (find_package(Torch) would ask for nvcc and cuFile). The program never links libtorch_cuda.so.

if(BANTER_TORCH_DIR)
  set(torch_root ${BANTER_TORCH_DIR})
  set(cuda_libs "")
else()
  get_filename_component(wheels ${CMAKE_SOURCE_DIR}/.deps/torch REALPATH)
  set(torch_root ${wheels}/torch)
  set(cuda_libs ${wheels}/nvidia/cu13/lib)
endif()
if(NOT EXISTS ${torch_root}/include/torch/csrc/api/include/torch/torch.h)
  message(FATAL_ERROR "LibTorch is not at ${torch_root}: run scripts/setup, "
                      "or give your own with -DBANTER_TORCH_DIR=<folder with include/ and lib/>")
endif()

foreach(name torch_cpu c10)
  add_library(banter::${name} SHARED IMPORTED)
  set_target_properties(
    banter::${name}
    PROPERTIES IMPORTED_LOCATION ${torch_root}/lib/lib${name}.so
               INTERFACE_INCLUDE_DIRECTORIES
               "${torch_root}/include;${torch_root}/include/torch/csrc/api/include")
endforeach()

add_library(banter_torch INTERFACE)
target_link_libraries(banter_torch INTERFACE banter_flags banter::torch_cpu banter::c10)
# at::parallel_for is a template that runs serially without -fopenmp; the runtime is the one that
# libtorch_cpu.so loads, so that there is one pool of threads. (clang-tidy has no omp.h of its own.)
if(NOT BANTER_NO_PCH)
  target_compile_options(banter_torch INTERFACE -fopenmp)
  if(EXISTS ${torch_root}/lib/libgomp.so.1)
    target_link_libraries(banter_torch INTERFACE ${torch_root}/lib/libgomp.so.1)
  else()
    target_link_options(banter_torch INTERFACE -fopenmp)
  endif()
endif()
# libtorch_cpu.so needs libcudart.so.13 and libcupti.so.13 beside it at link and at run time.
target_link_options(banter_torch INTERFACE -Wl,-rpath,${torch_root}/lib)
if(cuda_libs)
  target_link_options(banter_torch INTERFACE -Wl,-rpath,${cuda_libs} -Wl,-rpath-link,${cuda_libs})
endif()

# LibTorch's headers that most files need, precompiled once; every torch target takes them over with
# banter_uses_torch(). Few of them on purpose: what their inline functions use of templates, g++ makes
# anew in each file, which with all of <torch/torch.h> took nearly twice as long, and more than
# half the time of a file. What else a file needs (torch/optim.h say) it includes itself.
file(WRITE ${CMAKE_BINARY_DIR}/torch_header.cpp "")
add_library(banter_torch_header OBJECT ${CMAKE_BINARY_DIR}/torch_header.cpp)
target_link_libraries(banter_torch_header PRIVATE banter_torch)
if(NOT BANTER_NO_PCH)
  target_precompile_headers(
    banter_torch_header
    PRIVATE <torch/types.h> <torch/autograd.h> <torch/utils.h> <torch/nn/modules/linear.h>
            <torch/nn/modules/embedding.h> <torch/nn/modules/dropout.h>
            <torch/nn/modules/normalization.h>)
endif()

function(banter_uses_torch target)
  target_link_libraries(${target} PUBLIC banter_torch)
  if(NOT BANTER_NO_PCH)
    target_precompile_headers(${target} REUSE_FROM banter_torch_header)
  endif()
endfunction()
