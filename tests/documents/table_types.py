#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""table_types.py CC… - what <riser/riser.h> says of tables is so: each macro takes an array of
its own kind of row, and makes a table that stands only where its kind belongs. Everything else
is an error, not a warning."""

import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
COMPILER = sys.argv[1:]
BATCH = 15  # lines: compilers stop after some errors


def read_headers():
    """The macros, as (macro, table, row), and where tables stand, as (struct, member, table)."""
    text = "".join((SOURCE / "include/riser" / name).read_text()
                   for name in ("riser.h", "pci.h", "virtio.h"))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    macros = re.findall(r"#define (RISER_\w+)\(a\) RISER_TABLE\((\w+), (\w+), a\)", text)
    tables = [table for _, table, _ in macros]
    places = [(struct, member, table)
              for struct, body in re.findall(r"^struct (\w+) \{(.*?)^\}", text, re.S | re.M)
              for table, member in re.findall(r"struct (\w+) (\w+);", body) if table in tables]
    if len(macros) < 11 or len(places) < 16:
        sys.exit("FAIL the tables of the headers are not found")
    return macros, places


def errors_of(lines, *options):
    """Compiles them, and returns those that have errors; and what the compiler says."""
    done = subprocess.run([*COMPILER, *options, "-fsyntax-only", f"-I{SOURCE}/include",
                           "-xc", "-"], input="\n".join(lines) + "\n",
                          capture_output=True, text=True, check=False)
    numbers = re.findall(r"^<stdin>:(\d+):", done.stderr, re.M) if done.returncode else []
    return {lines[int(number) - 1] for number in numbers}, done.stderr


def arrays(macros):
    lines = ["#include <riser/riser.h>"]
    for _, _, row in macros:
        lines += [f"static const struct {row} rows_of_{row}[2];",
                  f"static struct {row} changed_{row}[2];",
                  f"static const struct {row} *pointer_to_{row};"]
    return [*lines, "static const char *const texts[2];"]


def right_lines(macros, places):
    for macro, kind, row in macros:
        yield f'_Static_assert(sizeof(struct {kind}) == sizeof(void *) + 8, "{kind}");'
        for rows in (f"rows_of_{row}", f"changed_{row}"):
            yield f"static const struct {kind} t_{kind}_{rows} = {macro}({rows});"
            for struct, member, belongs in places:
                if belongs == kind:
                    yield (f"static const struct {struct} {struct}_{member}_{rows} = "
                           f"{{ .{member} = {macro}({rows}) }};")


def wrong_lines(macros, places):
    for struct, member, belongs in places:
        for macro, kind, row in macros:
            if kind != belongs:
                yield (f"static const struct {struct} {struct}_{member}_{kind} = "
                       f"{{ .{member} = {macro}(rows_of_{row}) }};")
    for macro, kind, row in macros:
        others = [f"rows_of_{other}" for _, _, other in macros if other != row]
        for rows in (*others, f"pointer_to_{row}", "texts"):
            yield f"static const struct {kind} t_{kind}_{rows} = {macro}({rows});"


def main():
    macros, places = read_headers()
    start, right = arrays(macros), list(right_lines(macros, places))
    wrong = list(wrong_lines(macros, places))
    for standard in ("c11", "gnu11", "gnu17"):
        found, said = errors_of(start + right, f"-std={standard}", "-Wall", "-Wextra",
                                "-Wpedantic", "-Werror", "-Wno-unused")
        if found or "error" in said:
            sys.exit(f"FAIL as {standard} there are errors in what is right:\n{said}")
    for first in range(0, len(wrong), BATCH):
        batch = wrong[first:first + BATCH]
        found, said = errors_of(start + batch, "-w")
        if found != set(batch):
            sys.exit("\n".join(["FAIL not the lines that are wrong are errors, but others:",
                                *sorted(found ^ set(batch)), said]))
    print(f"ok   {len(macros)} kinds of table in {len(places)} places: {len(right)} lines are "
          f"taken, {len(wrong)} are not")


main()
