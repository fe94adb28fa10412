// Temper's own kernels: for what oneDNN is slow at, for what an attack does most, and for what would be one more pass over memory.
//
// The kernels of one instruction set stand in one table of functions. Every function runs on the calling thread and allocates nothing;
// the caller brings scratch memory. Numbers in memory are float32 unless stated otherwise, images are channels-last (NHWC), weights are in
// PyTorch's order. Each example is computed independently of the others in its batch. Packed and scratch memory is counted in units of
// 4 bytes.
#ifndef KERNELS_H
#define KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma clang assume_nonnull begin

// What is done to each value of a result before it is stored, in this order: add `bias`, add `addend`, clamp to [low, high], then set to
// zero where the gradient of a clamp is zero: where `clamped` is outside ]clamped_low, clamped_high[, or where `mask_bits` has no bit. A null
// pointer skips its step. Activation masks have one bit per value, set where the clamped value is strictly inside its range; the first
// value has the lowest bit of the first byte, and `columns` is a multiple of 16.
typedef struct {
  const float *_Nullable bias;       // [columns]
  const float *_Nullable addend;     // like the result
  const float *_Nullable clamped;    // like the result: an activation, the result of a clamp
  const uint8_t *_Nullable mask_bits; // the activation mask instead of the activation
  uint8_t *_Nullable mask_bits_out;  // written: the activation mask of this clamp
  float low, high;                   // -INFINITY, INFINITY for no clamp
  float clamped_low, clamped_high;
} kernels_epilogue;

// C = A B: A [rows, depth] and C [rows, columns] row-major, B packed beforehand.
typedef struct {
  int64_t rows, depth, columns;
} kernels_product;

// Where B's element (k, j) is: at b[index(k) * depth_stride + index(j) * column_stride]. If one side of B runs over the values of an image,
// set its number of pixels: B is then ordered channel by channel while A or C is channels-last, index(i) = i % channels * pixels +
// i / channels. Otherwise the number of pixels is 1, and index(i) = i.
typedef struct {
  int64_t depth_stride, column_stride, depth_pixels, column_pixels;
} kernels_matrix;

// A convolution of any window, stride and padding, or its gradient with respect to the input. Weights: [filters, channels, kernel_height,
// kernel_width].
typedef struct {
  int64_t batch, height, width, channels, filters;  // of the convolution's input
  int64_t kernel_height, kernel_width, stride_height, stride_width, padding_height, padding_width;
  bool backward;  // from the gradient of the output to the gradient of the input
} kernels_convolution;

// A convolution of stride 1 with a 3×3 or 5×5 window by Winograd's algorithm (Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2016). The output tile is 4×4, or 2×4 for a 3×3 window. Channels and filters are multiples of the table's `lanes`. In
// bfloat16 only 2×4 tiles are nearly as exact as a direct convolution.
typedef struct {
  int64_t batch, height, width, channels, filters;
  int64_t kernel, padding, tile_height, tile_width;
} kernels_winograd;

// Matrix products and the convolutions that are made of them, in one number format. `*_pack` brings weights into the kernel's own order,
// once per update of the weights; `*_packed_count` and `*_scratch_count` say how much memory that order and a run take.
typedef struct {
  size_t (*product_packed_count)(const kernels_product *shape);
  size_t (*product_scratch_count)(const kernels_product *shape);
  void (*product_pack)(const kernels_product *shape, const float *b, const kernels_matrix *order, void *packed);
  void (*product)(const kernels_product *shape, const float *a, const void *packed, float *c, const kernels_epilogue *epilogue,
                  void *scratch);

  size_t (*convolution_packed_count)(const kernels_convolution *shape);
  size_t (*convolution_scratch_count)(const kernels_convolution *shape);
  void (*convolution_pack)(const kernels_convolution *shape, const float *weights, void *packed);
  void (*convolution)(const kernels_convolution *shape, const float *source, const void *packed, float *destination,
                      const kernels_epilogue *epilogue, void *scratch);

  size_t (*winograd_packed_count)(const kernels_winograd *shape);
  size_t (*winograd_scratch_count)(const kernels_winograd *shape);
  // The strides count floats from one filter's weights to the next and from one channel's to the next; `flipped` rotates each window by
  // 180°. The gradient of the input is the convolution with channels and filters exchanged, flipped, with padding kernel - 1 - padding.
  void (*winograd_pack)(const kernels_winograd *shape, const float *weights, int64_t filter_stride, int64_t channel_stride, bool flipped,
                        void *packed);
  void (*winograd)(const kernels_winograd *shape, const float *source, const void *packed, float *destination,
                   const kernels_epilogue *epilogue, void *scratch);
} kernels_products;

