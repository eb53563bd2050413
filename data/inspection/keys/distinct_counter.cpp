#include "data/inspection/keys/distinct_counter.h"

namespace banter::data {

DistinctCounter::Counts DistinctCounter::counts() {
  Counts counts;
  for (auto cursor = keys_.cursor(); cursor.next();) {
    counts.added += cursor.count();
    ++counts.distinct;
    if (cursor.count() > 1) ++counts.repeated;
  }
  return counts;
}

SharedKeys shared_keys(SortedKeys& one, SortedKeys& other) {
  SharedKeys shared;
  auto left = one.cursor();
  bool more = left.next();
  for (auto right = other.cursor(); right.next();) {
    shared.all += right.count();
    ++shared.distinct;
    while (more && left.key() < right.key()) more = left.next();
    if (!more || left.key() != right.key()) continue;
    shared.shared += right.count();
    ++shared.distinct_shared;
  }
  return shared;
}

}  // namespace banter::data
