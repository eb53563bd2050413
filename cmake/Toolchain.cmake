# What every target of ours is compiled with: warnings, sanitizers, the fast linker, ccache.

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
                                  ${CCACHE})
endif()

# One spelling of paths relative to the root, so that ccache and messages agree between checkouts.
add_library(banter_flags INTERFACE)
target_include_directories(banter_flags INTERFACE ${CMAKE_SOURCE_DIR})
# -fPIC for programs too: they share the precompiled header with the libraries.
target_compile_options(banter_flags INTERFACE -fPIC -Wall -Wextra -Wshadow -Wconversion)
target_compile_definitions(banter_flags INTERFACE BANTER_VERSION="${PROJECT_VERSION}")
if(BANTER_SANITIZE)
  target_compile_options(banter_flags INTERFACE -fsanitize=${BANTER_SANITIZE}
                                                -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(banter_flags INTERFACE -fsanitize=${BANTER_SANITIZE})
endif()

foreach(linker mold lld)
  find_program(BANTER_LINKER_${linker} NAMES ${linker} ld.${linker})
  if(BANTER_LINKER_${linker})
    target_link_options(banter_flags INTERFACE -fuse-ld=${linker})
    break()
  endif()
endforeach()
