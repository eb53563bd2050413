// `banter serve` alone: the command as it is, in a program that needs no LibTorch to link.
#include <iostream>
#include <string>
#include <vector>

#include "base/errors.h"
#include "serve/commands.h"

int main(int argc, char** argv) {
  try {
    return banter::serve::run_serve(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const banter::base::Error& error) {
    std::cerr << "banter: " << error.what() << "\n";
    return error.exit_code();
  }
}
