#pragma once

#include <filesystem>
#include <memory>

#include <boost/asio/ssl/context.hpp>

namespace banter::serve {

/// What a listener encrypts with: TLS 1.2 and later, a chain of certificates and its key in PEM.
/// Throws   ConfigError: which file, and why it cannot be used
std::shared_ptr<boost::asio::ssl::context> tls_context(const std::filesystem::path& certificate,
                                                       const std::filesystem::path& key);

}  // namespace banter::serve
