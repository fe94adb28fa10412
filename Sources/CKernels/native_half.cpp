// The products of bfloat16 numbers for AVX-512 with BF16.
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include <type_traits>

#include "implementation.h"

#define LANES 16
#define NATIVE_BF16
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"))), apply_to = function)
namespace native_half {
#include "vectors.inc"
// After the vectors that they are made of.
#include "panels.inc"
#include "steps.inc"
#include "product.inc"
#include "winograd.inc"
#include "gathered.inc"
// The panels of the product, and the tiles.
#include "half.inc"
}  // namespace native_half
#pragma clang attribute pop
