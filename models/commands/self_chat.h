#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "models/checkpoint/load_model.h"
#include "models/decoding/session.h"
#include "models/decoding/wording.h"

namespace banter::models {

/// How models talk to each other.
struct SelfChatOptions {
  std::int64_t turns = 10;  ///< that they make
  std::string first;        ///< said by A before them, "" = nothing: A begins
  bool as_json = false;     ///< an object a turn, then one about all of them
  bool streams = false;     ///< turns are shown while they are written, unless as JSON
};

/// A model that talks to itself, or two to each other. Speakers are A and B; A is the first model.
class SelfChat {
 public:
  explicit SelfChat(const SelfChatOptions& options) : options_(options) {}
  /// One or two of them. `loaded` must outlive this.
  /// Throws   UsageError when replies are to be chosen by a persona: nobody has one here
  void add(const LoadedModel& loaded, const DecodingOptions& options);

  /// Writes the turns to standard output as they are made; what they are all together, and the loop
  /// they end in, stands in the last object or on standard error; also where a signal ends it.
  /// Throws   what `decode` throws; Stopped
  void run();

 private:
  struct Talker {
    const LoadedModel& loaded;
    DecodingOptions options;
    std::shared_ptr<const Wording> wording;
    ChatSession session;
  };
  void say_first();
  void say_next(std::uint64_t number);
  void sum_up() const;
  /// All sessions hear what was said: its own ids where the speaker's tokenizer made them.
  void hear(std::int64_t speaker, const std::string& text, const Talker* by,
            const std::vector<data::TokenId>& ids);

  SelfChatOptions options_;
  std::deque<Talker> talkers_;
  std::vector<std::string> texts_;  ///< of all turns
};

}  // namespace banter::models
