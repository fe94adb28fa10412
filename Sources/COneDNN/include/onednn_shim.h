// oneDNN's primitives behind a C interface: the only place that knows the library's version (2.6 and 3.x).
//
// Activations are channels-last float32, weights are in PyTorch's order ("plain"). A primitive may use another format for its weights:
// `onednn_make_pack` makes the reorder into it. Every primitive runs on the calling thread alone.
//
// A function that makes something returns NULL on failure; `onednn_last_error` then says why, on the same thread.
#ifndef ONEDNN_SHIM_H
#define ONEDNN_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A primitive: immutable, may be run by many threads at once.
typedef struct onednn_kernel onednn_kernel;
// A primitive with its arguments: for one thread at a time.
typedef struct onednn_call onednn_call;

// The arguments of a primitive.
typedef enum {
  ONEDNN_SOURCE,
  ONEDNN_WEIGHTS,
  ONEDNN_BIAS,
  ONEDNN_DESTINATION,
  ONEDNN_SOURCE_GRADIENT,
  ONEDNN_WEIGHTS_GRADIENT,
  ONEDNN_BIAS_GRADIENT,
  ONEDNN_DESTINATION_GRADIENT,
  ONEDNN_WORKSPACE,
  ONEDNN_SCRATCHPAD
} onednn_role;

typedef enum { ONEDNN_FORWARD, ONEDNN_BACKWARD_SOURCE, ONEDNN_BACKWARD_WEIGHTS } onednn_direction;

// The post-op of a forward primitive: the result is clamped to [low, high]; `high` may be infinite.
typedef struct {
  bool applies;
  float low, high;
} onednn_clamp;

typedef struct {
  int64_t batch, height, width, channels, filters;
  int64_t kernel_height, kernel_width, stride_height, stride_width, padding_height, padding_width;
  int64_t dilation_height, dilation_width;  // pixels from one value of the window to the next, at least 1
  int64_t groups;
  bool bias;
  bool bf16;  // source and destination are bfloat16, weights and bias float32; only for ONEDNN_BACKWARD_WEIGHTS
  onednn_clamp clamp;
} onednn_convolution;

typedef struct {
  int64_t batch, features, units;
  bool bias;
  bool bf16;  // as in a convolution
  onednn_clamp clamp;
} onednn_dense;

typedef struct {
  int64_t batch, height, width, channels;
  int64_t kernel_height, kernel_width, stride_height, stride_width, padding_height, padding_width;
  bool maximum;  // else the average, with padding counted as zeros
} onednn_pooling;

const char *onednn_last_error(void);
// "2.6.3"
const char *onednn_version(void);

typedef enum { ONEDNN_SSE41, ONEDNN_AVX2, ONEDNN_AVX512, ONEDNN_AVX512_BF16 } onednn_instruction_set;

// Limits the code that primitives are compiled to. To be called before everything else; false if it is too late, or if the library was
// built without this choice.
bool onednn_limit(onednn_instruction_set instructions);
// The instructions that primitives are compiled to, "AVX2".
const char *onednn_instructions(void);

onednn_kernel *onednn_make_convolution(const onednn_convolution *shape, onednn_direction direction);
onednn_kernel *onednn_make_dense(const onednn_dense *shape, onednn_direction direction);
// `direction`: forward or backward to the source. With `training` the forward primitive writes the workspace that the backward one reads.
onednn_kernel *onednn_make_pooling(const onednn_pooling *shape, onednn_direction direction, bool training);
void onednn_release_kernel(onednn_kernel *kernel);

// The bytes of an argument; 0 if there is none of that role.
size_t onednn_bytes(const onednn_kernel *kernel, onednn_role role);
// oneDNN's name of the implementation, "jit:avx512_core".
const char *onednn_implementation(const onednn_kernel *kernel);
// Whether the argument is in the plain format.
bool onednn_is_plain(const onednn_kernel *kernel, onednn_role role);
// Reorders from ONEDNN_SOURCE to ONEDNN_DESTINATION: from the plain format to the kernel's, and back.
onednn_kernel *onednn_make_pack(const onednn_kernel *kernel, onednn_role role);
onednn_kernel *onednn_make_unpack(const onednn_kernel *kernel, onednn_role role);

onednn_call *onednn_bind(const onednn_kernel *kernel, int count, const onednn_role *roles, void *const *pointers);
void onednn_release_call(onednn_call *call);
// Sets the memory of the argument at `index`, in the order of `roles`.
void onednn_point(onednn_call *call, int index, void *pointer);
// 0 if it succeeded; otherwise `onednn_last_error` says why.
int onednn_execute(onednn_call *call);

#ifdef __cplusplus
}
#endif
#endif
