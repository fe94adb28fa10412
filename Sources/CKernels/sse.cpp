// The kernels for every x86-64 processor.
#include "headers.h"

#define LANES 4
namespace sse {
#include "all.inc"
}
