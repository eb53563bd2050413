#include "serve/net/admission.h"

#include <utility>

namespace banter::serve {

Admission::Answer Admission::enter(const std::string& address, bool is_counted) {
  const auto counted = is_counted ? address : std::string();
  {
    const std::lock_guard lock(mutex_);
    if (count_ >= max_in_all_) return {nullptr, Refusal::kTooMany};
    if (is_counted) {
      auto& open = of_address_[counted];
      if (open >= max_of_address_) return {nullptr, Refusal::kTooManyOfAddress};
      ++open;
    }
    ++count_;
  }
  return {std::make_unique<Ticket>(shared_from_this(), counted), Refusal::kNone};
}

std::size_t Admission::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

void Admission::leave(const std::string& address) {
  const std::lock_guard lock(mutex_);
  --count_;
  if (address.empty()) return;
  const auto found = of_address_.find(address);
  if (--found->second == 0) of_address_.erase(found);
}

}  // namespace banter::serve
