add_library(
  banter_evaluation
  consistency.cpp
  dialogue_groups.cpp
  evaluate.cpp
  evaluate_command.cpp
  pairs/classify.cpp
  pairs/evaluation.cpp
  pairs/premises.cpp
  pairs/report.cpp
  pairs/scoring.cpp
  perturbation.cpp
  ranking.cpp
  run_store.cpp)
banter_uses_torch(banter_evaluation)
target_link_libraries(banter_evaluation PUBLIC banter_metrics banter_batch banter_model_commands)
