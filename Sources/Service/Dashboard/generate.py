"""Writes DashboardText.swift from the files of Page/, so that the executable has the dashboard within it: python3 generate.py"""

import pathlib

folder = pathlib.Path(__file__).parent
source = "// Written by generate.py from the files of Page/. A test holds it to them.\n// swift-format-ignore-file\n"
for file in sorted((folder / "Page").iterdir()):
    text = file.read_text()
    assert '"""##' not in text and text.endswith("\n"), file
    name = "".join(part.capitalize() if place else part for place, part in enumerate(file.name.replace(".", "-").split("-")))
    source += f'\nlet {name} = ##"""\n{text}"""##\n'
(folder / "DashboardText.swift").write_text(source)
