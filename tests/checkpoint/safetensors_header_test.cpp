#include "models/checkpoint/safetensors_header.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"

namespace banter::models {
namespace {

/// A file with this header text and so many bytes of data.
std::string file_with(const std::string& header, std::size_t data_bytes) {
  std::string file;
  for (int i = 0; i < 8; ++i) file.push_back(static_cast<char>(header.size() >> (8 * i) & 0xFF));
  return file + header + std::string(data_bytes, '\0');
}

/// The sentence with which such a file is refused, "" when it is taken.
std::string refusal(const std::string& file) {
  try {
    parse_safetensors_header(file, "model.safetensors");
  } catch (const base::CheckpointError& error) {
    return error.what();
  }
  return {};
}

constexpr const char* kGood = R"({"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})";

TEST(SafetensorsHeaderTest, ReadsNamesTypesShapesAndPlaces) {
  const auto header = parse_safetensors_header(
      file_with(R"({"__metadata__":{"a":"b"},)"
                R"("s":{"dtype":"I64","shape":[],"data_offsets":[24,32]},)"
                R"("w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}   )",
                32),
      "f");
  ASSERT_EQ(header.tensors.size(), 2U);
  EXPECT_EQ(header.tensors[0].name, "w");
  EXPECT_EQ(header.tensors[0].dtype, "F32");
  EXPECT_EQ(header.tensors[0].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(header.tensors[1].name, "s");
  EXPECT_TRUE(header.tensors[1].shape.empty());
  EXPECT_EQ(header.tensors[1].begin, 24U);
  EXPECT_EQ(header.metadata.at("a"), "b");
}

TEST(SafetensorsHeaderTest, TakesAFileWithoutTensorsAndATensorWithoutElements) {
  EXPECT_EQ(refusal(file_with("{}", 0)), "");
  EXPECT_EQ(refusal(file_with(R"({"e":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]}})", 0)),
            "");
}

struct BadHeader {
  const char* name;
  std::string file;
  const char* says;
};

class BadHeaderTest : public testing::TestWithParam<BadHeader> {};

TEST_P(BadHeaderTest, IsRefusedWithASentence) {
  const auto said = refusal(GetParam().file);
  EXPECT_NE(said.find(GetParam().says), std::string::npos) << "said: \"" << said << "\"";
  EXPECT_TRUE(said.starts_with("model.safetensors")) << said;
}

std::string with_length(std::uint64_t length) {
  auto file = file_with(kGood, 24);
  for (int i = 0; i < 8; ++i)
    file[static_cast<std::size_t>(i)] = static_cast<char>(length >> (8 * i) & 0xFF);
  return file;
}

std::string one(const std::string& record, std::size_t bytes) {
  return file_with("{\"w\":" + record + "}", bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, BadHeaderTest,
    testing::Values(
        BadHeader{"Empty", "", "shorter than 8 bytes"},
        BadHeader{"SevenBytes", "1234567", "shorter than 8 bytes"},
        BadHeader{"LongerThanFile", with_length(1000), "longer than the file"},
        BadHeader{"LongerThanAMegabyte", with_length((1 << 20) + 1), "1 MB"},
        BadHeader{"LengthOfAllOnes", with_length(UINT64_MAX), "1 MB"},
        BadHeader{"NotABrace", file_with(" " + std::string(kGood), 24), "does not start with {"},
        BadHeader{"NotJson", file_with("{\"w\":", 0), "model.safetensors"},
        BadHeader{"TrailingText", file_with(std::string(kGood) + "x", 24), "model.safetensors"},
        BadHeader{"NameTwice",
                  file_with(R"({"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                            R"("w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})",
                            24),
                  "w"},
        BadHeader{"NoRecord", one("3", 0), "not described by an object"},
        BadHeader{"UnknownKey", one(R"({"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1})", 4),
                  "unknown key"},
        BadHeader{"NoDtype", one(R"({"shape":[],"data_offsets":[0,4]})", 4), "has no dtype"},
        BadHeader{"UnknownDtype", one(R"({"dtype":"F8","shape":[],"data_offsets":[0,1]})", 1),
                  "unknown dtype"},
        BadHeader{"DtypeNumber", one(R"({"dtype":4,"shape":[],"data_offsets":[0,4]})", 4),
                  "not a string"},
        BadHeader{"ShapeOverflows",
                  one(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})", 0),
                  "overflows"},
        BadHeader{"ShapeOverflowsByItsWidth",
                  one(R"({"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]})", 0),
                  "overflows"},
        BadHeader{"ShapeOverflowsBehindAZero",
                  one(R"({"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],)"
                      R"("data_offsets":[0,0]})",
                      0),
                  "overflows"},
        BadHeader{"NegativeSize", one(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", 4),
                  "whole numbers"},
        BadHeader{"FractionalSize", one(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})", 4),
                  "whole numbers"},
        BadHeader{"ThreeOffsets", one(R"({"dtype":"F32","shape":[],"data_offsets":[0,4,4]})", 4),
                  "two data_offsets"},
        BadHeader{"EndBeforeBegin", one(R"({"dtype":"F32","shape":[],"data_offsets":[4,0]})", 4),
                  "outside"},
        BadHeader{"EndBehindFile", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 7),
                  "outside"},
        BadHeader{"TooFewBytes", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})", 4),
                  "needs 8"},
        BadHeader{"HoleAtTheStart", one(R"({"dtype":"F32","shape":[],"data_offsets":[4,8]})", 8),
                  "hole"},
        BadHeader{"Overlap",
                  file_with(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                            R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                            12),
                  "overlaps"},
        BadHeader{"BytesLeftOver", file_with(kGood, 25), "belong to no tensor"},
        BadHeader{"MetadataOfNumbers", file_with(R"({"__metadata__":{"a":1}})", 0),
                  "not a string"}),
    [](const auto& bad) { return std::string(bad.param.name); });

TEST(SafetensorsHeaderTest, WritesSortedNamesAndDataOnA64ByteBorder) {
  for (const std::size_t length : {1, 20, 50, 57, 58, 59, 64}) {
    std::vector<TensorEntry> entries = {
        {.name = std::string(length, 'b'), .dtype = "BOOL", .shape = {3}},
        {.name = "a", .dtype = "F32", .shape = {2, 2}},
        {.name = "c", .dtype = "I64", .shape = {}}};
    auto file = make_safetensors_header(entries, {{"note", "x"}});
    EXPECT_EQ(file.size() % 64, 0U);
    file.append(3 + 16 + 8, '\0');
    const auto header = parse_safetensors_header(file, "f");
    EXPECT_EQ(header.data_begin % 64, 0U);
    // Wide elements first: each tensor lies on a border of its own element.
    EXPECT_EQ(header.tensors[0].name, "c");
    EXPECT_EQ(header.tensors[1].name, "a");
    EXPECT_EQ(header.metadata.at("note"), "x");
    EXPECT_LT(file.find("\"a\""), file.find("\"bb"));
  }
}

}  // namespace
}  // namespace banter::models
