#pragma once

#include <string>

#include "base/json.h"
#include "train/experiment/document.h"
#include "train/experiment/results.h"
#include "train/metrics/statistics/spread.h"

namespace banter::train {

/// What every kind of experiment's report says: how the runs came about, which are missing, by
/// which commands it is made again, and on what. Nothing that a clock measured.
void add_runs(Document& document, const GridResults& results);
/// With the ends of logs, unless no sample is wanted: they may quote the corpus.
void add_open(Document& document, const GridResults& results, const ExperimentOptions& options);
void add_provenance(Document& document, const GridResults& results,
                    const ExperimentOptions& options);
base::json::object provenance_json(const GridResults& results, const ExperimentOptions& options);

/// "109.2 ± 3.0", without the interval where there is none; "-" of nothing.
std::string spread_text(const Spread& spread, int digits);
base::json::object spread_json(const Spread& spread);
base::json::value interval_json(const std::optional<Interval>& interval);

}  // namespace banter::train
