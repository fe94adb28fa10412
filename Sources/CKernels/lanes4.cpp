// The kernels for any processor.
#include <math.h>
#include <string.h>

#include <type_traits>

#include "implementation.h"

#define LANES 4

namespace lanes4 {
#include "vectors.inc"
// After the vectors that they are made of.
#include "panels.inc"
#include "steps.inc"
#include "product.inc"
#include "winograd.inc"
#include "gathered.inc"
#include "single.inc"
// The product's panels serve here too.
#include "input_gradient.inc"
#include "pooling.inc"
#include "depthwise.inc"
#include "elementwise.inc"
#include "batch_norm.inc"
#include "philox.inc"
#include "half.inc"
#include "functions.inc"
// After the functions of vectors.
#include "activations.inc"
#include "layer_norm.inc"
// The product's panels and the parts of a row.
#include "attention.inc"
}  // namespace lanes4

