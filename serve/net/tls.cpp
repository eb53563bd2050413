#include "serve/net/tls.h"

#include <string>

#include "base/errors.h"

namespace banter::serve {

namespace ssl = boost::asio::ssl;

std::shared_ptr<ssl::context> tls_context(const std::filesystem::path& certificate,
                                          const std::filesystem::path& key) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 |
                       ssl::context::no_tlsv1_1 | ssl::context::no_compression);
  boost::system::error_code error;
  const auto check = [&error](const std::filesystem::path& file) {
    if (error) throw base::ConfigError(file.string() + ": " + error.message());
  };
  context->use_certificate_chain_file(certificate.string(), error);
  check(certificate);
  context->use_private_key_file(key.string(), ssl::context::pem, error);
  check(key);
  return context;
}

}  // namespace banter::serve
