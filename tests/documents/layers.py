#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files include what the table of docs/architecture.md lets their folder include; nothing in lib/ includes itself."""

import fnmatch
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HEADING = "## Who may know whom"
# What is held to the table. Drivers and programs for the guest are not: they are the kernel's and the guest's.
FOLDERS = ["include/riser", "lib", "qemu/adapter", "cli", "devices"]
NOT_OURS = re.compile(r"devices/[^/]*/(driver|guest)/")
# Where the compiler looks, after the file's own folder.
SEARCHED = ["lib", "include", "cli"]


def read_table():
    """{folder, or pattern of folders: the folders and files that it may include}"""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = {}
    for line in text.partition(HEADING)[2].partition("\n\n|")[2].partition("\n\n")[0].splitlines():
        cells = line.strip("|").split("|")
        may = [re.sub("^<(.*)>$", r"include/\1", name) for name in re.findall("`([^`]+)`", cells[-1])]
        for folder in re.findall("`([^`]+)`", cells[0]):
            table[folder.rstrip("/").replace("NAME", "*")] = may
    return table


def read_includes():
    """{file: the files of ours that it includes}, all from the root."""
    includes = {}
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.[ch]")):
        name = path.relative_to(ROOT).as_posix()
        if NOT_OURS.match(name):
            continue
        found = re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)', path.read_text(encoding="utf-8"), re.MULTILINE)
        includes[name] = list(filter(None, (find(path, mark, header) for mark, header in found)))
    return includes


def find(path, mark, header):
    """The header from the root, or None: it is the system's, QEMU's, or made by the build."""
    for folder in ([path.parent] if mark == '"' else []) + [ROOT / place for place in SEARCHED]:
        file = (folder / header).resolve()
        if file.is_file() and ROOT in file.parents:
            return file.relative_to(ROOT).as_posix()
    return None


def is_in(name, folder):
    """Whether a file is in the folder, or is what stands for it."""
    return fnmatch.fnmatch(name, folder) or fnmatch.fnmatch(name, folder + "/*")


def row_of(table, name):
    """The nearest folder around the file that has a line in the table, or None."""
    return max((folder for folder in table if is_in(name, folder)), key=len, default=None)


def find_strangers(table, includes):
    for name, headers in includes.items():
        row = row_of(table, name)
        if row is None:
            yield f"{name}: the table has no line for its folder"
            continue
        for header in headers:
            if row_of(table, header) != row and not any(is_in(header, may) for may in table[row]):
                yield f"{name} includes {header}, which the table does not let {row} do"


def find_nobodies(table):
    """Names in the table that are no more."""
    for name in sorted(set(table) | {may for row in table.values() for may in row}):
        if not any(ROOT.glob(name)):
            yield f"the table has {name}, which is not there"


def find_cycle(graph):
    """The nodes of a cycle, the first again at the end; or an empty list."""
    done, way = set(), []

    def visit(node):
        if node in way:
            return way[way.index(node):] + [node]
        if node in done:
            return []
        way.append(node)
        cycle = next(filter(None, map(visit, graph.get(node, ()))), [])
        way.pop()
        done.add(node)
        return cycle

    return next(filter(None, map(visit, sorted(graph))), [])


def find_cycles(table, includes):
    """One of files, and one of folders, which need no file to include itself for theirs."""
    files = {name: headers for name, headers in includes.items() if name.startswith("lib/")}
    folders = {}
    for name, headers in files.items():
        row = row_of(table, name)
        folders.setdefault(row, set()).update({row_of(table, header) for header in headers} - {row, None})
    for graph in files, folders:
        cycle = find_cycle(graph)
        if cycle:
            yield "each of these includes the next: " + ", ".join(cycle)


def main():
    table, includes = read_table(), read_includes()
    wrong = [*find_nobodies(table), *find_strangers(table, includes), *find_cycles(table, includes)]
    for line in wrong:
        print(f"docs/architecture.md: {line}")
    sys.exit(1 if wrong else 0)


main()
