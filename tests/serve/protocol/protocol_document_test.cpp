#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "serve/protocol/codes.h"
#include "serve/protocol/decode_fields.h"
#include "serve/protocol/fields.h"
#include "tests/serve/protocol/sample_frames.h"

namespace banter::tests {
namespace {

using namespace serve;
using Row = std::vector<std::string>;

/// What stands under one heading: the rows of its table, without the two of its head, and its
/// examples.
struct Part {
  std::vector<Row> rows;
  std::vector<std::string> examples;

  /// Of the first column, without backticks and the '?' of fields that can be left out.
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& row : rows) all.insert(row.front().substr(0, row.front().find('?')));
    return all;
  }
};

/// A cell as it reads: its first piece of code without the backticks, or all of it.
std::string cell(const std::string& text) {
  static const std::regex kCode(R"(\s*`([^`]*)`.*)"), kPlain(R"(\s*(.*?)\s*)");
  std::smatch match;
  if (!std::regex_match(text, match, kCode)) std::regex_match(text, match, kPlain);
  return match[1];
}

Row cells(const std::string& line) {
  Row row;
  std::istringstream rest(line.substr(1));
  for (std::string text; std::getline(rest, text, '|');) row.push_back(cell(text));
  return row;
}

/// serve/PROTOCOL.md by headings: "Client to server/hello", "Error codes".
class ProtocolDocumentTest : public testing::Test {
 protected:
  ProtocolDocumentTest() {
    std::istringstream text(
        base::read_file(std::filesystem::path(BANTER_SOURCE_DIR) / "serve/PROTOCOL.md"));
    std::string section, part, example;
    bool in_example = false;
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with("```")) {
        if (in_example) parts_[part].examples.push_back(std::exchange(example, ""));
        in_example = !in_example;
      } else if (in_example) {
        example += line + "\n";
      } else if (line.starts_with("### ")) {
        part = section + "/" + cell(line.substr(4));
        parts_[part];
      } else if (line.starts_with("## ")) {
        part = section = line.substr(3);
      } else if (line.starts_with("|---")) {
        parts_[part].rows.clear();  // the head
      } else if (line.starts_with('|')) {
        parts_[part].rows.push_back(cells(line));
      }
    }
  }

  [[nodiscard]] const Part& part(const std::string& heading) const {
    static const Part kNone;
    const auto found = parts_.find(heading);
    if (found == parts_.end()) ADD_FAILURE() << "no heading " << heading;
    return found == parts_.end() ? kNone : found->second;
  }

  [[nodiscard]] std::size_t count(const std::string& section) const {
    std::size_t parts = 0;
    for (const auto& [heading, content] : parts_) parts += heading.starts_with(section + "/");
    return parts;
  }

  std::map<std::string, Part> parts_;
};

boost::json::object parsed(const std::string& text) {
  return base::parse_json(text, "example").as_object();
}

/// The names of a frame's fields but those that every frame has.
std::set<std::string> field_names(const boost::json::object& frame) {
  std::set<std::string> names;
  for (const auto& [key, value] : frame) names.insert(std::string(key));
  names.erase("type");
  names.erase("seq");
  return names;
}

/// Equal but for how numbers are written.
std::string canonical(const boost::json::value& value) {
  if (value.is_number()) return std::to_string(value.to_number<double>());
  if (!value.is_object() && !value.is_array()) return boost::json::serialize(value);
  std::string text = value.is_object() ? "{" : "[";
  if (value.is_array())
    for (const auto& item : value.get_array()) text += canonical(item) + ",";
  else
    for (const auto& [key, item] : value.get_object())
      text += std::string(key) + ":" + canonical(item) + ",";
  return text;
}

TEST_F(ProtocolDocumentTest, ClientFramesAreThoseOfTheCode) {
  EXPECT_EQ(count("Client to server"), std::variant_size_v<ClientFrame>);
  for (const auto& frame : client_frames()) {
    const auto type = std::visit([](const auto& one) { return std::string(one.kType); }, frame);
    const auto& shown = part("Client to server/" + type);
    ASSERT_FALSE(shown.examples.empty()) << type;
    EXPECT_EQ(read_client_frame(shown.examples.front()), frame) << type;
    for (const auto& example : shown.examples)
      EXPECT_EQ(read_client_frame(example).index(), frame.index()) << example;
    EXPECT_EQ(field_names(parsed(client_frame_text(frame))), shown.names()) << type;
  }
}

