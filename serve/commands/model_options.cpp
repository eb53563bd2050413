#include "serve/commands/model_options.h"

#include "models/checkpoint/checkpoint.h"

namespace banter::serve {

void add_model_options(CLI::App& app, ServedRun& served) {
  constexpr const char* kGroup = "Model";
  app.add_option("--nli", served.nli,
                 "classifier of sentence pairs: judges replies by the persona, and chooses them "
                 "with rerank consistency")
      ->type_name("RUN")
      ->group(kGroup);
  auto* reverse = app.add_option("--reverse", served.reverse,
                                 "run of turned dialogues, which chooses replies with rerank mmi")
                      ->type_name("RUN")
                      ->group(kGroup);
  app.add_option("--mmi-weight", served.mmi_weight, "of what the reverse run says")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0))
      ->needs(reverse)
      ->group(kGroup);
  auto* ensemble = app.add_option("--ensemble", served.ensemble,
                                  "a run that answers together with RUN; may be repeated")
                       ->allow_extra_args(false)
                       ->type_name("RUN")
                       ->group(kGroup);
  app.add_option("--ensemble-mean", served.ensemble_mean, "of what: log_probs or probs")
      ->check(CLI::IsMember({"log_probs", "probs"}))
      ->needs(ensemble)
      ->group(kGroup);
  app.add_option("--device", served.device, "cpu, cuda, cuda:N or auto")->group(kGroup);
  app.add_option("--threads", served.threads,
                 "threads of computing, 0 = all cores or OMP_NUM_THREADS")
      ->check(CLI::NonNegativeNumber)
      ->group(kGroup);
}

std::string usual_archive(const std::string& run) {
  return models::RunName::parse(run).run / "conversations.sqlite";
}

}  // namespace banter::serve
