#pragma once

#include "train/ranks/ranks.h"

/// What the program asks libbanter_mpi.so for, by name through dlsym.
extern "C" {

/// The processes of this one's mpirun, for `delete`, which ends MPI. Once a process. A failure of
/// MPI ends all of them, with a sentence of its own.
banter::train::Ranks* banter_open_mpi();
}
