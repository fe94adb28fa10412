// The kernels for AVX2 with FMA.
#include "headers.h"

#define LANES 8
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
namespace avx2 {
#include "all.inc"
}
#pragma clang attribute pop
