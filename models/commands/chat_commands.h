#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The lines of a chat that are commands and not said.
namespace banter::models {

extern const std::string_view kChatHelp;  ///< what /help shows

/// The words that begin a command, each with its slash.
struct CommandWords {
  std::span<const std::string_view> all;
  std::span<const std::string_view> alone;  ///< of these, those that take nothing
};
extern const CommandWords kChatWords;  ///< of a chat with a run

/// A command with what stands behind it.
struct ChatCommand {
  std::string_view name;  ///< "/set"
  std::string rest;       ///< without white space around it
};

/// Whether `rest` of a command that shows something switches that on or off.
/// Throws   UsageError when it is neither of these, nor empty
bool is_switch(std::string_view rest, std::string_view name);

/// The command that a line is; nothing when it is said.
/// Throws   UsageError when something stands behind one that takes nothing
std::optional<ChatCommand> command_of(std::string_view line,
                                      const CommandWords& words = kChatWords);

/// What a line that is no command says: a slash in front of a command's own is taken off.
std::string_view said_by(std::string_view line, const CommandWords& words = kChatWords);

/// Throws   UsageError when a line is one word that looks like a command and is none
void refuse_slip(std::string_view line, const CommandWords& words = kChatWords);

}  // namespace banter::models
