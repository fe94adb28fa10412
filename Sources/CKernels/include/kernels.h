// Temper's own kernels, for what the tensor library is slow at, what an attack does most, and what passes over memory between kernels.
//
// Numbers in memory are float32 where nothing else is said, images are channels-last, every function runs on the calling thread alone and
// allocates nothing. Each example is computed without regard to the others. The code is compiled once for each width of vector registers;
// `kernels_lanes` says which one the processor runs.
#ifndef KERNELS_H
#define KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Floats in a vector register: 16 (AVX-512), 8 (AVX2 with FMA) or 4.
int64_t kernels_lanes(void);

// What happens to a result on its way to memory: the bias is added, then `addend`, it is brought into [low, high], and it is set to
// zero where `mask` is outside ]mask_low, mask_high[, or where `passes` has no bit. Bits are those that a clamp left as `inside`: one for
// each value that is inside ]low, high[, the first the lowest of its byte. A null pointer leaves a step out.
typedef struct {
  const float *bias;      // [columns]
  const float *addend;    // like the result
  const float *mask;      // like the result: the value whose clamping the gradient passes
  const uint8_t *passes;  // the same as bits; for a multiple of 16 columns
  uint8_t *inside;        // written; for a multiple of 16 columns
  float low, high;        // -INFINITY, INFINITY for none
  float mask_low, mask_high;
} kernels_finish;

// A product C = A B, A [rows, depth] and C [rows, columns] row-major, with B brought into the kernel's order first. Counts are of 4 bytes.
typedef struct {
  int64_t rows, depth, columns;
  bool half;  // both sides are rounded to bfloat16 on their way in; sums are float32
} kernels_product;

// Where B's element (k, j) stands: at b[place(k) * depth_stride + place(j) * column_stride]. A side that counts the values of an image,
// channels last, has more than one pixel, and its places are channel by channel: place(i) = i % channels * pixels + i / channels.
typedef struct {
  int64_t depth_stride, column_stride, depth_pixels, column_pixels;
} kernels_matrix;

size_t kernels_product_prepared_count(const kernels_product *shape);
size_t kernels_product_scratch_count(const kernels_product *shape);
void kernels_product_prepare(const kernels_product *shape, const float *b, const kernels_matrix *order, void *prepared);
void kernels_product_run(const kernels_product *shape, const float *a, const void *prepared, float *c, const kernels_finish *finish,
                         void *scratch);

// Whether the processor multiplies bfloat16 itself; where not, the results are the same within rounding, and slower than float32.
bool kernels_native_half(void);
// `count` numbers to bfloat16: to the nearest, to even between two.
void kernels_round(const float *source, void *result, int64_t count);

// A convolution of any window, stride and padding by products, or its gradient at the input. Weights are in PyTorch's order,
// [filters, channels, kernel height, kernel width]; counts are of 4 bytes.
typedef struct {
  int64_t batch, height, width, channels, filters;  // of the convolution's input
  int64_t kernel_height, kernel_width, stride_height, stride_width, padding_height, padding_width;
  bool backward;  // from the gradient at the output to that at the input
  bool half;      // products in bfloat16, with sums in float32
} kernels_convolution;

size_t kernels_convolution_prepared_count(const kernels_convolution *shape);
size_t kernels_convolution_scratch_count(const kernels_convolution *shape);
void kernels_convolution_prepare(const kernels_convolution *shape, const float *weights, void *prepared);
void kernels_convolution_run(const kernels_convolution *shape, const float *source, const void *prepared, float *destination,
                             const kernels_finish *finish, void *scratch);

// A convolution of stride 1 with a square kernel of 3 or 5, by tiles of the output (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2016) of 4 × 4, or of 2 × 4 for a kernel of 3. Channels and filters are multiples of `kernels_lanes()`.
typedef struct {
  int64_t batch, height, width, channels, filters;
  int64_t kernel, padding, tile_height, tile_width;
  bool half;  // products in bfloat16: tiles of 2 × 4 alone are nearly as exact as a direct convolution of rounded numbers
} kernels_winograd;

// Counts are of 4 bytes.
size_t kernels_winograd_prepared_count(const kernels_winograd *shape);
size_t kernels_winograd_scratch_count(const kernels_winograd *shape);
// Floats from one filter's weights to the next, and from one channel's to the next; `flipped` turns each kernel by half a turn. The
// gradient to the input is the convolution with channels and filters exchanged, flipped, with a padding of kernel - 1 - padding.
void kernels_winograd_prepare(const kernels_winograd *shape, const float *weights, int64_t filter_stride, int64_t channel_stride, bool flipped,
                              void *prepared);
void kernels_winograd_run(const kernels_winograd *shape, const float *source, const void *prepared, float *destination,
                          const kernels_finish *finish, float *scratch);

// The gradient of a convolution at its input, for few channels: a matrix product and a gathering sum.
typedef struct {
  int64_t batch, height, width, channels, filters;  // of the convolution's input
  int64_t kernel_height, kernel_width, stride, padding;
} kernels_input_gradient;