// The gradient of a convolution with respect to images of few channels. Weights: [filters, channels, kernel_height, kernel_width].
typedef struct {
  int64_t batch, height, width, channels, filters;  // of the convolution's input
  int64_t kernel_height, kernel_width, stride, padding;
} kernels_input_gradient;

// The maximum over square windows that neither overlap nor leave gaps, without padding: [batch, height, width, channels] to
// [batch, height / window, width / window, channels]. A window has at most 256 elements.
typedef struct {
  int64_t batch, height, width, channels, window;
} kernels_max_pool;

// A depthwise convolution: a square window for each channel. Weights: [channels, 1, kernel, kernel], packed into as many floats.
typedef struct {
  int64_t batch, height, width, channels, kernel, stride, padding;  // of the convolution's input
} kernels_depthwise;

// GELU by the error function (Hendrycks and Gimpel, arXiv:1606.08415), and SiLU.
typedef enum { KERNELS_GELU, KERNELS_SILU } kernels_activation;

// Multi-head attention over the tokens of each example: softmax(Q K^T / sqrt(width)) V. The source holds queries, keys and values,
// [batch, tokens, 3, heads, width]; the destination is [batch, tokens, heads, width], the probabilities [batch, heads, tokens, tokens].
typedef struct {
  int64_t batch, tokens, heads, width;
} kernels_attention;

// How FAB steps onto a hyperplane through a box of `count` pixels (Croce and Hein 2020, arXiv:1907.02044).
typedef struct {
  int64_t count;
  bool by_weight;          // in L2 pixels move by their weights; otherwise, in L∞, all alike
  float low, high;         // the box
  double overshoot, pull;  // how far a step goes, 1 being onto the plane; the most that it is drawn to the clean image's own step
} kernels_boundary;

