#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "configs/node.h"

namespace banter::configs {

/// Throws   ConfigError "<where>: <path>: expected <expected>, got <what the node is>", always
[[noreturn]] void wrong_type(const Node& node, std::string_view expected);

/// Reads one node as the type of `value`, strictly: no conversion but from integer to double.
/// Throws   ConfigError when the node is of another type or out of the type's range
void read_value(const Node& node, bool& value);
void read_value(const Node& node, std::int64_t& value);
void read_value(const Node& node, std::uint64_t& value);
void read_value(const Node& node, double& value);  ///< finite
void read_value(const Node& node, std::string& value);
void read_value(const Node& node, std::vector<std::int64_t>& values);
void read_value(const Node& node, std::vector<double>& values);
void read_value(const Node& node, std::vector<std::string>& values);

/// YAML that `read_value` reads back as the same value; doubles in their shortest such form.
std::string to_yaml(bool value);
std::string to_yaml(std::int64_t value);
std::string to_yaml(std::uint64_t value);
std::string to_yaml(double value);
std::string to_yaml(const std::string& text);
std::string to_yaml(const std::vector<std::int64_t>& values);
std::string to_yaml(const std::vector<double>& values);
std::string to_yaml(const std::vector<std::string>& values);

}  // namespace banter::configs
