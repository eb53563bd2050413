#pragma once

#include <string>

namespace banter::serve {

/// What decides whether a listener may be opened to others than this machine.
struct Exposure {
  std::string address;        ///< where it binds; "" for a Unix socket
  bool has_tokens = false;    ///< clients have to show one
  bool has_tls = false;       ///< we encrypt ourselves
  bool behind_proxy = false;  ///< --behind-proxy: somebody in front encrypts
  bool insecure = false;      ///< --insecure: nobody does, and that is wanted
};

/// Throws   UsageError when others could use the listener without a token, or read along
void check_exposure(const Exposure& exposure);

}  // namespace banter::serve
