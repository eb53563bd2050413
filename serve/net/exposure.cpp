#include "serve/net/exposure.h"

#include "base/errors.h"
#include "serve/net/origin.h"

namespace banter::serve {

void check_exposure(const Exposure& exposure) {
  if (exposure.address.empty() || is_loopback(exposure.address)) return;
  const auto where = "binding to " + exposure.address + " lets others reach the server: ";
  if (!exposure.has_tokens) throw base::UsageError(where + "give it tokens with --tokens FILE");
  if (!exposure.has_tls && !exposure.behind_proxy && !exposure.insecure) {
    throw base::UsageError(where +
                           "encrypt with --tls-certificate and --tls-key, or say --behind-proxy "
                           "where a proxy encrypts, or --insecure where nobody has to");
  }
}

}  // namespace banter::serve
