// Compiled with -mavx2 -mfma; called only where the processor has both.
#define NUBRIDGE_KERNEL_SET kernels_avx2
#include "dynamics/kernel_impl.hpp"
