#pragma once

#include <ostream>

#include <boost/json.hpp>

#include "data/inspection/pair_statistics.h"

/// The figures of pairs for programs and for people.
namespace banter::data {

boost::json::object to_json(const PairFigures& figures);
void print(std::ostream& out, const PairFigures& figures);

}  // namespace banter::data
