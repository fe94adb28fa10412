#!/usr/bin/env python3
"""Holds files that `temper run` and `temper gate` leave against the schemas of their formats, with validators of others' making.

JUnit XML against any number of XML Schemas: those in use are Ant's (github.com/windyroad/JUnit-Schema, JUnit.xsd) and that of Jenkins' xUnit
plugin (github.com/jenkinsci/xunit-plugin, junit-10.xsd). SARIF against the standard's JSON Schema, the one that the tests have. Needs
`pip install xmlschema jsonschema`. Prints a line for each file and schema, and exits with 1 when one does not hold.
"""
import argparse
import json
import pathlib
import sys

import jsonschema
import xmlschema

SARIF = pathlib.Path(__file__).parent.parent / "RobustnessTests/Fixtures/sarif-schema-2.1.0.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="*.xml and *.sarif")
    parser.add_argument("--xsd", action="append", default=[], help="an XML Schema for the *.xml; may be given several times")
    arguments = parser.parse_args()
    sarif = jsonschema.Draft4Validator(json.loads(SARIF.read_text()), format_checker=jsonschema.FormatChecker())
    schemas = [(path, xmlschema.XMLSchema(path)) for path in arguments.xsd]
    faults = 0
    for file in arguments.files:
        if file.endswith(".sarif"):
            found = [(SARIF.name, [error.message for error in sarif.iter_errors(json.load(open(file)))])]
        else:
            found = [(path, [str(error.reason) for error in schema.iter_errors(file)]) for path, schema in schemas]
        for schema, messages in found:
            print(f"{file}: {schema}: {'; '.join(messages) or 'valid'}")
            faults += len(messages)
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
