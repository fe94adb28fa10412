// AVX-512 with the processor's own products of bfloat16. Only what handles bfloat16 is compiled here; all else is that of AVX-512.
#include "headers.h"

#define LANES 16
#define NATIVE_BF16
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"))), apply_to = function)
namespace avx512_bf16 {
#include "products.inc"
static constexpr kernels_products bf16 = products_in<BF16>();
}  // namespace avx512_bf16
#pragma clang attribute pop

// Runs when the program is loaded, on any processor: so it stands outside the functions compiled for AVX-512. It reads a constant of
// another file, which needs no initialisation.
static kernels_table with_native_bf16(kernels_table table) {
  table.native_bf16 = true;
  table.bf16 = avx512_bf16::bf16;
  table.round_to_bf16 = avx512_bf16::round_to_bf16;
  return table;
}

const kernels_table avx512_bf16::table = with_native_bf16(avx512::table);