size_t kernels_input_gradient_prepared_count(const kernels_input_gradient *shape);
size_t kernels_input_gradient_scratch_count(const kernels_input_gradient *shape);
// Weights in PyTorch's order, [filters, channels, kernel height, kernel width].
void kernels_input_gradient_prepare(const kernels_input_gradient *shape, const float *weights, float *prepared);
// gradient: [batch, height', width', filters]; destination: [batch, height, width, channels].
void kernels_input_gradient_run(const kernels_input_gradient *shape, const float *gradient, const float *prepared, float *destination,
                                float *scratch);

// The maximum over square windows that lie side by side, without padding: [batch, height, width, channels] to
// [batch, height / window, width / window, channels]. `places` holds, for each, which element of its window it was; a window has at most
// 256. Of equal elements it is the first.
typedef struct {
  int64_t batch, height, width, channels, window;
} kernels_max_pool;

void kernels_max_pool_run(const kernels_max_pool *shape, const float *source, float *destination, uint8_t *places);
void kernels_max_pool_gradient(const kernels_max_pool *shape, const float *gradient, const uint8_t *places, float *destination);

// A convolution in which each channel has a square window of its own; weights in PyTorch's order, [channels, 1, kernel, kernel], are
// prepared into as many floats.
typedef struct {
  int64_t batch, height, width, channels, kernel, stride, padding;  // of the convolution's input
} kernels_depthwise;

void kernels_depthwise_prepare(const kernels_depthwise *shape, const float *weights, float *prepared);
void kernels_depthwise_run(const kernels_depthwise *shape, const float *source, const float *prepared, float *destination,
                           const kernels_finish *finish);
void kernels_depthwise_gradient(const kernels_depthwise *shape, const float *gradient, const float *prepared, float *destination,
                                const kernels_finish *finish);

// result = gradient, and 0 where the value is outside ]low, high[.
void kernels_mask(const float *gradient, const float *value, float low, float high, float *result, int64_t count);
void kernels_add(const float *left, const float *right, float *result, int64_t count);
// Each point goes by `step` where the gradient is positive, by -step where it is negative, and not where it is 0 or no number; then to within
// `radius` of its centre, and into [low, high].
void kernels_ascend_signs(float *points, const float *gradient, const float *centre, float step, float radius, float low, float high,
                          int64_t count);
// Each row of [rows, columns] times [columns], finished.
void kernels_scale(const float *source, const float *factors, const kernels_finish *finish, float *result, int64_t rows, int64_t columns);

// The next blocks of Philox4x32-10, [blocks, 4]; the first word of the counter counts them.
void kernels_philox(const uint32_t key[2], const uint32_t counter[4], int64_t blocks, uint32_t *words);

// Batch norm over [rows, channels]. The mean of each channel, and the sum of the squares about it:
void kernels_moments(const float *x, int64_t rows, int64_t channels, double *means, double *squares);
// The sums of dy and of dy times the normalised x; `statistics`: [2, channels], means and 1 / deviations.
void kernels_gradient_moments(const float *dy, const float *x, const float *statistics, int64_t rows, int64_t channels, double *sums,
                              double *products);
// dx = factor (dy - mean of dy - normalised x times the mean of dy times it); `coefficients`: [4, channels], factors, shifts, means and
// 1 / deviations; `means`: [2, channels], of dy and of dy times the normalised x.
void kernels_centre(const float *dy, const float *x, const float *coefficients, const float *means, float *dx, int64_t rows, int64_t channels);

// Smooth activations, element by element (Hendrycks and Gimpel, arXiv:1606.08415): GELU by the error function, and SiLU.
typedef enum { KERNELS_GELU, KERNELS_SILU } kernels_activation;

void kernels_activate(kernels_activation activation, const float *source, float *result, int64_t count);
void kernels_activate_gradient(kernels_activation activation, const float *gradient, const float *source, float *result, int64_t count);

// Layer norm of each row of [rows, columns]; `statistics`, [rows, 2], takes the mean and 1 / deviation of each row.
void kernels_layer_norm(const float *source, const float *weight, const float *bias, float epsilon, float *result, float *statistics,
                        int64_t rows, int64_t columns);
void kernels_layer_norm_gradient(const float *gradient, const float *source, const float *statistics, const float *weight, float *result,
                                 int64_t rows, int64_t columns);
// The gradients of weight and bias, [columns] each.
void kernels_layer_norm_weights(const float *gradient, const float *source, const float *statistics, float *weight_gradient,
                                float *bias_gradient, int64_t rows, int64_t columns);

// Attention of each head over the tokens of an example, softmax(Q K^T / sqrt(width)) V. The source holds queries, keys and values,
// [batch, tokens, 3, heads, width]; the destination is [batch, tokens, heads, width], `probabilities` [batch, heads, tokens, tokens].
typedef struct {
  int64_t batch, tokens, heads, width;
} kernels_attention;

size_t kernels_attention_scratch_count(const kernels_attention *shape);
void kernels_attention_run(const kernels_attention *shape, const float *source, float *destination, float *probabilities, float *scratch);
// destination: the gradient at the source.
void kernels_attention_gradient(const kernels_attention *shape, const float *gradient, const float *source, const float *probabilities,
                                float *destination, float *scratch);

#ifdef __cplusplus
}
#endif
#endif
