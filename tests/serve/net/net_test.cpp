// What of serve/net needs no socket.
#include <cstddef>
#include <limits>
#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "serve/net/admission.h"
#include "serve/net/exposure.h"
#include "serve/net/frame_meter.h"
#include "serve/net/http.h"
#include "serve/net/origin.h"
#include "serve/net/outbox.h"
#include "serve/net/settings.h"
#include "serve/net/tokens.h"
#include "tests/support/temporary_folder.h"

namespace banter::serve {
namespace {

using namespace std::chrono_literals;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

constexpr MeterLimits kFew{.max_fragments = 2, .max_control_frames = 2, .control_window = 10s};
const FrameMeter::Clock::time_point kNow{};

/// An unmasked frame's bytes: the meter reads both kinds.
std::string frame(unsigned first_byte, std::string_view payload) {
  std::string whole = {static_cast<char>(first_byte), static_cast<char>(payload.size())};
  return whole.append(payload);
}

TEST(FrameMeterTest, SaysWhetherAMessageIsUnderWay) {
  FrameMeter meter(kFew);
  EXPECT_FALSE(meter.is_inside());
  const auto whole = frame(0x81, "abc");
  for (std::size_t i = 0; i + 1 < whole.size(); ++i) {
    EXPECT_EQ(meter.take(bytes(whole.substr(i, 1)), kNow), 1U);
    EXPECT_TRUE(meter.is_inside()) << i;
  }
  meter.take(bytes(whole.substr(whole.size() - 1)), kNow);
  EXPECT_FALSE(meter.is_inside());
  EXPECT_EQ(meter.begun(), 1U);
  meter.take(bytes(frame(0x01, "") + frame(0x89, "ping")), kNow);
  EXPECT_TRUE(meter.is_inside());
  EXPECT_EQ(meter.begun(), 2U);
  meter.take(bytes(frame(0x80, "end") + frame(0x81, "")), kNow);
  EXPECT_FALSE(meter.is_inside());
  EXPECT_EQ(meter.begun(), 3U);
}

TEST(FrameMeterTest, StopsBeforeTheFrameThatIsOneTooMany) {
  FrameMeter meter(kFew);
  const auto good = frame(0x81, "whole") + frame(0x01, "a") + frame(0x00, "b");
  EXPECT_EQ(meter.take(bytes(good + frame(0x80, "c")), kNow), good.size());
  EXPECT_TRUE(meter.is_broken());
  EXPECT_EQ(meter.take(bytes("more"), kNow), 0U);
}

TEST(FrameMeterTest, CountsControlFramesInAWindow) {
  FrameMeter meter(kFew);
  const auto ping = frame(0x89, "");
  EXPECT_EQ(meter.take(bytes(ping + ping), kNow), 2 * ping.size());
  EXPECT_EQ(meter.take(bytes(ping + ping), kNow + 10s), 2 * ping.size());
  EXPECT_EQ(meter.take(bytes(ping), kNow + 19s), 0U);
  EXPECT_TRUE(meter.is_broken());
}

TEST(FrameMeterTest, ReadsEachFormOfALength) {
  for (const std::size_t size : {125U, 126U, 65535U, 65536U}) {
    std::string head = "\x82";
    if (size < 126) {
      head += static_cast<char>(0x80U | size);
    } else {
      const int digits = size < 65536 ? 2 : 8;
      head += static_cast<char>(digits == 2 ? 0xFE : 0xFF);
      for (int i = digits; i-- > 0;) head += static_cast<char>(size >> (8U * unsigned(i)));
    }
    FrameMeter meter(kFew);
    const auto whole = head + "mask" + std::string(size, 'x');
    EXPECT_EQ(meter.take(bytes(whole.substr(0, whole.size() - 1)), kNow), whole.size() - 1);
    EXPECT_TRUE(meter.is_inside());
    meter.take(bytes("x"), kNow);
    EXPECT_FALSE(meter.is_inside()) << size;
  }
}

TEST(FrameMeterTest, ALengthOfAllOnesNeitherWrapsNorEnds) {
  FrameMeter meter(kFew);
  meter.take(bytes("\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFmask"), kNow);
  meter.take(bytes(std::string(100'000, 'x')), kNow);
  EXPECT_TRUE(meter.is_inside());
}

TEST(OutboxTest, GivesOneAfterTheOther) {
  Outbox outbox(100);
  EXPECT_TRUE(outbox.add({"1"}));
  EXPECT_TRUE(outbox.add({"2", FrameKind::kBinary}));
  EXPECT_EQ(outbox.next()->payload, "1");
  EXPECT_EQ(outbox.next(), nullptr) << "one is in flight";
  outbox.sent();
  EXPECT_EQ(outbox.next()->payload, "2");
  outbox.sent();
  EXPECT_TRUE(outbox.is_empty());
  EXPECT_EQ(outbox.bytes(), 0U);
}

TEST(OutboxTest, HoldsItsBytesAndNotOneMore) {
  Outbox outbox(10);
  EXPECT_TRUE(outbox.add({std::string(4, 'x')}));
  outbox.next();
  EXPECT_TRUE(outbox.add({std::string(6, 'x')}));
  EXPECT_FALSE(outbox.add({"y"}));
  outbox.drop_waiting();
  EXPECT_EQ(outbox.bytes(), 4U);
  outbox.sent();
  EXPECT_TRUE(outbox.add({std::string(10, 'x')}));
}

TEST(AdmissionTest, CountsInAllAndOfEachAddress) {
  const auto admission = std::make_shared<Admission>(3, 2);
  auto first = admission->enter("a", true);
  const auto second = admission->enter("a", true);
  EXPECT_EQ(admission->enter("a", true).refusal, Admission::Refusal::kTooManyOfAddress);
  const auto proxy = admission->enter("a", false);
  EXPECT_TRUE(proxy.ticket) << "a proxy's address is not counted";
  EXPECT_EQ(admission->enter("b", true).refusal, Admission::Refusal::kTooMany);
  first.ticket.reset();
  EXPECT_TRUE(admission->enter("a", true).ticket);
  EXPECT_EQ(admission->count(), 2U) << "what was refused or has gone holds no place";
}

TEST(TokensTest, AFileOfHashesIsReadStrictly) {
  const tests::TemporaryFolder folder;
  const auto file = folder.path() / "tokens";
  const std::string hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
  const auto problem = [&](const std::string& text) -> std::string {
    base::write_durably(file, text);
    try {
      const Tokens tokens(file);
      return "";
    } catch (const base::ConfigError& error) {
      return std::string(error.what()).substr(file.string().size());
    }
  };
  EXPECT_EQ(problem("# who\n\nann " + hash + "\n"), "");
  EXPECT_EQ(Tokens(file).name_of("secret"), "ann");
  EXPECT_EQ(Tokens(file).name_of("Secret"), std::nullopt);
  EXPECT_EQ(Tokens(file).name_of(""), std::nullopt);
  EXPECT_EQ(problem("# nobody\n"), ": there is no token in it");
  EXPECT_EQ(problem("ann " + hash + "\nann " + std::string(64, '0')).substr(0, 3), ":2:");
  EXPECT_EQ(problem("ann " + hash + "\nbo " + hash), ":2: the token stands twice");
  EXPECT_EQ(problem("ann " + hash.substr(1)).substr(0, 3), ":1:");
  EXPECT_EQ(problem("ann secret").substr(0, 3), ":1:");
  EXPECT_EQ(problem("ann " + hash + " more").substr(0, 3), ":1:");
}

TEST(OriginTest, OwnNamesCarryThePortUnlessItIsTheSchemesOwn) {
  const auto rules = own_rules("127.0.0.1", 8080, false, {"Chat.Example.org", "proxy.example:444"});
  EXPECT_EQ(rules.hosts, (std::vector<std::string>{"chat.example.org:8080", "proxy.example:444",
                                                   "127.0.0.1:8080", "localhost:8080"}));
  EXPECT_EQ(rules.origins.front(), "http://chat.example.org:8080");
  EXPECT_EQ(own_rules("::1", 443, true, {}).origins,
            (std::vector<std::string>{"https://[::1]:443", "https://[::1]", "https://localhost:443",
                                      "https://localhost"}));
  EXPECT_EQ(own_rules("192.0.2.1", 80, false, {}).hosts,
            (std::vector<std::string>{"192.0.2.1:80", "192.0.2.1"}));
}

TEST(OriginTest, OnlyLoopbackIsLoopback) {
  EXPECT_TRUE(is_loopback("127.0.0.1") && is_loopback("127.9.9.9") && is_loopback("::1"));
  EXPECT_FALSE(is_loopback("0.0.0.0") || is_loopback("::") || is_loopback("192.0.2.1") ||
               is_loopback("128.0.0.1"));
}

TEST(ExposureTest, BeyondThisMachineThereAreTokensAndEncryption) {
  const auto is_refused = [](const Exposure& exposure) {
    try {
      check_exposure(exposure);
      return false;
    } catch (const base::UsageError&) {
      return true;
    }
  };
  EXPECT_FALSE(is_refused({.address = "127.0.0.1"}) || is_refused({.address = ""}));
  EXPECT_TRUE(is_refused({.address = "0.0.0.0", .has_tls = true, .insecure = true}));
  EXPECT_TRUE(is_refused({.address = "::", .has_tokens = true}));
  EXPECT_FALSE(is_refused({.address = "::", .has_tokens = true, .has_tls = true}));
  EXPECT_FALSE(is_refused({.address = "::", .has_tokens = true, .behind_proxy = true}));
  EXPECT_FALSE(is_refused({.address = "::", .has_tokens = true, .insecure = true}));
}

/// The limits of NetSettings, as README.md's table says them.
TEST(NetSettingsTest, TheReadmeHasEachLimitWithItsDefaultAndMeaning) {
  const auto readme = base::read_file(std::string(BANTER_SOURCE_DIR) + "/serve/net/README.md");
  const NetSettings defaults;
  std::size_t bytes_of_fields = 0;
  for (const auto& row : kNetSettings) {
    std::string value;
    if (const auto* count = std::get_if<std::size_t NetSettings::*>(&row.field)) {
      value = std::to_string(defaults.**count);
      bytes_of_fields += sizeof(std::size_t);
    } else {
      const auto field = std::get<milliseconds NetSettings::*>(row.field);
      value = std::to_string((defaults.*field).count()) + " ms";
      bytes_of_fields += sizeof(milliseconds);
    }
    const auto line =
        "| `" + std::string(row.name) + "` | " + value + " | " + std::string(row.meaning) + " |";
    EXPECT_NE(readme.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(bytes_of_fields, sizeof(NetSettings)) << "a field has no row";
}

}  // namespace
}  // namespace banter::serve
