#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each C file of lib/ opens with its licence and a comment that says what it is."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def is_opened(path):
    first, second = path.read_text(encoding="utf-8").split("\n")[:2]
    return first.startswith("/* SPDX-License-Identifier: ") and second.startswith("/*")


def main():
    files = [path for end in ("c", "h") for path in sorted((ROOT / "lib").rglob(f"*.{end}"))]
    unopened = [path.relative_to(ROOT) for path in files if not is_opened(path)]
    for path in unopened:
        print(f"{path}: no comment after the licence's line says what it is")
    sys.exit(1 if unopened or not files else 0)


main()
