#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "models/commands/chat_commands.h"
#include "models/commands/line_source.h"
#include "models/commands/model_arguments.h"
#include "models/commands/persona.h"
#include "models/consistency/consistency_judge.h"
#include "models/decoding/decoder.h"
#include "models/decoding/session.h"

namespace banter::models {

/// How a chat shows itself.
struct ConversationOptions {
  bool streams = false;     ///< replies are shown while they are written, unless as JSON
  bool as_json = false;     ///< an object a reply and a view, instead of lines
  bool with_draft = false;  ///< the draft decoder's text beside each reply
};

/// A conversation in the terminal; with a pipe, a filter from lines to replies.
class Conversation {
 public:
  /// `judge`: whether replies keep to the persona; may be null. All must outlive this.
  /// Throws   ConfigError when `decoding` needs a judge; UsageError when a draft is asked of a
  ///          model that makes none
  Conversation(LoadedModel& loaded, const DecodingFlags& flags,
               const configs::CommonOptions& common, DecodingOptions decoding,
               ConsistencyJudge* judge, const ConversationOptions& options);

  void set_persona(Persona persona);

  /// Until the lines end or one says /quit.
  /// Throws   DataError with the line's place for a bad one, where nobody types
  void run(LineSource& lines);

 private:
  /// The last reply.
  struct Answer {
    Reply reply;
    std::optional<Reply> draft;
    std::vector<std::string> sources;  ///< what it read, as it is shown
  };

  void take(const std::string& line, bool has_prompt);
  void answer(std::string_view text, bool has_prompt);
  Answer speak(Composed composed, bool has_prompt);
  void show(const Answer& answer) const;
  std::vector<std::string> collect_sources(const Composed& composed);
  void say(std::int64_t speaker, std::string text, std::vector<data::TokenId> ids);

  void give_notes(const std::vector<std::int64_t>& tokens);
  void obey(const ChatCommand& command);
  void reset();
  void obey_persona(const std::string& rest);
  void obey_consistency(const std::string& rest);
  void obey_attention(const std::string& rest);
  void obey_draft(const std::string& rest);
  void set(const std::string& setting);
  void choose_by(DecodingOptions decoding);

  [[nodiscard]] std::vector<Judgement> judge_last() const;
  [[nodiscard]] std::string text_of_last() const;
  /// The one or the other, by how the chat shows itself.
  void print_view(const std::string& text, const base::json::object& object) const;
  void print_missing_reply(const char* name) const;

  LoadedModel& loaded_;
  const DecodingFlags& flags_;
  const configs::CommonOptions& common_;
  ConsistencyJudge* const judge_;
  ConversationOptions options_;
  DecodingOptions decoding_;
  Reranker reranker_;                       ///< of decoding_
  std::shared_ptr<const Wording> wording_;  ///< of decoding_
  ChatSession session_;
  Persona persona_;
  std::vector<std::string> notes_;     ///< on the persona
  std::vector<std::string> settings_;  ///< of /set, so far
  std::deque<std::string> texts_;      ///< of the session's turns, as they are shown
  std::optional<Answer> last_;
  bool shows_attention_ = false, shows_consistency_ = false;
  std::uint64_t replies_ = 0;  ///< since the seed or the conversation began
};

}  // namespace banter::models
