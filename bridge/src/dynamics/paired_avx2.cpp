// Compiled with -mavx2 -mfma; called only where the processor has both.
#define NUBRIDGE_PAIRED(name) paired_##name##_avx2
#include "dynamics/paired_kernel_impl.hpp"
#include "dynamics/subunit_kernel_impl.hpp"
