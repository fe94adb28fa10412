"""Writes the pictures of this folder and `expected.json`, what Pillow makes of each: python3 generate.py (needs numpy and Pillow).

All are drawn by this script; nothing is taken from elsewhere. `expected.json` holds, for each picture, its shape and its pixels in hexadecimal after
its EXIF orientation, without transparency, and the same brought to other sizes by Pillow's BILINEAR."""

import io
import json
import pathlib
import struct
import zlib

import numpy
from PIL import Image, ImageOps

here = pathlib.Path(__file__).parent
generator = numpy.random.default_rng(11)
height, width = 9, 14
y, x = numpy.mgrid[0:height, 0:width]
colour = numpy.stack([x * 18, y * 28, 255 - x * 9 - y * 12], -1) + generator.integers(-20, 20, (height, width, 3))
colour = numpy.clip(colour, 0, 255).astype(numpy.uint8)
picture = Image.fromarray(colour)
grey = picture.convert("L")
alpha = Image.fromarray(numpy.clip(x * 25, 0, 255).astype(numpy.uint8))
expected = {}


def png(samples, depth, kind, interlaced=False):
    """A PNG of raw samples [height, width, channels], by hand: Pillow writes neither 16 bits of colour nor interlaced ones."""
    def rows(part):
        return b"".join(b"\0" + row.astype(">u2" if depth == 16 else ">u1").tobytes() for row in part)
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    parts = [samples[a::c, b::d] for a, b, c, d in passes] if interlaced else [samples]
    data = b"".join(rows(part) for part in parts if part.size)
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, kind, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def encoded(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def put(name, data, wanted=None):
    (here / name).write_bytes(data)
    if wanted is None:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        wanted = image.convert("L" if image.mode in ("1", "L", "LA", "I;16") else "RGB")
    def hexadecimal(image):
        return numpy.asarray(image).tobytes().hex()
    sizes = {f"{h},{w}": hexadecimal(wanted.resize((w, h), Image.BILINEAR)) for h, w in ((5, 7), (20, 31), (9, 3), (1, 1))}
    expected[name] = {"shape": [wanted.height, wanted.width, len(wanted.getbands())], "pixels": hexadecimal(wanted), "resized": sizes}


put("colour.jpg", encoded(picture, "JPEG", quality=90))
put("progressive.jpg", encoded(picture, "JPEG", quality=80, progressive=True))
put("grey.jpg", encoded(grey, "JPEG", quality=90))
inks = encoded(picture.convert("CMYK"), "JPEG", quality=95)
put("cmyk-adobe.jpg", inks)
# Without Adobe's mark the inks are as they are: the same picture has the complements of what Adobe's has.
raw = Image.fromarray(255 - numpy.asarray(picture.convert("CMYK")), "CMYK")
plain = encoded(raw, "JPEG", quality=95)
mark = plain.index(b"\xff\xee")
plain = plain[:mark] + plain[mark + 2 + struct.unpack(">H", plain[mark + 2:mark + 4])[0]:]
put("cmyk-plain.jpg", plain, Image.open(io.BytesIO(inks)).convert("RGB"))
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    put(f"orientation-{orientation}.jpg", encoded(picture, "JPEG", quality=95, exif=exif))
exif = Image.Exif()
exif[0x0112] = 6
put("orientation.png", encoded(picture, "PNG", exif=exif))
put("orientation.webp", encoded(picture, "WEBP", exif=exif))

put("colour.png", encoded(picture, "PNG"))
put("grey.png", encoded(grey, "PNG"))
put("one-bit.png", encoded(grey.convert("1"), "PNG"))
put("palette.png", encoded(picture.quantize(16), "PNG"))
put("palette-transparent.png", encoded(picture.quantize(16), "PNG", transparency=3))
transparent = picture.copy()
transparent.putalpha(alpha)
put("transparent.png", encoded(transparent, "PNG"))
grey_transparent = grey.copy()
grey_transparent.putalpha(alpha)
put("grey-transparent.png", encoded(grey_transparent, "PNG"))
deep = numpy.minimum(colour.astype(int) * 257 + 3, 65535).astype(numpy.uint16)
put("sixteen-bit.png", png(deep, 16, 2), picture)
deep_grey = numpy.asarray(grey).astype(numpy.uint16)[..., None] * 257
put("sixteen-bit-grey.png", png(deep_grey, 16, 0), grey)
put("interlaced.png", png(colour, 8, 2, interlaced=True), picture)

put("lossy.webp", encoded(picture, "WEBP", quality=80))
put("lossless.webp", encoded(picture, "WEBP", lossless=True))
put("transparent.webp", encoded(transparent, "WEBP", lossless=True, exact=True))

# Larger, so that shrinking takes many weights.
large = numpy.clip(generator.normal(128, 60, (67, 101, 3)), 0, 255).astype(numpy.uint8)
put("large.png", encoded(Image.fromarray(large), "PNG"))

(here / "expected.json").write_text(json.dumps(expected, separators=(",", ":"), sort_keys=True) + "\n")

# What is refused: an animation; the others the tests make of these by cutting and changing them.
(here / "animated.webp").write_bytes(encoded(picture, "WEBP", save_all=True, append_images=[picture.rotate(180)]))
