#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws what `make bench` found: plot.py BENCH.json... OUT.svg

A bar a line, from 0 to the ratio against the floor, with a mark where its target is. Lines
without a floor are compared with their target. Without any dependency."""
import html
import json
import sys

LINE, TOP, LABEL, SCALE, RIGHT = 22, 58, 330, 300, 250
MOST = 1.6  # bars are cut there
STYLE = """
  text { font: 13px sans-serif; fill: #222 }
  .head { font-weight: bold }
  .small { font-size: 11px; fill: #666 }
  .met { fill: #4a8f5c }
  .missed { fill: #c2703d }
  .plain { fill: #5b7fa6 }
  .grid { stroke: #ddd }
  .one { stroke: #888 }
  .target { stroke: #222; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd } .small { fill: #999 } .grid { stroke: #444 } .target { stroke: #eee }
  }
"""


def text(x, y, what, kind="", anchor="start"):
    return (f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">'
            f"{html.escape(what)}</text>")


def line(x, top, bottom, kind):
    return f'<line x1="{x}" x2="{x}" y1="{top}" y2="{bottom}" class="{kind}"/>'


def amount(value, unit):
    """A number as people write it."""
    prefix = ""
    for prefix in ("", "k", "M", "G"):
        if abs(value) < 9999.5 or prefix == "G" or unit == "ns":
            break
        value /= 1000
    digits = 2 if value < 9.995 else 1 if value < 999.5 else 0
    return f"{value:.{digits}f} {prefix}{unit}".replace(" /", "/").strip()


def place(ratio):
    return LABEL + min(ratio, MOST) * SCALE


def bar(figure, y):
    target = figure.get("least", figure.get("most"))
    has_floor = "floor" in figure
    ratio = figure["ratio"] if has_floor else figure["ours"] / target if target else 0
    kind = "plain" if target is None else "met" if figure["met"] else "missed"
    said = amount(figure["ours"], figure["unit"])
    if has_floor:
        said = f"{ratio:.2f}   {said}, floor {amount(figure['floor'], figure['unit'])}"
    elif target is not None:
        said += f", {'at most' if 'most' in figure else 'at least'} " \
                f"{amount(target, figure['unit'])}"
    out = [text(LABEL - 10, y + 14, figure["name"].strip(), "", "end"),
           f'<rect x="{LABEL}" y="{y + 3}" width="{max(place(ratio) - LABEL, 1):.1f}" '
           f'height="{LINE - 7}" class="{kind}"/>']
    if target:
        out.append(line(place(target if has_floor else 1), y, y + LINE - 1, "target"))
    out.append(text(LABEL + MOST * SCALE + 10, y + 14, said, "small"))
    return out


def draw(run, top):
    machine, figures = run["machine"], run["figures"]
    bottom = top + TOP + LINE * len(figures)
    out = [text(10, top + 20, f"{machine['cpu']}, {machine['cores']} cores, "
                f"Linux {machine['kernel']}", "head"),
           text(LABEL, top + 38, "ratio against the floor; the mark is the target", "small")]
    for tenth in range(0, int(MOST * 10) + 1, 2):
        x = place(tenth / 10)
        out.append(line(x, top + TOP - 4, bottom, "one" if tenth == 10 else "grid"))
        out.append(text(x, top + TOP - 6, f"{tenth / 10:g}", "small", "middle"))
    for n, figure in enumerate(figures):
        out += bar(figure, top + TOP + n * LINE)
    return out, bottom + 20


def main(argv):
    if len(argv) < 3:
        sys.exit(__doc__)
    body, height = [], 0
    for path in argv[1:-1]:
        with open(path, encoding="utf-8") as file:
            drawn, height = draw(json.load(file), height)
        body += drawn
    width = LABEL + MOST * SCALE + RIGHT
    with open(argv[-1], "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" '
                   f'width="{width:g}" height="{height}">\n<style>{STYLE}</style>\n')
        file.write("\n".join(body) + "\n</svg>\n")
    print(f"{argv[-1]}: drawn")


if __name__ == "__main__":
    main(sys.argv)
