#define NUBRIDGE_KERNEL_SET kernels_generic
#include "dynamics/kernel_impl.hpp"
