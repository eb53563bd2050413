#include "data/input/gzip.h"

#include <zlib.h>

namespace banter::data {

struct GzipReader::State {
  z_stream stream{};
  State() {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { inflateEnd(&stream); }
};

GzipReader::GzipReader(InputStream& packed, std::function<void(std::uint64_t)> on_left_over)
    : packed_(packed), on_left_over_(std::move(on_left_over)), state_(std::make_unique<State>()) {}

GzipReader::~GzipReader() = default;

bool GzipReader::is_gzip(std::string_view head) { return head.starts_with("\x1F\x8B"); }

std::size_t GzipReader::fill(char* buffer, std::size_t size) {
  auto& z = state_->stream;
  z.next_out = reinterpret_cast<Bytef*>(buffer);
  z.avail_out = static_cast<uInt>(size);
  while (!done_ && z.avail_out == size) {
    if (between_members_) {
      if (!is_gzip(packed_.peek(2))) {
        std::uint64_t left = 0;
        for (auto rest = packed_.chunk(); !rest.empty(); rest = packed_.chunk()) {
          left += rest.size();
          packed_.consume(rest.size());
        }
        if (left > 0) on_left_over_(left);
        done_ = true;
        break;
      }
      inflateReset(&z);
      between_members_ = false;
    }
    const auto chunk = packed_.chunk();
    const auto damaged = [&](const std::string& what) {
      throw DamagedInput(packed_.place().text() + ": " + what + " at byte " +
                         std::to_string(packed_.offset()) + ": fetch the file again");
    };
    if (chunk.empty()) damaged("the gzip is cut");
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(chunk.data()));  // zlib only reads it
    z.avail_in = static_cast<uInt>(chunk.size());
    const int status = inflate(&z, Z_NO_FLUSH);
    const std::string why = z.msg != nullptr ? z.msg : "";
    packed_.consume(chunk.size() - z.avail_in);
    if (status == Z_STREAM_END)
      between_members_ = true;
    else if (status != Z_OK && status != Z_BUF_ERROR)
      damaged("damaged gzip (" + why + ")");
  }
  return size - z.avail_out;
}

}  // namespace banter::data
