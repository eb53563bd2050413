#pragma once

#include <string>
#include <vector>

/// Sub-commands that train and measure. Each takes the arguments behind its name, returns an exit
/// code and throws base::Error.
namespace banter::train {

int run_train(const std::vector<std::string>& arguments);
int run_average(const std::vector<std::string>& arguments);
int run_compare(const std::vector<std::string>& arguments);
int run_export_log(const std::vector<std::string>& arguments);
int run_evaluate(const std::vector<std::string>& arguments);
int run_metrics(const std::vector<std::string>& arguments);
int run_experiment(const std::vector<std::string>& arguments);
int run_gradient_flow(const std::vector<std::string>& arguments);
int run_vectors(const std::vector<std::string>& arguments);

}  // namespace banter::train
