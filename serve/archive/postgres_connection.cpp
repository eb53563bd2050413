#include "serve/archive/postgres_connection.h"

#include <exception>
#include <string_view>
#include <utility>

namespace banter::serve {
namespace {

constexpr pqxx::oid kInt8 = 20;  ///< the type of every integer column of ours

/// The first line: the next ones may hold values.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// Source   PostgreSQL 15 manual, appendix A
StorageFault fault_of(std::string_view state) {
  const auto is_of = [&](std::string_view start) { return state.starts_with(start); };
  if (is_of("08") || is_of("57P")) return StorageFault::kBroken;
  if (is_of("53") || is_of("58") || is_of("XX")) return StorageFault::kUnavailable;
  const bool is_refused = state == "25006" || state == "55P03" || state == "57014";
  return is_refused ? StorageFault::kUnavailable : StorageFault::kStatement;
}

/// What libpqxx throws, as StorageError.
template <typename Run>
auto translated(const std::string& name, const Run& run) {
  try {
    return run();
  } catch (const pqxx::sql_error& error) {
    throw StorageError(fault_of(error.sqlstate()), name + ": " + first_line(error.what()));
  } catch (const pqxx::failure& error) {  // broken, or whether it was committed is not known
    throw StorageError(StorageFault::kBroken, name + ": " + first_line(error.what()));
  }
}

/// NULL for nothing; what the pointers point to is in `texts`.
std::vector<const char*> pointers(const std::vector<SqlValue>& parameters,
                                  std::vector<std::string>& texts) {
  texts.reserve(parameters.size());
  std::vector<const char*> list;
  for (const auto& value : parameters) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      list.push_back(text->c_str());
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      list.push_back(texts.emplace_back(std::to_string(*integer)).c_str());
    } else {
      list.push_back(nullptr);
    }
  }
  return list;
}

std::vector<SqlRow> rows_of(const pqxx::result& result) {
  std::vector<SqlRow> rows;
  for (const auto& row : result) {
    std::vector<SqlValue> values;
    for (const auto& field : row) {
      if (field.is_null()) {
        values.emplace_back();
      } else if (field.type() == kInt8) {
        values.emplace_back(field.as<std::int64_t>());
      } else {
        values.emplace_back(std::string(field.c_str(), field.size()));
      }
    }
    rows.emplace_back(std::move(values));
  }
  return rows;
}

}  // namespace

PostgresConnection::PostgresConnection(const std::string& url, std::string name,
                                       std::chrono::milliseconds lock_timeout)
    : name_(std::move(name)) {
  translated(name_, [&] { connection_ = std::make_unique<pqxx::connection>(url); });
  quiet_ = std::make_unique<pqxx::quiet_errorhandler>(*connection_);
  query("SET synchronous_commit = on");
  query("SET lock_timeout = " + std::to_string(lock_timeout.count()));
}

std::string PostgresConnection::prepared(const std::string& sql) {
  const auto [at, is_new] =
      statements_.try_emplace(sql, "banter_" + std::to_string(statements_.size()));
  if (is_new) connection_->prepare(at->second, sql);
  return at->second;
}

std::vector<SqlRow> PostgresConnection::run(pqxx::transaction_base& transaction,
                                            const std::string& sql,
                                            const std::vector<SqlValue>& parameters) {
  std::vector<std::string> texts;
  const auto values = pointers(parameters, texts);
  return rows_of(
      transaction.exec_prepared(prepared(sql), pqxx::prepare::make_dynamic_params(values)));
}

std::vector<SqlRow> PostgresConnection::query(const std::string& sql,
                                              const std::vector<SqlValue>& parameters) {
  return translated(name_, [&] {
    if (transaction_) return run(*transaction_, sql, parameters);
    pqxx::nontransaction alone(*connection_);
    return run(alone, sql, parameters);
  });
}

void PostgresConnection::begin() {
  translated(name_, [&] { transaction_ = std::make_unique<pqxx::work>(*connection_); });
}

void PostgresConnection::commit() {
  translated(name_, [&] { transaction_->commit(); });
  transaction_.reset();
}

void PostgresConnection::rollback() noexcept { transaction_.reset(); }

WallTime PostgresConnection::now() {
  const auto rows = query("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint");
  return WallTime(std::chrono::milliseconds(rows.at(0).integer(0)));
}

std::int64_t PostgresConnection::schema_version() {
  if (query("SELECT to_regclass('meta')").at(0).is_null(0)) return 0;
  const auto rows = query("SELECT value::bigint FROM meta WHERE key = 'schema_version'");
  return rows.empty() ? 0 : rows.front().integer(0);
}

}  // namespace banter::serve
