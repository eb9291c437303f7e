#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""api.py HEADER PAGE [SECTION…] - a manual page of the API, in scdoc, made from a header.

The header's comments are the contract; this puts each of them behind the declarations it
precedes. Without a SECTION the whole header is the page.
"""

import re
import sys


def escape(text):
    return re.sub(r"([*_\\<>\[\]#~`])", r"\\\1", text)


def sections(text):
    """Name and body of each `/* ---- NAME ---- */`; the body before the first one has no name."""
    parts = re.split(r"/\* -{4} (.+?) -{3,} \*/\n", text)
    return [("", parts[0]), *zip(parts[1::2], parts[2::2])]


def paragraphs(comment):
    lines = [re.sub(r"^\s*/?\*+/? ?", "", line).removesuffix("*/").rstrip()
             for line in comment.splitlines()]
    # A line that begins with an errno is no list.
    return "\n".join(re.sub("^-", "\\\\-", escape(line).lstrip()) for line in lines).strip()


def split(body):
    """A comment at the left edge begins an item; it ends at the next one."""
    pieces = re.split(r"(?m)^(?=/\*)", body)
    for piece in pieces:
        match = re.match(r"(?s)(/\*.*?\*/\n)?(.*)", piece)
        yield match[1] or "", match[2].strip("\n")


def clean(body):
    return re.sub(r"(?m)^#(pragma|ifdef|ifndef|endif|include|define RISER_[A-Z]+_H).*\n"
                  r"|^extern \"C\" \{\n|^\}\n(?=#endif|\Z)", "", body)


def main():
    header, page, *wanted = sys.argv[1:]
    text = open(header, encoding="utf-8").read()
    name = header.rsplit("/", 1)[-1]
    chosen = [(title, clean(body)) for title, body in sections(text)
              if not wanted or title in wanted]
    about = ", ".join(wanted).lower() if wanted else f"<riser/{name}>"
    print(f"{page}(3)\n\n# NAME\n\n{page} - riser's API: {escape(about)}\n")
    print(f"# SYNOPSIS\n\n*#include <riser/{'riser.h' if name == 'pci.h' else name}>*\n")
    for title, body in chosen:
        print(f"# {(title or 'description').upper()}\n")
        for comment, code in split(body):
            if "SPDX" in comment:
                continue
            if comment:
                print(paragraphs(comment) + "\n")
            if code:
                print("```\n" + code.replace("\t", "    ") + "\n```\n")
    print("# SEE ALSO\n\n*riser*(1)")


main()
