# libbanter_mpi.so: data-parallel training by OpenMPI, loaded on demand by train/ranks/ranks.cpp.
find_package(MPI COMPONENTS CXX QUIET)
if(NOT MPI_CXX_FOUND)
  if(BANTER_MPI STREQUAL "ON")
    message(FATAL_ERROR "BANTER_MPI=ON, but there is no MPI: install libopenmpi-dev and openmpi-bin, "
                        "or configure with -DBANTER_MPI=OFF")
  endif()
  message(STATUS "MPI module: not built (no libopenmpi-dev)")
  return()
endif()
message(STATUS "MPI module: built with MPI ${MPI_CXX_VERSION}")

add_library(banter_mpi MODULE ${CMAKE_SOURCE_DIR}/train/ranks/mpi.cpp)
target_link_libraries(banter_mpi PRIVATE banter_flags MPI::MPI_CXX)
target_compile_definitions(banter_mpi PRIVATE OMPI_SKIP_MPICXX) # its C++ interface is long gone
set_target_properties(banter_mpi PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
