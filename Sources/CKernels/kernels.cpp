// Which tables this processor can use.
#include "kernels.h"

#include "tables.h"

bool kernels_supports(kernels_instructions instructions) {
  __builtin_cpu_init();
  switch (instructions) {
    case KERNELS_SSE: return true;
    case KERNELS_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case KERNELS_AVX512:
      return kernels_supports(KERNELS_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    case KERNELS_AVX512_BF16: return kernels_supports(KERNELS_AVX512) && __builtin_cpu_supports("avx512bf16");
  }
  return false;
}

const kernels_table *kernels_for(kernels_instructions instructions) {
  switch (instructions) {
    case KERNELS_SSE: break;
    case KERNELS_AVX2: return &avx2::table;
    case KERNELS_AVX512: return &avx512::table;
    case KERNELS_AVX512_BF16: return &avx512_bf16::table;
  }
  return &sse::table;
}
