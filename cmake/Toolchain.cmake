# What every target of ours is compiled and linked with: warnings, sanitizers, the allocator, the fast
# linker, ccache.

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
                                  CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE})
endif()

# One spelling of paths relative to the root: ccache and messages agree between checkouts, and no
# object names the folder that it was built in (gdb is started in the root).
add_library(banter_flags INTERFACE)
target_include_directories(banter_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(banter_flags INTERFACE -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
# -fPIC for programs too: they share the precompiled header with the libraries.
target_compile_options(banter_flags INTERFACE -fPIC -Wall -Wextra -Wshadow -Wconversion)
target_compile_definitions(banter_flags INTERFACE BANTER_VERSION="${PROJECT_VERSION}")
if(BANTER_SANITIZE)
  target_compile_options(banter_flags INTERFACE -fsanitize=${BANTER_SANITIZE}
                                                -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(BANTER_SANITIZE STREQUAL "thread")
    # It does not follow the fences in Asio's scheduler, whose mutexes order the same accesses.
    target_compile_options(banter_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
  target_link_options(banter_flags INTERFACE -fsanitize=${BANTER_SANITIZE})
endif()

# jemalloc: records are read on one thread and freed on another, which costs glibc's malloc a third of
# the time of reading a corpus; base/allocator.cpp keeps it from giving back what LibTorch asks for
# again. Sanitizers bring an allocator of their own. (--no-as-needed: a program that names none of its
# symbols allocates by it too.)
find_library(BANTER_JEMALLOC jemalloc)
if(BANTER_JEMALLOC AND NOT BANTER_SANITIZE)
  target_link_options(banter_flags INTERFACE -Wl,--push-state,--no-as-needed ${BANTER_JEMALLOC}
                                             -Wl,--pop-state)
endif()

# A fast linker: mold, but not before 2.4, whose programs with a small thread-local variable may not
# start (rui314/mold#1151: "cannot apply additional memory protection after relocation").
find_program(BANTER_LINKER_mold NAMES mold ld.mold)
find_program(BANTER_LINKER_lld NAMES lld ld.lld)
if(BANTER_LINKER_mold)
  execute_process(COMMAND ${BANTER_LINKER_mold} --version OUTPUT_VARIABLE mold_version)
  string(REGEX MATCH "[0-9]+[.][0-9]+" mold_version "${mold_version}")
endif()
if(BANTER_LINKER_mold AND mold_version VERSION_GREATER_EQUAL 2.4)
  target_link_options(banter_flags INTERFACE -fuse-ld=mold)
elseif(BANTER_LINKER_lld)
  target_link_options(banter_flags INTERFACE -fuse-ld=lld)
endif()
