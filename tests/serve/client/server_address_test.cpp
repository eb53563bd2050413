#include "serve/client/server_address.h"

#include <string>

#include <gtest/gtest.h>

#include "base/errors.h"

namespace banter::tests {
namespace {

using namespace serve;

std::string read(std::string_view url) {
  return ServerAddress::parse(url, "--server", "/v1/chat").text();
}

std::string refusal(std::string_view url) {
  try {
    return "taken as " + read(url);
  } catch (const base::UsageError& error) {
    return error.what();
  }
}

TEST(ServerAddressTest, FillsInWhatIsLeftOut) {
  EXPECT_EQ(read("ws://localhost:8080"), "ws://localhost:8080/v1/chat");
  EXPECT_EQ(read("ws://localhost:8080/"), "ws://localhost:8080/v1/chat");
  EXPECT_EQ(read("wss://chat.example.org"), "wss://chat.example.org:443/v1/chat");
  EXPECT_EQ(read("ws://chat.example.org"), "ws://chat.example.org:80/v1/chat");
  EXPECT_EQ(read("ws://h:1/other?a=b"), "ws://h:1/other?a=b");
  EXPECT_EQ(read("ws://h?a=b"), "ws://h:80/v1/chat?a=b");
  EXPECT_EQ(read("ws://[::1]:8080"), "ws://[::1]:8080/v1/chat");
  EXPECT_EQ(ServerAddress::parse("ws://[::1]:8080", "", "/").host, "::1");
}

TEST(ServerAddressTest, SaysWhatIsWrong) {
  EXPECT_EQ(refusal("http://localhost"),
            "--server: http://localhost must begin with ws:// or wss://");
  EXPECT_EQ(refusal("ws://"), "--server: ws:// names no host");
  EXPECT_EQ(refusal("ws://:80"), "--server: ws://:80 names no host");
  EXPECT_EQ(refusal("ws://[::1"), "--server: ws://[::1 has no ] behind its address");
  EXPECT_EQ(refusal("ws://a b"), "--server: ws://a b holds a character that no URL has");
  for (const auto* port : {"0", "65536", "x", "", "-1", "8080x"})
    EXPECT_EQ(
        refusal(std::string("ws://h:") + port),
        std::string("--server: ws://h:") + port + ": the port must be a number from 1 to 65535");
}

TEST(ServerAddressTest, RefusesSecretsWithoutRepeatingThem) {
  for (const auto* url : {"ws://me:secret@h", "ws://h/v1/chat?token=secret"}) {
    const auto said = refusal(url);
    EXPECT_NE(said.find("BANTER_TOKEN"), std::string::npos) << said;
    EXPECT_EQ(said.find("secret"), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace banter::tests
