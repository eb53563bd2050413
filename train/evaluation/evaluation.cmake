add_library(
  banter_evaluation
  evaluation/consistency.cpp
  evaluation/dialogue_groups.cpp
  evaluation/evaluate.cpp
  evaluation/evaluate_command.cpp
  evaluation/evaluate_run.cpp
  evaluation/pairs/classify.cpp
  evaluation/pairs/evaluation.cpp
  evaluation/pairs/premises.cpp
  evaluation/pairs/report.cpp
  evaluation/pairs/scoring.cpp
  evaluation/perturbation.cpp
  evaluation/ranking.cpp
  evaluation/run_store.cpp)
banter_uses_torch(banter_evaluation)
target_link_libraries(banter_evaluation PUBLIC banter_metrics banter_batch banter_model_commands)
