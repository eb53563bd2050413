#include "serve/sessions/stored_frames.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "serve/protocol/request_error.h"
#include "serve/sessions/asked_turn.h"

namespace banter::serve {
namespace {

constexpr std::size_t kHistoryBytes = std::size_t{128}
                                      << 10U;  // of one frame: what a slow peer still gets

template <typename Read>
auto part_of(const std::string& text, const Read& read) -> std::optional<decltype(read(text))> {
  if (text.empty()) return std::nullopt;
  try {
    return read(text);
  } catch (const RequestError&) {
    return std::nullopt;
  }
}

HistoryItem item_of(const HistoryRow& row) {
  const auto& turn = row.turn;
  HistoryItem item{.turn = turn.turn,
                   .version = turn.version,
                   .versions = row.versions,
                   .role = turn.role == TurnRole::kUser ? Role::kUser : Role::kReply,
                   .text = turn.text};
  if (turn.role == TurnRole::kUser) return item;
  item.finish = named<Finish>(turn.finish);
  item.attention = part_of(turn.attention, [](const auto& text) { return read_attention(text); });
  item.consistency =
      part_of(turn.consistency, [](const auto& text) { return read_consistency(text); });
  item.persona = stored_persona(turn.persona);
  item.rating = turn.rating;
  return item;
}

}  // namespace

Done done_of(const TurnRow& row, const std::string& id) {
  return {.id = id,
          .turn = row.turn,
          .finish = named<Finish>(row.finish).value_or(Finish::kError),
          .text = row.text,
          .consistency =
              part_of(row.consistency, [](const auto& text) { return read_consistency(text); }),
          .ms = {.queue = std::chrono::milliseconds(row.ms_queue),
                 .total = std::chrono::milliseconds(row.ms_total)},
          .seed = static_cast<std::int64_t>(row.seed)};
}

History history_of(const HistoryPage& page) {
  History history{.items = {}, .more = page.has_more};
  std::size_t bytes = 0;
  for (auto row = page.items.rbegin(); row != page.items.rend(); ++row) {
    auto item = item_of(*row);
    bytes += server_frame_text(History{.items = {item}}, 0).size();
    if (bytes > kHistoryBytes && !history.items.empty()) {
      history.more = true;
      break;
    }
    history.items.push_back(std::move(item));
  }
  std::ranges::reverse(history.items);
  return history;
}

}  // namespace banter::serve
