#include "pictures.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

// libjpeg-turbo, by its documentation (libjpeg.txt, "Error handling").

struct Decoder {
  struct jpeg_decompress_struct image;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf exit;
  char *reason;
};

/// A progressive picture may come in any number of scans, each of which goes over all its pixels.
enum { MOST_SCANS = 500 };

static void fail(struct Decoder *decoder, const char *reason) {
  snprintf(decoder->reason, PICTURE_REASON_BYTES, "%s", reason);
  longjmp(decoder->exit, 1);
}

static void on_error(j_common_ptr image) {
  char message[JMSG_LENGTH_MAX];
  (*image->err->format_message)(image, message);
  fail((struct Decoder *)image->client_data, message);
}

/// libjpeg fills with grey what is missing, and warns. Such a picture is damaged.
static void on_message(j_common_ptr image, int level) {
  if (level >= 0) return;
  switch (image->err->msg_code) {
  case JWRN_JPEG_EOF:
  case JWRN_HIT_MARKER:
  case JWRN_HUFF_BAD_CODE:
  case JWRN_ARITH_BAD_CODE:
  case JWRN_MUST_RESYNC: on_error(image);
  }
}

static void on_progress(j_common_ptr image) {
  if (((j_decompress_ptr)image)->input_scan_number > MOST_SCANS) fail((struct Decoder *)image->client_data, "it has too many scans");
}

static void ignore_output(j_common_ptr image) { (void)image; }

static void begin(struct Decoder *decoder, const uint8_t *bytes, size_t count) {
  decoder->image.client_data = decoder;
  jpeg_create_decompress(&decoder->image);
  decoder->progress.progress_monitor = on_progress;
  decoder->image.progress = &decoder->progress;
  jpeg_mem_src(&decoder->image, bytes, count);
  jpeg_read_header(&decoder->image, TRUE);
}

static void prepare(struct Decoder *decoder, char *reason) {
  memset(decoder, 0, sizeof *decoder);
  decoder->reason = reason;
  decoder->image.err = jpeg_std_error(&decoder->errors);
  decoder->errors.error_exit = on_error;
  decoder->errors.emit_message = on_message;
  decoder->errors.output_message = ignore_output;
}

int picture_jpeg_facts(const uint8_t *bytes, size_t count, struct PictureFacts *facts, char *reason) {
  struct Decoder decoder;
  prepare(&decoder, reason);
  if (setjmp(decoder.exit)) {
    jpeg_destroy_decompress(&decoder.image);
    return 1;
  }
  begin(&decoder, bytes, count);
  facts->width = (int32_t)decoder.image.image_width;
  facts->height = (int32_t)decoder.image.image_height;
  facts->channels = decoder.image.jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
  facts->has_alpha = 0;
  jpeg_destroy_decompress(&decoder.image);
  return 0;
}

/// (a · b) / 255, rounded.
static uint8_t scaled(unsigned a, unsigned b) {
  unsigned product = a * b + 128;
  return (uint8_t)((product + (product >> 8)) >> 8);
}

/// Red, green and blue of inks. Adobe's programs write them the other way round (libjpeg.txt, "Special color spaces").
static void convert_inks(const uint8_t *inks, uint8_t *pixels, size_t width, int is_inverted) {
  unsigned flip = is_inverted ? 0 : 255;
  for (size_t x = 0; x < width; x++)
    for (int channel = 0; channel < 3; channel++) pixels[3 * x + channel] = scaled(inks[4 * x + channel] ^ flip, inks[4 * x + 3] ^ flip);
}

int picture_jpeg_decode(const uint8_t *bytes, size_t count, struct PictureFacts facts, uint8_t *pixels, char *reason) {
  struct Decoder decoder;
  prepare(&decoder, reason);
  if (setjmp(decoder.exit)) {
    jpeg_destroy_decompress(&decoder.image);
    return 1;
  }
  begin(&decoder, bytes, count);
  struct jpeg_decompress_struct *image = &decoder.image;
  int has_inks = image->jpeg_color_space == JCS_CMYK || image->jpeg_color_space == JCS_YCCK;
  image->out_color_space = has_inks ? JCS_CMYK : facts.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(image);
  if (image->output_width != (JDIMENSION)facts.width || image->output_height != (JDIMENSION)facts.height) fail(&decoder, "its header changed");
  size_t stride = (size_t)facts.width * (size_t)facts.channels;
  JSAMPARRAY inks = has_inks ? (*image->mem->alloc_sarray)((j_common_ptr)image, JPOOL_IMAGE, image->output_width * 4, 1) : NULL;
  while (image->output_scanline < image->output_height) {
    JSAMPROW row = pixels + stride * image->output_scanline;
    if (jpeg_read_scanlines(image, has_inks ? inks : &row, 1) == 1 && has_inks) convert_inks(inks[0], row, image->output_width, image->saw_Adobe_marker);
  }
  jpeg_finish_decompress(image);
  jpeg_destroy_decompress(image);
  return 0;
}
