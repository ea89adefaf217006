#define NUBRIDGE_PAIRED_STEP paired_step_generic
#include "dynamics/paired_kernel_impl.hpp"
