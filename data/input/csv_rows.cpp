#include "data/input/csv_rows.h"

#include <algorithm>

#include "data/input/lines.h"

namespace banter::data {

CsvRows::CsvRows(InputStream& stream, std::size_t max_bytes)
    : stream_(stream), max_bytes_(max_bytes) {
  skip_byte_order_mark(stream);
}

bool CsvRows::next() {
  do {
    begin_row();
    bool any = false;
    while (state_ != State::kEnded) {
      const auto chunk = stream_.chunk();
      if (chunk.empty()) break;
      any = true;
      std::size_t used = 0;
      while (used < chunk.size() && state_ != State::kEnded) {
        used += take_plain(chunk.substr(used));
        if (used < chunk.size()) take(chunk[used++]);
      }
      stream_.consume(used);
    }
    if (!any) return false;
    if (state_ == State::kQuoted)
      lose("a quote is never closed", quote_line_, text_.ends_with('\n') ? line_ - 1 : line_);
    if (state_ != State::kEnded) end_row();
  } while (is_blank());
  return true;
}

std::string_view CsvRows::field(std::size_t index) const {
  const auto begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(text_).substr(begin, ends_[index] - begin);
}

Place CsvRows::place() const {
  Place place = stream_.place();
  place.line = fault_.empty() ? row_line_ : fault_line_;
  return place;
}

std::string CsvRows::fault_span() const {
  if (fault_.empty() || fault_end_ <= fault_line_) return "";
  return "lines " + std::to_string(fault_line_) + " to " + std::to_string(fault_end_);
}

void CsvRows::begin_row() {
  text_.clear();
  ends_.clear();
  bytes_ = 0;
  row_line_ = line_;
  fault_ = {};
  stray_quote_ = any_quoted_ = false;
  state_ = State::kFieldStart;
}

/// Takes what stands in a field before the next byte that may mean something. Returns   its size
std::size_t CsvRows::take_plain(std::string_view bytes) {
  std::size_t size = 0;
  if (state_ == State::kQuoted) {
    size = std::min({bytes.find('"'), bytes.size(), max_bytes_ - bytes_});
    line_ += static_cast<std::uint64_t>(std::ranges::count(bytes.substr(0, size), '\n'));
  } else if (state_ == State::kUnquoted) {
    const auto means = [](char c) { return c == ',' || c == '"' || c == '\n'; };
    const auto end = std::ranges::find_if(bytes, means) - bytes.begin();
    size = std::min(static_cast<std::size_t>(end), max_bytes_ - bytes_);
  }
  text_.append(bytes.substr(0, size));
  bytes_ += size;
  return size;
}

void CsvRows::take(char c) {
  if (c == '\n') ++line_;
  if (c == '\n' && state_ != State::kQuoted) return end_row();
  if (state_ == State::kLost) return;
  if (++bytes_ > max_bytes_) {
    lose("a row is longer than data.max_line_bytes",
         state_ == State::kQuoted ? quote_line_ : row_line_, c == '\n' ? line_ - 1 : line_);
    if (c == '\n') end_row();
    return;
  }
  switch (state_) {
    case State::kFieldStart:
    case State::kUnquoted:
      if (c == ',') return end_field();
      if (c == '"' && state_ == State::kFieldStart) {
        state_ = State::kQuoted;
        quote_line_ = line_;
        any_quoted_ = true;
        return;
      }
      stray_quote_ = stray_quote_ || c == '"';
      state_ = State::kUnquoted;
      text_ += c;
      return;
    case State::kQuoted:
      if (c == '"')
        state_ = State::kBehindQuote;
      else
        text_ += c;
      return;
    default:
      return take_behind_quote(c);
  }
}

void CsvRows::take_behind_quote(char c) {
  const bool may_go_on = state_ == State::kBehindQuote;
  if (may_go_on && c == '"') {
    text_ += c;
    state_ = State::kQuoted;
  } else if (may_go_on && c == ',') {
    end_field();
  } else if (may_go_on && c == '\r') {
    state_ = State::kBehindReturn;
  } else {
    lose("text stands right after a closing quote", quote_line_, line_);
  }
}

void CsvRows::end_field() {
  ends_.push_back(text_.size());
  state_ = State::kFieldStart;
}

void CsvRows::end_row() {
  if (state_ == State::kUnquoted && text_.ends_with('\r')) text_.pop_back();
  if (state_ != State::kLost) end_field();
  state_ = State::kEnded;
}

void CsvRows::lose(std::string_view fault, std::uint64_t first_line, std::uint64_t last_line) {
  text_.clear();
  ends_.clear();
  stray_quote_ = false;
  fault_ = fault;
  fault_line_ = first_line;
  fault_end_ = last_line;
  state_ = State::kLost;
}

bool CsvRows::is_blank() const {
  return fault_.empty() && ends_.size() == 1 && !any_quoted_ &&
         text_.find_first_not_of(" \t") == std::string::npos;
}

}  // namespace banter::data