TEST_F(ProtocolDocumentTest, ServerFramesAreThoseOfTheCode) {
  EXPECT_EQ(count("Server to client"), std::variant_size_v<ServerFrame>);
  std::int64_t seq = 0;
  for (const auto& frame : server_frames()) {
    const auto type = std::visit([](const auto& one) { return std::string(one.kType); }, frame);
    const auto& shown = part("Server to client/" + type);
    ASSERT_EQ(shown.examples.size(), 1U) << type;
    const auto written = parsed(server_frame_text(frame, ++seq));
    EXPECT_EQ(canonical(parsed(shown.examples.front())), canonical(written)) << type;
    EXPECT_EQ(field_names(written), shown.names()) << type;
  }
}

TEST_F(ProtocolDocumentTest, FieldsThatCanBeLeftOutAreMarked) {
  for (const auto& frame : client_frames()) {
    const auto text = parsed(client_frame_text(frame));
    const auto type = std::string(text.at("type").as_string());
    for (const auto& row : part("Client to server/" + type).rows) {
      const bool optional = row.front().ends_with('?');
      auto without = text;
      without.erase(row.front().substr(0, row.front().find('?')));
      const auto rest = boost::json::serialize(without);
      if (optional) {
        EXPECT_NO_THROW(read_client_frame(rest)) << rest;
      } else {
        EXPECT_THROW(read_client_frame(rest), RequestError) << rest;
      }
    }
  }
}

TEST_F(ProtocolDocumentTest, FieldsOfDecodeHaveTheseDefaultsAndRanges) {
  const auto& rows = part("decode").rows;
  ASSERT_EQ(rows.size(), decode_fields().size());
  JsonWriter writer;
  writer.object(DecodeSettings::from({}));
  const auto defaults = parsed(writer.take());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& field = decode_fields()[i];
    EXPECT_EQ(rows[i][0], field.name);
    EXPECT_EQ(canonical(base::parse_json(rows[i][1], "default")),
              canonical(defaults.at(field.name)))
        << field.name;
    EXPECT_EQ(rows[i][2], rule_of(field.range({}))) << field.name;
  }
}

template <typename Table>
void expect_names(const std::vector<Row>& rows, const Table& table) {
  ASSERT_EQ(rows.size(), table.size());
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i][0], table[i].name);
}

TEST_F(ProtocolDocumentTest, CodesAreThoseOfTheCode) {
  expect_names(part("Error codes").rows, kErrorCodes);
  expect_names(part("How a reply ends").rows, kFinishes);
  const auto& rows = part("Close codes").rows;
  ASSERT_EQ(rows.size(), kCloseCodes.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i][0], std::to_string(static_cast<int>(kCloseCodes[i].value)));
    EXPECT_EQ(rows[i][1], kCloseCodes[i].name);
  }
}

TEST_F(ProtocolDocumentTest, LimitsAreThoseOfTheCode) {
  const FrameLimits frame;
  const auto& decode = frame.decode;
  const std::vector<std::pair<std::string, std::int64_t>> limits = {
      {"bytes of a frame", kMaxFrameBytes},
      {"nested objects and lists", kMaxDepth},
      {"max_text_chars", frame.max_text_chars},
      {"max_facts", frame.max_facts},
      {"max_fact_chars", frame.max_fact_chars},
      {"max_beam_size", decode.max_beam_size},
      {"max_n", decode.max_n},
      {"max_best_of", decode.max_best_of},
      {"max_new_tokens", decode.max_new_tokens},
      {"max_texts", decode.max_texts},
      {"max_text_chars", decode.max_text_chars},
      {"max_prefix_chars", decode.max_prefix_chars},
  };
  const auto& rows = part("Limits").rows;
  ASSERT_EQ(rows.size(), limits.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i][0], limits[i].first);
    EXPECT_EQ(rows[i][1], std::to_string(limits[i].second)) << limits[i].first;
  }
}

}  // namespace
}  // namespace banter::tests
