#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "data/tokenizer/tokenizer.h"

namespace banter::data {

/// The folder beside a store in which it is made: what was finished of it stays there when the
/// program is stopped or killed, and the next run with the same plan goes on from there.
///
///     state.json        the plan and the last checkpoint
///     tokenizer.model   once it is trained
///     store/            the files being written
class PartialStore {
 public:
  /// Goes on with what is there when it has the same plan; else begins anew.
  /// Throws   FileError, also when the folder holds what is not ours
  PartialStore(std::filesystem::path folder, const boost::json::object& plan);

  [[nodiscard]] std::filesystem::path store() const { return folder_ / "store"; }

  /// What was kept under a name; nothing when it was not.
  [[nodiscard]] const boost::json::object* find(std::string_view name) const;
  void keep(std::string_view name, boost::json::object value);
  void forget(std::string_view name);

  [[nodiscard]] std::optional<Tokenizer> tokenizer() const;
  void keep_tokenizer(const Tokenizer& tokenizer);

  void clear_store();  ///< an empty folder for the store
  /// Durably forgets all but the store's files, which are about to be put in place: nobody may go
  /// on with them.
  void seal();
  /// Takes that back where they were not put in place. Returns   whether it could
  [[nodiscard]] bool unseal();
  void remove();  ///< all of it

 private:
  void save();
  std::filesystem::path folder_;
  boost::json::object state_;
};

}  // namespace banter::data
