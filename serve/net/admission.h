#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace banter::serve {

/// How many connections are open, in all and of each address. Any thread.
class Admission : public std::enable_shared_from_this<Admission> {
 public:
  /// One open connection; gives its place back when it goes.
  class Ticket {
   public:
    Ticket(std::shared_ptr<Admission> admission, std::string address)
        : admission_(std::move(admission)), address_(std::move(address)) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() { admission_->leave(address_); }

   private:
    std::shared_ptr<Admission> admission_;
    std::string address_;
  };

  /// What an address is refused for.
  enum class Refusal { kNone, kTooMany, kTooManyOfAddress };

  struct Answer {
    std::unique_ptr<Ticket> ticket;  ///< null when refused
    Refusal refusal = Refusal::kNone;
  };

  Admission(std::size_t max_in_all, std::size_t max_of_address)
      : max_in_all_(max_in_all), max_of_address_(max_of_address) {}

  /// `is_counted` false: only the bound in all holds (a proxy, a Unix socket).
  Answer enter(const std::string& address, bool is_counted);
  [[nodiscard]] std::size_t count() const;

 private:
  void leave(const std::string& address);

  const std::size_t max_in_all_, max_of_address_;
  mutable std::mutex mutex_;
  std::size_t count_ = 0;
  std::map<std::string, std::size_t> of_address_;
};

}  // namespace banter::serve
