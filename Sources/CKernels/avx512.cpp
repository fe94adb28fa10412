// The kernels for AVX-512.
#include "headers.h"

#define LANES 16
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
namespace avx512 {
#include "all.inc"
}
#pragma clang attribute pop
