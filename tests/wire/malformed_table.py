#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""malformed_table.py PROGRAM DOCUMENT [--write] - the table that PROGRAM prints of what it tests is
the one in DOCUMENT. --write puts it there."""

import difflib
import pathlib
import subprocess
import sys

MARK = "<!-- From here on printed by tests/wire/test_malformed.c. -->\n"


def main():
    program, document = sys.argv[1], pathlib.Path(sys.argv[2])
    printed = subprocess.run([program, "--table"], check=True, capture_output=True, text=True).stdout
    text = document.read_text(encoding="utf-8")
    words, mark, table = text.partition(MARK)
    if not mark:
        sys.exit(f"{document}: the line '{MARK.strip()}' is missing; put it where the table begins")
    if sys.argv[3:] == ["--write"]:
        document.write_text(words + MARK + printed, encoding="utf-8")
        return
    changed = list(difflib.unified_diff(table.splitlines(), printed.splitlines(),
                                        str(document), "what is tested", lineterm=""))
    if changed:
        print("\n".join(changed))
        sys.exit(f"{document} does not show what is tested; mend it with: "
                 f"tests/wire/malformed_table.py {program} {document} --write")


main()
