# SPDX-License-Identifier: MIT
"""The soak's samples as an SVG: memory, descriptors and threads of each server over time."""

COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b"]
WIDTH, HEIGHT, LEFT, TOP, GAP = 960, 150, 90, 50, 45
PANELS = [("pss_kib", "memory (PSS), KiB"), ("anonymous_kib", "of it private, KiB"),
          ("fds", "descriptors"), ("threads", "threads")]


def text(x, y, words, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{words}</text>'


def corners(points):
    """Without the points in the middle of a level stretch."""
    return [point for i, point in enumerate(points)
            if i in (0, len(points) - 1)
            or not points[i - 1][1] == point[1] == points[i + 1][1]]


def extremes(points, duration):
    """The least and the most of each stretch: more than that cannot be seen."""
    stretches = {}
    for point in points:
        stretches.setdefault(int(point[0] / duration * WIDTH / 3), []).append(point)
    return [point for stretch in stretches.values()
            for point in sorted({min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1])})]


def panel(top, title, series, duration):
    """One diagram: `series` is a list of (seconds, value) for each server."""
    most = max((value for points in series for _, value in points), default=1) or 1
    out = [f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" class="frame"/>',
           text(LEFT, top - 8, title, 'class="title"')]
    for share in 0, 0.5, 1:
        y = top + HEIGHT * (1 - share / 1.1)
        out.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        out.append(text(LEFT - 8, y + 4, f"{most * share:,.1f}".removesuffix(".0"),
                        'text-anchor="end"'))
    for points, colour in zip(series, COLOURS):
        path = " ".join(f"{LEFT + WIDTH * at / duration:.1f},"
                        f"{top + HEIGHT * (1 - value / most / 1.1):.1f}" for at, value in corners(extremes(points, duration)))
        out.append(f'<polyline points="{path}" stroke="{colour}" class="line"/>')
    return out


def draw(names, samples, kills, duration, columns):
    """`samples`: (seconds, name, values in the order of `columns`); `kills`: seconds."""
    height = TOP + len(PANELS) * (HEIGHT + GAP) + 20
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {height}" '
           'font-family="sans-serif" font-size="12">',
           "<style>.frame{fill:none;stroke:#888}.grid{stroke:#ddd}.title{font-weight:bold}"
           ".line{fill:none;stroke-width:1.2}.kill{stroke:#888}</style>",
           '<rect width="100%" height="100%" fill="white"/>']
    for i, (name, colour) in enumerate(zip(names, COLOURS)):
        out.append(text(LEFT + 150 * i, 18, name, f'fill="{colour}" class="title"'))
    out.append(text(LEFT + WIDTH, 18, "ticks: a guest's QEMU is killed", 'text-anchor="end"'))
    for i, (column, title) in enumerate(PANELS):
        top = TOP + i * (HEIGHT + GAP)
        ticks = "".join(f"M{LEFT + WIDTH * at / duration:.1f} {top}v6" for at in kills)
        out.append(f'<path d="{ticks}" class="kill"/>')
        series = [[(at, values[columns.index(column)]) for at, who, values in samples if who == name]
                  for name in names]
        out += panel(top, title, series, duration)
    for share in range(0, 11, 2):
        out.append(text(LEFT + WIDTH * share / 10, height - 25, f"{duration * share / 10:.0f} s",
                        'text-anchor="middle"'))
    return "\n".join([*out, "</svg>\n"])
