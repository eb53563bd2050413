#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "models/commands/chat_commands.h"
#include "models/commands/line_source.h"
#include "models/commands/persona.h"
#include "serve/client/remote_session.h"

namespace banter::serve {

struct RemoteConversationOptions {
  bool as_json = false;  ///< an object a reply, and for each command that shows something
  bool streams = false;  ///< show a reply while it is made
  bool quiet = false;    ///< no greeting
};

/// `banter chat --server`: lines that a person says or that are commands, and what the server
/// answers.
class RemoteConversation {
 public:
  RemoteConversation(RemoteSession& session, Ready ready, const RemoteConversationOptions& options);

  /// Throws   as `RemoteSession::ask`
  void set_persona(models::Persona persona);
  /// `setting`: NAME=VALUE. Throws   UsageError; as `RemoteSession::ask`
  void set(const std::string& setting);

  /// Takes lines until they end or /quit stands there. At a prompt an error is shown and the talk
  /// goes on; else it ends it.
  /// Throws   DataError "stdin:3: ..."; ServerError, at a prompt too; FileError; Stopped
  void run(models::LineSource& lines);

 private:
  /// A reply as it came.
  struct Reply {
    Done done;
    std::optional<AttentionWeights> attention;
  };

  void take(const std::string& line, bool has_prompt);
  void say(std::string_view text, bool has_prompt);
  void answer(const ClientFrame& request, bool has_prompt);
  void obey(const models::ChatCommand& command, bool has_prompt);
  void obey_persona(const std::string& rest);
  void obey_attention(const std::string& rest);
  void reset();
  void again(bool has_prompt);
  void export_dialogue();
  void update(SessionUpdate update);
  void show(const Reply& reply) const;
  [[nodiscard]] std::string attention_text(const Reply& reply) const;
  [[nodiscard]] std::string text_of(const SourceWeight& source) const;
  [[nodiscard]] std::string next_id();
  void print_view(const std::string& text, const base::json::object& object) const;

  RemoteSession& session_;
  const Ready ready_;
  const RemoteConversationOptions options_;
  const std::string id_front_;  ///< of the ids of this talk's messages
  std::int64_t last_id_ = 0;
  models::Persona persona_;
  std::vector<std::string> facts_;  ///< in effect, of the server's persona too
  bool shows_attention_ = false;
  std::map<std::int64_t, std::string> said_;  ///< turns of the dialogue by number
  std::optional<Reply> last_;
};

}  // namespace banter::serve
