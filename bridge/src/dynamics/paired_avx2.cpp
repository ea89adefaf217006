// Compiled with -mavx2 -mfma; called only where the processor has both.
#define NUBRIDGE_PAIRED_STEP paired_step_avx2
#include "dynamics/paired_kernel_impl.hpp"
