#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace banter::base {

/// What malloc is: "jemalloc VERSION" where the program found it when it was built (or somebody
/// preloads it), else "the system's".
std::string allocator_name();

/// Bytes that the program has asked for and not freed. Resident memory has beside these what malloc
/// keeps for the next who ask. Well below a millisecond.
std::size_t allocated_bytes();

/// What is freed stays with the program for whoever asks next, large blocks too: for work that asks
/// for the same again and again, as training does. To be called before it. glibc's malloc is told
/// here; jemalloc's settings say so from the start, but a program has them only when it calls
/// something of this file.
void keep_free_memory();

/// Gives memory that is free back to the system: after large things have gone, whose place others
/// of another size would not find. Some milliseconds.
void give_back_free_memory();

/// From now on memory that was free for so long goes back to the system by itself, by a thread of
/// malloc's own: for a program that lives long and is busy now and then. Without this call it is
/// kept. Does nothing where malloc is not jemalloc.
void give_back_memory_free_for(std::chrono::milliseconds time);

}  // namespace banter::base
