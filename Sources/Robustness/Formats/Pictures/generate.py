"""Writes BitmapFontBytes.swift from X11's 6x13 font ("Public domain font. Share and enjoy."), as in Debian's xfonts-base:
python3 generate.py /usr/share/fonts/X11/misc/6x13-ISO8859-1.pcf.gz"""

import base64
import gzip
import pathlib
import struct
import sys

WIDTH, HEIGHT = 6, 13
data = gzip.open(sys.argv[1]).read()
count = struct.unpack("<I", data[4:8])[0]
tables = {kind: offset for kind, _, _, offset in (struct.unpack("<4I", data[8 + 16 * i : 24 + 16 * i]) for i in range(count))}


def order(offset):
    """The byte order of a table, and its format."""
    form = struct.unpack("<I", data[offset : offset + 4])[0]
    return (">" if form & 4 else "<"), form


# The glyph of each code: PCF_BDF_ENCODINGS (32).
offset = tables[32]
end, _ = order(offset)
first, last, *_ = struct.unpack(end + "5h", data[offset + 4 : offset + 14])
glyphs = struct.unpack(end + f"{last - first + 1}H", data[offset + 14 : offset + 14 + 2 * (last - first + 1)])
# Its metrics, compressed: PCF_METRICS (4). Bearings and ascents are bytes around 128.
offset = tables[4]
end, form = order(offset)
assert form & 0x100, "the metrics are not compressed"
number = struct.unpack(end + "h", data[offset + 4 : offset + 6])[0]
metrics = [tuple(byte - 128 for byte in data[offset + 6 + 5 * i : offset + 11 + 5 * i]) for i in range(number)]
# Its bits: PCF_BITMAPS (8).
offset = tables[8]
end, form = order(offset)
number = struct.unpack(end + "I", data[offset + 4 : offset + 8])[0]
starts = struct.unpack(end + f"{number}I", data[offset + 8 : offset + 8 + 4 * number])
bits = offset + 8 + 4 * number + 16
padding = 1 << (form & 3)
ascent = 11

rows = bytearray()
for code in [*range(32, 127), *range(160, 256)]:
    glyph = glyphs[code - first]
    left, right, _, up, down = metrics[glyph]
    cell = [0] * HEIGHT
    stride = (right - left + 8 * padding - 1) // (8 * padding) * padding
    for row in range(up + down):
        start = bits + starts[glyph] + row * stride
        line = int.from_bytes(data[start : start + 1], "big")
        if not form & 8:
            line = int(f"{line:08b}"[::-1], 2)
        place = ascent - up + row
        if 0 <= place < HEIGHT:
            cell[place] = (line >> left) & 0xFF if left >= 0 else (line << -left) & 0xFF
    rows += bytes(cell)
text = base64.b64encode(bytes(rows)).decode()
lines = [text[start : start + 136] for start in range(0, len(text), 136)]
source = "// Written by generate.py: a byte for each row of 13, the leftmost pixel highest, of the characters 32 to 126 and 160 to 255.\n"
source += 'let bitmapFontPacked = """\n' + "\n".join("  " + line for line in lines) + '\n  """\n'
pathlib.Path(__file__).with_name("BitmapFontBytes.swift").write_text(source)
