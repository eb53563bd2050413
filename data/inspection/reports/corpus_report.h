#pragma once

#include <ostream>
#include <string>

#include <boost/json.hpp>

#include "data/inspection/statistics.h"

/// The figures of dialogues for programs and for people.
namespace banter::data {

boost::json::object to_json(const CorpusFigures& figures);
void print(std::ostream& out, const CorpusFigures& figures);

/// What was compared and how.
boost::json::object to_json(const NearDuplicates::Counts& counts);
std::string method_of(const NearDuplicates::Counts& counts);

}  // namespace banter::data
