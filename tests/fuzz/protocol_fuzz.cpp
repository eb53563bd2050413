#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/utf8.h"
#include "serve/protocol/client_frame.h"
#include "serve/protocol/server_frame.h"

namespace {

using namespace banter;
using namespace banter::serve;

void expect(bool kept) {
  if (!kept) __builtin_trap();
}

/// What the server would send is one line of valid JSON in valid UTF-8.
void check_text(const std::string& text) {
  expect(!base::first_bad_utf8(text) && text.find('\n') == std::string::npos);
  expect(base::parse_json(text, "written").is_object());
}

/// Settings that pass their check come back from their own text.
void check_change(const DecodeChange& change) {
  try {
    const auto settings = overlaid({}, change, {}, {});
    const auto text = server_frame_text(SessionUpdated{.decode = settings}, 1);
    check_text(text);
    const auto frame = base::parse_json(text, "written");
    const auto back = read_decode(frame.at("decode").as_object(), "decode.", {});
    expect(server_frame_text(SessionUpdated{.decode = overlaid({}, back, {}, {})}, 1) == text);
  } catch (const RequestError& error) {
    expect(error.code == ErrorCode::kBadRequest && error.field.starts_with("decode."));
  }
}

void check_frame(const ClientFrame& frame) {
  const auto text = client_frame_text(frame);
  if (text.size() <= kMaxFrameBytes) expect(read_client_frame(text) == frame);
  if (const auto* message = std::get_if<Message>(&frame); message != nullptr && message->decode)
    check_change(*message->decode);
}

void check_error(const RequestError& error) {
  constexpr std::array kCodes = {ErrorCode::kBadJson, ErrorCode::kBadRequest,
                                 ErrorCode::kUnknownType, ErrorCode::kTooLong};
  bool known = false;
  for (const auto code : kCodes) known = known || code == error.code;
  expect(known && *error.what() != '\0');
  check_text(server_frame_text(ErrorFrame::of(error), 1));
}

/// Any bytes can be a reply.
void check_reply(const std::string& bytes) {
  check_text(server_frame_text(Delta{.id = bytes, .text = bytes}, 1));
  const SourceWeight source{.token = bytes, .weight = 0.5F};
  const AttentionWeights attention{.weights = {source}};
  const auto text = attention_text(attention);
  check_text(text);
  if (!base::first_bad_utf8(bytes)) expect(read_attention(text) == attention);
}

}  // namespace

/// Any bytes are a frame, which reads back from what is written of it, or an error of a known code;
/// and whatever a model makes of them can be sent.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  try {
    check_frame(read_client_frame(bytes));
  } catch (const RequestError& error) {
    check_error(error);
  }
  check_reply(bytes);
  return 0;
}
