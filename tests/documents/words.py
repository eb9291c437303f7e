#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/words.md: no word stands there twice, and the names that it gives for each are in the code."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CODE = ("include", "lib", "cli")


def rows(text):
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] not in ("word", "verb", "---"):
            yield cells


def main():
    code = "\n".join(path.read_text(encoding="utf-8")
                     for folder in CODE for path in (ROOT / folder).rglob("*.[ch]"))
    wrong, seen = [], set()
    for cells in rows((ROOT / "docs" / "words.md").read_text(encoding="utf-8")):
        wrong += [f"{cells[0]}: stands there twice"] if cells[0] in seen else []
        seen.add(cells[0])
        for name in re.findall(r"`(\w+)…?`", cells[2]) if len(cells) > 2 else ():
            if not re.search(rf"\b{name}", code):
                wrong.append(f"{cells[0]}: no name in the code begins with {name}")
    for line in wrong:
        print(f"docs/words.md: {line}")
    sys.exit(1 if wrong or not seen else 0)


main()
