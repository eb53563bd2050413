#include "serve/commands.h"

#include "serve/commands/replay.h"
#include "serve/commands/serve.h"
#include "serve/run/load_served.h"

namespace banter::serve {

int run_serve(const std::vector<std::string>& arguments) { return serve(arguments, &load_served); }

int run_replay(const std::vector<std::string>& arguments) {
  return replay(arguments, &load_served);
}

}  // namespace banter::serve
