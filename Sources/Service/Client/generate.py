"""Writes ClientText.swift from the files beside it that clients download, so that the executable has them within it: python3 generate.py"""

import pathlib

folder = pathlib.Path(__file__).parent
text = (folder / "temper_load.py").read_text()
assert '\\' not in text and "##" not in text and text.endswith("\n")
# A text of three double quotes ends at three double quotes and a number sign.
(folder / "ClientText.swift").write_text(
    "// Written by generate.py from temper_load.py. A test holds it to that.\n// swift-format-ignore-file\n\n"
    f'let temperLoadPy = #"""\n{text}"""#\n')
