#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace banter::serve {

/// Random bytes of the operating system as hexadecimal digits.
/// Throws   base::Error when it has none
std::string random_hex(std::size_t bytes);

/// What a session is called in the log: a hash of its id, by which nobody gets in.
std::string name_in_log(const std::string& session);

/// A seed that JavaScript holds exactly: 53 random bits.
std::int64_t random_seed();

}  // namespace banter::serve
