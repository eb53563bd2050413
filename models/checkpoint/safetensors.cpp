#include "models/checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "models/checkpoint/safetensors_header.h"

namespace banter::models {
namespace {

using base::CheckpointError;

static_assert(std::endian::native == std::endian::little, "safetensors bytes are little endian");

constexpr std::array<std::pair<std::string_view, torch::ScalarType>, 10> kTypes = {{
    {"BF16", torch::kBFloat16},
    {"BOOL", torch::kBool},
    {"F16", torch::kFloat16},
    {"F32", torch::kFloat32},
    {"F64", torch::kFloat64},
    {"I16", torch::kInt16},
    {"I32", torch::kInt32},
    {"I64", torch::kInt64},
    {"I8", torch::kInt8},
    {"U8", torch::kUInt8},
}};

std::string_view dtype_name(torch::ScalarType type, const std::string& tensor) {
  for (const auto& [name, known] : kTypes)
    if (known == type) return name;
  throw CheckpointError("tensor \"" + tensor + "\": safetensors has no name for its dtype " +
                        c10::toString(type));
}

torch::ScalarType type_of(std::string_view dtype) {
  return std::ranges::find(kTypes, dtype, &decltype(kTypes)::value_type::first)->second;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<TensorEntry> entries;
  for (const auto& [name, tensor] : tensors)
    entries.push_back({.name = name,
                       .dtype = std::string(dtype_name(tensor.scalar_type(), name)),
                       .shape = tensor.sizes().vec()});
  base::FileWriter writer(path);
  writer.write(make_safetensors_header(entries, metadata));
  for (const auto& entry : entries) {
    const auto bytes = tensors.at(entry.name).detach().to(torch::kCPU).contiguous();
    writer.write(std::span(static_cast<const std::byte*>(bytes.const_data_ptr()), bytes.nbytes()));
  }
  writer.close();
}

NamedTensors read_safetensors(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  const auto header = parse_safetensors_header(file.text(), path.string());
  const auto data = file.bytes().subspan(header.data_begin);
  NamedTensors tensors;
  for (const auto& entry : header.tensors) {
    const auto bytes = data.subspan(entry.begin, entry.end - entry.begin);
    if (entry.dtype == "BOOL" &&
        std::ranges::any_of(bytes, [](std::byte b) { return std::to_integer<int>(b) > 1; }))
      throw CheckpointError(path.string() + ": tensor \"" + entry.name +
                            "\" has booleans that are neither 0 nor 1");
    auto tensor = torch::empty(entry.shape, type_of(entry.dtype));
    if (!bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
    tensors.emplace(entry.name, std::move(tensor));
  }
  return tensors;
}

NamedTensors named_tensors(const torch::nn::Module& module) {
  NamedTensors tensors;
  for (const auto& item : module.named_parameters()) tensors.emplace(item.key(), item.value());
  for (const auto& item : module.named_buffers()) tensors.emplace(item.key(), item.value());
  return tensors;
}

void assign_tensors(const NamedTensors& live, const NamedTensors& saved, std::string_view what) {
  std::string problems;
  for (const auto& [name, tensor] : live) {
    const auto found = saved.find(name);
    if (found == saved.end()) {
      problems += "\n  missing " + name;
    } else if (const auto& file = found->second;
               file.sizes() != tensor.sizes() || file.scalar_type() != tensor.scalar_type()) {
      problems += c10::str("\n  ", name, ": file has ", file.sizes(), " ", file.scalar_type(),
                           ", model has ", tensor.sizes(), " ", tensor.scalar_type());
    } else if (file.is_floating_point() && !file.isfinite().all().item<bool>()) {
      problems += "\n  " + name + ": NaN or Inf";
    }
  }
  for (const auto& [name, tensor] : saved)
    if (!live.contains(name)) problems += "\n  unexpected " + name;
  if (!problems.empty()) throw CheckpointError(std::string(what) + ":" + problems);

  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : live) tensor.copy_(saved.at(name));
}

void assign(torch::nn::Module& module, const NamedTensors& saved) {
  assign_tensors(named_tensors(module), saved, "checkpoint does not fit the model");
}

}  // namespace banter::models
