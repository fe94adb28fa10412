#include "pictures.h"

#include <stdio.h>
#include <string.h>

#include <png.h>

// libpng, by its manual.

struct Source {
  const uint8_t *bytes;
  size_t left;
  char *reason;
};

/// Most bytes of a chunk beside the pixels, such as a compressed comment.
enum { LONGEST_CHUNK = 8 << 20 };

static void on_error(png_structp image, png_const_charp message) {
  struct Source *source = png_get_error_ptr(image);
  snprintf(source->reason, PICTURE_REASON_BYTES, "%s", message);
  png_longjmp(image, 1);
}

static void on_warning(png_structp image, png_const_charp message) {
  (void)image;
  (void)message;
}

static void on_read(png_structp image, png_bytep target, size_t count) {
  struct Source *source = png_get_io_ptr(image);
  if (count > source->left) png_error(image, "it ends too early");
  memcpy(target, source->bytes, count);
  source->bytes += count;
  source->left -= count;
}

static void begin(png_structp image, png_infop info, struct Source *source) {
  png_set_read_fn(image, source, on_read);
  // How large a picture may be is decided between its header and its pixels.
  png_set_user_limits(image, 0x7fffffff, 0x7fffffff);
  png_set_chunk_malloc_max(image, LONGEST_CHUNK);
  png_read_info(image, info);
}

static int is_grey(png_structp image, png_infop info) { return !(png_get_color_type(image, info) & PNG_COLOR_MASK_COLOR); }

int picture_png_facts(const uint8_t *bytes, size_t count, struct PictureFacts *facts, char *reason) {
  struct Source source = {bytes, count, reason};
  png_structp image = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, on_error, on_warning);
  png_infop info = image ? png_create_info_struct(image) : NULL;
  if (!info || setjmp(png_jmpbuf(image))) {
    png_destroy_read_struct(&image, &info, NULL);
    return 1;
  }
  begin(image, info, &source);
  facts->width = (int32_t)png_get_image_width(image, info);
  facts->height = (int32_t)png_get_image_height(image, info);
  facts->channels = is_grey(image, info) ? 1 : 3;
  facts->has_alpha = (png_get_color_type(image, info) & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(image, info, PNG_INFO_tRNS) != 0;
  png_destroy_read_struct(&image, &info, NULL);
  return 0;
}

int picture_png_decode(const uint8_t *bytes, size_t count, struct PictureFacts facts, uint8_t *pixels, char *reason) {
  struct Source source = {bytes, count, reason};
  png_structp image = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, on_error, on_warning);
  png_infop info = image ? png_create_info_struct(image) : NULL;
  if (!info || setjmp(png_jmpbuf(image))) {
    png_destroy_read_struct(&image, &info, NULL);
    return 1;
  }
  begin(image, info, &source);
  if (png_get_color_type(image, info) == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(image);
  if (is_grey(image, info) && png_get_bit_depth(image, info) < 8) png_set_expand_gray_1_2_4_to_8(image);
  if (png_get_bit_depth(image, info) == 16) png_set_scale_16(image);
  png_set_strip_alpha(image);
  int passes = png_set_interlace_handling(image);
  png_read_update_info(image, info);
  size_t stride = (size_t)facts.width * (size_t)facts.channels;
  if (png_get_rowbytes(image, info) != stride || png_get_image_height(image, info) != (png_uint_32)facts.height) {
    png_error(image, "its header changed");
  }
  for (int pass = 0; pass < passes; pass++)
    for (int32_t y = 0; y < facts.height; y++) png_read_row(image, pixels + stride * (size_t)y, NULL);
  png_read_end(image, NULL);
  png_destroy_read_struct(&image, &info, NULL);
  return 0;
}
