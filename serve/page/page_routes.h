#pragma once

#include "serve/net/router.h"

namespace banter::serve {

/// Adds the page at `/` and its files `/app.js`, `/app.css`, `/icon.svg` and `/chart.js`, which are
/// in the program: no path of a request reaches a file system. Each has a strong ETag and may load
/// from its own origin alone.
void add_page_routes(Router& router);

}  // namespace banter::serve
