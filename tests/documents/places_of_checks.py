#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SECURITY.md names where each check stands: the files are there, and so are the functions in them."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def defines(text, function):
    """A C function's definition begins in the first column, or its name follows its type."""
    return re.search(rf"^[a-z].*\b{function}\((?:[^;]*)$", text, re.MULTILINE)


def wrong_places(text):
    for line in text.splitlines():
        if not line.startswith("|"):
            continue
        functions = []
        for name in re.findall(r"`([^`]+)`", line.rpartition("|")[0].rpartition("|")[2]):
            if name.endswith("()"):
                functions.append(name[:-2])
                continue
            path = ROOT / name
            if not path.is_file():
                yield f"there is no file {name}"
                continue
            code = path.read_text(encoding="utf-8")
            yield from (f"{name} has no function {one}()" for one in functions
                        if not defines(code, one))
            functions = []
        yield from (f"no file is named for {one}()" for one in functions)


def main():
    wrong = list(wrong_places((ROOT / "SECURITY.md").read_text(encoding="utf-8")))
    for line in wrong:
        print(f"SECURITY.md: {line}")
    sys.exit(1 if wrong else 0)


main()
