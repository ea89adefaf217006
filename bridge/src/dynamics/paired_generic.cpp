#define NUBRIDGE_PAIRED(name) paired_##name##_generic
#include "dynamics/paired_kernel_impl.hpp"
#include "dynamics/subunit_kernel_impl.hpp"
