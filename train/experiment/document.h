#pragma once

#include <string>
#include <variant>
#include <vector>

namespace banter::train {

struct Heading {
  int level = 1;
  std::string text;
};
/// Running text; what stands between `backticks` is code.
struct Paragraph {
  std::string text;
};
/// The first column is to the left, numbers to the right.
struct DocumentTable {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  bool is_text = false;  ///< texts as they are, of a corpus, say; all columns are to the left
};
struct Code {
  std::string text;
};
/// A picture of its own file; in a page it stands inside.
struct Figure {
  std::string file;  ///< beside the document, "figures/ppl.svg"
  std::string svg;
  std::string caption;
};

using Block = std::variant<Heading, Paragraph, DocumentTable, Code, Figure>;

/// What a report says, once, for a text that people read and for a page.
struct Document {
  std::string title;
  std::vector<Block> blocks;

  void heading(int level, std::string text) {
    blocks.emplace_back(Heading{level, std::move(text)});
  }
  void paragraph(std::string text) { blocks.emplace_back(Paragraph{std::move(text)}); }
};

/// GitHub's Markdown; figures are linked.
std::string to_markdown(const Document& document);
/// One HTML page that needs no other file and no network: figures stand in it as SVG.
std::string to_html(const Document& document);

/// Text for an HTML or SVG element or attribute.
std::string escaped_xml(std::string_view text);

}  // namespace banter::train
