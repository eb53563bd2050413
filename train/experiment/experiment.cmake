# banter_experiment: grids, processes, statistics and reports, torch-free; what a grid measures of
# gradients needs torch.
add_library(
  banter_experiment
  experiment/axis_curves.cpp
  experiment/cell.cpp
  experiment/cell_files.cpp
  experiment/cell_sources.cpp
  experiment/chart.cpp
  experiment/columns.cpp
  experiment/comparison_report.cpp
  experiment/document.cpp
  experiment/experiment_command.cpp
  experiment/gradient_flow_report.cpp
  experiment/grid.cpp
  experiment/machine.cpp
  experiment/measured_runs.cpp
  experiment/notes.cpp
  experiment/options.cpp
  experiment/references.cpp
  experiment/report_files.cpp
  experiment/report_parts.cpp
  experiment/report_signatures.cpp
  experiment/results.cpp
  experiment/row_tests.cpp
  experiment/run_progress.cpp
  experiment/runner.cpp
  experiment/summary.cpp)
target_link_libraries(banter_experiment PUBLIC banter_metrics PRIVATE banter_train)

add_library(banter_gradient_flow experiment/gradient_flow.cpp
                                 experiment/gradient_flow_command.cpp)
banter_uses_torch(banter_gradient_flow)
target_link_libraries(banter_gradient_flow PUBLIC banter_train banter_model_commands)
