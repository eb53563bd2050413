#pragma once

#include <string>

#include "serve/client/load.h"

namespace banter::serve {

/// What was seen, as one JSON object: milliseconds, seconds, bytes, counts.
std::string report_json(LoadResult& result, const LoadOptions& options);

/// The same as a table for people.
std::string report_text(LoadResult& result, const LoadOptions& options);

}  // namespace banter::serve
