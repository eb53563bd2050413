#define BANTER_ISA avx2
#define BANTER_ISA_NAME "avx2"
#define BANTER_VECTOR_BYTES 32
#include "models/kernels/kernels_body.h"
