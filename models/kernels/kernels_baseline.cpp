#define BANTER_ISA baseline
#define BANTER_ISA_NAME "baseline"
#define BANTER_VECTOR_BYTES 16
#include "models/kernels/kernels_body.h"
