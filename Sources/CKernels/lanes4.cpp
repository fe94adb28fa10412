// The kernels for any processor.
#include <math.h>

#include "implementation.h"

#define LANES 4

namespace lanes4 {
#include "vectors.inc"
// After the vectors that they are made of.
#include "product.inc"
#include "winograd.inc"
// The product's panels serve here too.
#include "input_gradient.inc"
#include "pooling.inc"
#include "depthwise.inc"
#include "elementwise.inc"
}  // namespace lanes4

