#pragma once

#include "serve/net/router.h"
#include "serve/sessions/hub.h"

namespace banter::serve {

/// Adds `POST /tokenize`, `{"content"}` -> `{"tokens", "pieces"}`, and `POST /detokenize`,
/// `{"tokens"}` -> `{"content"}`, with the model's tokenizer. `hub` must outlive the router.
void add_token_routes(Router& router, Hub& hub);

}  // namespace banter::serve
