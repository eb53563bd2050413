#include "train/experiment/document.h"

#include <algorithm>
#include <string_view>

namespace banter::train {
namespace {

constexpr std::string_view kStyle =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;"
    "color:#222;background:#fff}"
    "table{border-collapse:collapse;margin:1em 0;display:block;overflow-x:auto}"
    "th,td{padding:.25em .7em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}"
    "th:first-child,td:first-child{text-align:left}.text th,.text "
    "td{text-align:left;white-space:normal}"
    "pre{background:#f5f5f5;padding:.8em;overflow-x:auto}code{background:#f5f5f5}"
    "pre code{background:none}figure{margin:1em 0}svg{max-width:100%;height:auto}"
    "figcaption{color:#555;font-size:.9em}";

/// A text in a cell of a Markdown table: one line, no borders.
std::string cell_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|')
      out += "\\|";
    else
      out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

/// The same of a text that Markdown must not read anything into.
std::string literal_cell_text(std::string_view text) {
  constexpr std::string_view kMarks = "\\`*_~<>[]&|$";
  std::string out;
  for (const char c : text) {
    if (kMarks.find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

/// More backticks than stand in a row in a text, three at least.
std::string fence_around(std::string_view text) {
  std::size_t longest = 2, length = 0;
  for (const char c : text) {
    length = c == '`' ? length + 1 : 0;
    longest = std::max(longest, length);
  }
  return std::string(longest + 1, '`');
}

std::string markdown(const Heading& block) {
  return std::string(static_cast<std::size_t>(block.level), '#') + " " + block.text + "\n";
}
std::string markdown(const Paragraph& block) { return block.text + "\n"; }
std::string markdown(const Code& block) {
  const auto fence = fence_around(block.text);
  return fence + "text\n" + block.text + "\n" + fence + "\n";
}
std::string markdown(const Figure& block) {
  return "![" + cell_text(block.caption) + "](" + block.file + ")\n";
}
std::string markdown(const DocumentTable& block) {
  std::string out;
  const auto add = [&](const std::vector<std::string>& cells) {
    for (const auto& cell : cells)
      out += "| " + (block.is_text ? literal_cell_text(cell) : cell_text(cell)) + " ";
    out += "|\n";
  };
  add(block.head);
  for (std::size_t i = 0; i < block.head.size(); ++i)
    out += i == 0 || block.is_text ? "|---" : "|---:";
  out += "|\n";
  for (const auto& row : block.rows) add(row);
  return out;
}

/// Running text with its code in elements.
std::string html_text(std::string_view text) {
  std::string out;
  bool is_code = false;
  for (auto rest = text; !rest.empty();) {
    const auto tick = std::min(rest.find('`'), rest.size());
    out += escaped_xml(rest.substr(0, tick));
    if (tick == rest.size()) break;
    out += is_code ? "</code>" : "<code>";
    is_code = !is_code;
    rest.remove_prefix(tick + 1);
  }
  return out + (is_code ? "</code>" : "");
}

std::string html(const Heading& block) {
  const auto tag = "h" + std::to_string(block.level) + ">";
  return "<" + tag + html_text(block.text) + "</" + tag;
}
std::string html(const Paragraph& block) { return "<p>" + html_text(block.text) + "</p>"; }
std::string html(const Code& block) {
  return "<pre><code>" + escaped_xml(block.text) + "</code></pre>";
}
std::string html(const Figure& block) {
  return "<figure>" + block.svg + "<figcaption>" + html_text(block.caption) +
         "</figcaption></figure>";
}

std::string html_row(const DocumentTable& table, const std::vector<std::string>& cells,
                     const std::string& tag) {
  std::string out = "<tr>";
  for (const auto& cell : cells)
    out +=
        "<" + tag + ">" + (table.is_text ? escaped_xml(cell) : html_text(cell)) + "</" + tag + ">";
  return out + "</tr>\n";
}
std::string html(const DocumentTable& block) {
  auto out = std::string(block.is_text ? "<table class=\"text\">" : "<table>") + "<thead>" +
             html_row(block, block.head, "th") + "</thead><tbody>\n";
  for (const auto& row : block.rows) out += html_row(block, row, "td");
  return out + "</tbody></table>";
}

}  // namespace

std::string escaped_xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string to_markdown(const Document& document) {
  auto out = "# " + document.title + "\n";
  for (const auto& block : document.blocks)
    out += "\n" + std::visit([](const auto& one) { return markdown(one); }, block);
  return out;
}

std::string to_html(const Document& document) {
  auto out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>" +
             escaped_xml(document.title) +
             "</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n<style>" +
             std::string(kStyle) + "</style></head><body>\n<h1>" + escaped_xml(document.title) +
             "</h1>\n";
  for (const auto& block : document.blocks)
    out += std::visit([](const auto& one) { return html(one); }, block) + "\n";
  return out + "</body></html>\n";
}

}  // namespace banter::train
