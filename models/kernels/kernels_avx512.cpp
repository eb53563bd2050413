#define BANTER_ISA avx512
#define BANTER_ISA_NAME "avx512"
#define BANTER_VECTOR_BYTES 64
#include "models/kernels/kernels_body.h"
