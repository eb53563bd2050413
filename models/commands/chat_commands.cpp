#include "models/commands/chat_commands.h"

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::models {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::array<std::string_view, 8> kCommands = {
    "/attention", "/consistency", "/draft", "/help", "/persona", "/quit", "/reset", "/set"};
constexpr std::array<std::string_view, 3> kAlone = {"/help", "/quit", "/reset"};

std::string_view first_word(std::string_view line) {
  return line.substr(0, line.find_first_of(kBlanks));
}

bool is_among(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

const CommandWords kChatWords = {.all = kCommands, .alone = kAlone};

const std::string_view kChatHelp =
    "Type to talk. A line that begins with one of these is a command:\n"
    "  /reset           forget the conversation\n"
    "  /persona         who the model is, a numbered line a sentence\n"
    "  /persona add TEXT, /persona N TEXT, /persona drop N, /persona clear\n"
    "                   change it; the conversation goes on\n"
    "  /consistency     whether the last reply keeps to the persona (needs --nli)\n"
    "  /consistency on  show it after each reply; /consistency off\n"
    "  /attention       which turns the last reply looked at\n"
    "  /attention on    show it after each reply; /attention off\n"
    "  /draft on        show the draft of each reply; /draft off (stack_propagation)\n"
    "  /set NAME=VALUE  change how replies are chosen, as in /set method=sample\n"
    "  /help            this list\n"
    "  /quit            end (so does Ctrl-D)\n"
    "Any other line is said as it is; //quit says /quit. At this prompt a lone /word that is none\n"
    "of these is taken for a slip.\n";

std::optional<ChatCommand> command_of(std::string_view line, const CommandWords& words) {
  const auto name = first_word(line);
  if (!is_among(words.all, name)) return std::nullopt;
  const auto begin = std::min(line.find_first_not_of(kBlanks, name.size()), line.size());
  const auto end = line.find_last_not_of(kBlanks) + 1;
  if (begin < end && is_among(words.alone, name))
    throw base::UsageError(std::string(name) + " takes nothing; /" + std::string(name) +
                           " at the beginning of a line says it");
  return ChatCommand{.name = name,
                     .rest = std::string(line.substr(begin, std::max(begin, end) - begin))};
}

bool is_switch(std::string_view rest, std::string_view name) {
  if (rest.empty()) return false;
  if (rest == "on" || rest == "off") return true;
  throw base::UsageError(std::string(name) + " takes nothing, on or off");
}

std::string_view said_by(std::string_view line, const CommandWords& words) {
  const auto word = first_word(line);
  const auto slashes = std::min(word.find_first_not_of('/'), word.size());
  return slashes > 1 && is_among(words.all, word.substr(slashes - 1)) ? line.substr(1) : line;
}

void refuse_slip(std::string_view line, const CommandWords& words) {
  const auto word = first_word(line);
  if (word.starts_with('/') && word.find('/', 1) == std::string_view::npos && word == line &&
      !is_among(words.all, word))
    throw base::UsageError(base::printable(word) + " is no command; /help lists them");
}

}  // namespace banter::models