// All kernels of one instruction set.
typedef struct {
  int64_t lanes;     // floats in a vector register
  bool native_bf16;  // whether `bf16` uses the processor's own products of bfloat16; if not, it is slower than `fp32`

  kernels_products fp32;
  kernels_products bf16;  // both sides rounded to bfloat16, sums in float32

  // One row of a product packed by `fp32`, after `count` steps of its left side from `first` on have become `now` and were `before`: adds the
  // difference to `c`, which holds the row, rounded up to whole vectors. Steps that have not changed cost nothing.
  void (*product_change)(const kernels_product *shape, const float *now, const float *before, int64_t first, int64_t count,
                         const float *packed, float *c);

  // `count` floats to bfloat16, to nearest even.
  void (*round_to_bf16)(const float *source, void *result, int64_t count);

  size_t (*input_gradient_packed_count)(const kernels_input_gradient *shape);
  size_t (*input_gradient_scratch_count)(const kernels_input_gradient *shape);
  void (*input_gradient_pack)(const kernels_input_gradient *shape, const float *weights, float *packed);
  // gradient: [batch, output height, output width, filters]; destination: [batch, height, width, channels].
  void (*input_gradient)(const kernels_input_gradient *shape, const float *gradient, const float *packed, float *destination,
                         float *scratch);

  // `indices` receives, for each maximum, its position in the window, row by row: the first of equal ones.
  void (*max_pool)(const kernels_max_pool *shape, const float *source, float *destination, uint8_t *indices);
  void (*max_pool_gradient)(const kernels_max_pool *shape, const float *gradient, const uint8_t *indices, float *destination);

  void (*depthwise_pack)(const kernels_depthwise *shape, const float *weights, float *packed);
  void (*depthwise)(const kernels_depthwise *shape, const float *source, const float *packed, float *destination,
                    const kernels_epilogue *epilogue);
  void (*depthwise_gradient)(const kernels_depthwise *shape, const float *gradient, const float *packed, float *destination,
                             const kernels_epilogue *epilogue);

  void (*add)(const float *left, const float *right, float *result, int64_t count);
  // The gradient of a clamp: `gradient` where `clamped` is inside ]low, high[, else 0.
  void (*clamp_gradient)(const float *gradient, const float *clamped, float low, float high, float *result, int64_t count);
  // points += step * sign(gradient), then projected into [centre - radius, centre + radius] and [low, high]. The sign of NaN is 0; a NaN
  // among the points becomes the lower bound.
  void (*ascend_signs)(float *_Nullable points, const float *_Nullable gradient, const float *_Nullable centre, float step, float radius,
                       float low, float high, int64_t count);
  // Each row of [rows, columns] times `factors`, [columns], then the epilogue.
  void (*scale)(const float *source, const float *factors, const kernels_epilogue *epilogue, float *result, int64_t rows, int64_t columns);

  size_t (*boundary_scratch_count)(const kernels_boundary *shape);
  // Where `normal` · (x - image) is -`value` lies a plane. With d(x) the shortest way to it from x in the box, and a the smaller of `pull` and
  // |d(image)| / (|d(image)| + |d(clean)|): image = (1 - a) (image + overshoot d(image)) + a (clean + overshoot d(clean)), then into the box.
  // What is not finite in the normal counts as 0; a value that is not finite leads nowhere.
  void (*boundary_step)(const kernels_boundary *shape, const float *normal, float value, const float *clean, float *image, void *scratch);

  // `blocks` blocks of 4 words of Philox4x32-10. The first word of the counter rises by 1 from block to block.
  void (*philox)(const uint32_t *key, const uint32_t *counter, int64_t blocks, uint32_t *_Nullable words);

  // Batch norm over [rows, channels]: the mean of each channel, and the sum of squared deviations from it.
  void (*moments)(const float *x, int64_t rows, int64_t channels, double *means, double *squares);
  // For each channel the sum of dy and the sum of dy times the normalised x. `statistics`: [2, channels], means and 1 / deviations.
  void (*gradient_moments)(const float *dy, const float *x, const float *statistics, int64_t rows, int64_t channels, double *sums,
                           double *products);
  // dx = factor (dy - mean(dy) - x̂ mean(dy x̂)), where x̂ is the normalised x. `coefficients`: [4, channels], factors, shifts (not read),
  // means and 1 / deviations of x; `means`: [2, channels], mean(dy) and mean(dy x̂).
  void (*batch_norm_gradient)(const float *dy, const float *x, const float *coefficients, const float *means, float *dx, int64_t rows,
                              int64_t channels);

  void (*activate)(kernels_activation activation, const float *source, float *result, int64_t count);
  void (*activate_gradient)(kernels_activation activation, const float *gradient, const float *source, float *result, int64_t count);

  // Layer norm of each row of [rows, columns]. `statistics`, [rows, 2], receives the mean and 1 / deviation of each row.
  void (*layer_norm)(const float *source, const float *weight, const float *bias, float epsilon, float *result, float *statistics,
                     int64_t rows, int64_t columns);
  void (*layer_norm_gradient)(const float *gradient, const float *source, const float *statistics, const float *weight, float *result,
                              int64_t rows, int64_t columns);
  // The gradients of weight and bias, [columns] each.
  void (*layer_norm_weights)(const float *gradient, const float *source, const float *statistics, float *weight_gradient,
                             float *bias_gradient, int64_t rows, int64_t columns);

  size_t (*attention_scratch_count)(const kernels_attention *shape);
  void (*attention)(const kernels_attention *shape, const float *source, float *destination, float *probabilities, float *scratch);
  // destination: the gradient of the source.
  void (*attention_gradient)(const kernels_attention *shape, const float *gradient, const float *source, const float *probabilities,
                             float *destination, float *scratch);
} kernels_table;

// Each includes those before it.
typedef enum {
  KERNELS_SSE,         // SSE2, which every x86-64 processor has; bfloat16 emulated
  KERNELS_AVX2,        // with FMA; bfloat16 emulated
  KERNELS_AVX512,      // F, BW, DQ and VL; bfloat16 emulated
  KERNELS_AVX512_BF16  // the same with the processor's own products of bfloat16
} kernels_instructions;

// Whether this processor has the instructions.
bool kernels_supports(kernels_instructions instructions);
// The kernels for them. Calling one without the processor's support ends the process.
const kernels_table *kernels_for(kernels_instructions instructions);

#pragma clang assume_nonnull end
#ifdef __cplusplus
}
#endif
#endif
