// The table of each instruction set, defined in the source file of the same name.
#pragma once

#include "kernels.h"

namespace sse {
extern const kernels_table table;
}
namespace avx2 {
extern const kernels_table table;
}
namespace avx512 {
extern const kernels_table table;
}
namespace avx512_bf16 {
extern const kernels_table table;
}
