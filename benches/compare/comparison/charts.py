"""Charts as SVG, by hand: light enough to be read in a diff, and for either colour scheme."""

from math import ceil, floor, log10

WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 40, 50
COLOURS = ("#d9480f", "#1971c2", "#2f9e44", "#7048e8", "#868e96", "#e8590c", "#0c8599", "#f08c00", "#495057")


def lines(title, across, up, series):
    """`series`: by name, a list of (x, y). Both axes are logarithmic; an x of 0 stands at the left edge."""
    xs = sorted({x for points in series.values() for x, _ in points})
    ys = [y for points in series.values() for _, y in points]
    first = min((x for x in xs if x > 0), default=1)
    span = (log10(first / 10) if xs[0] == 0 else floor(log10(first)), ceil(log10(max(xs))) or 1)
    rise = (floor(log10(min(ys))), ceil(log10(max(ys) * 1.05)))

    def place(x, y):
        along = (log10(x) if x > 0 else span[0]) - span[0]
        return (
            LEFT + along / (span[1] - span[0]) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (log10(y) - rise[0]) / (rise[1] - rise[0]) * (HEIGHT - TOP - BOTTOM),
        )

    body = [_text(LEFT, 22, f"{title}, {up}", weight="bold")]
    for power in range(ceil(span[0]), span[1] + 1):
        x, _ = place(10**power, 10 ** rise[0])
        body += [_line(x, TOP, x, HEIGHT - BOTTOM), _text(x, HEIGHT - BOTTOM + 18, _short(10**power), "middle")]
    for power in range(rise[0], rise[1] + 1):
        _, y = place(first, 10**power)
        body += [_line(LEFT, y, WIDTH - RIGHT, y), _text(LEFT - 8, y + 4, _short(10**power), "end")]
    body += [_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, across, "middle")]
    for colour, (name, points) in zip(COLOURS, series.items()):
        placed = [place(x, y) for x, y in sorted(points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
    for row, (colour, name) in enumerate(zip(COLOURS, series)):
        body += [f'<rect x="{WIDTH - RIGHT + 12}" y="{TOP + 20 * row}" width="10" height="10" fill="{colour}"/>']
        body += [_text(WIDTH - RIGHT + 28, TOP + 9 + 20 * row, name)]
    return _svg(body, HEIGHT)


def bars(title, unit, values):
    """`values`: by name, a number; the least first."""
    ordered = sorted(values.items(), key=lambda pair: pair[1])
    height = TOP + 26 * len(ordered) + 20
    most = ordered[-1][1]
    body = [_text(12, 22, f"{title}, {unit}", weight="bold")]
    for row, (name, value) in enumerate(ordered):
        y, width = TOP + 26 * row, value / most * (WIDTH - 260)
        colour = COLOURS[0] if name == "lakegate" else COLOURS[4]
        body += [_text(160, y + 13, name, "end"), f'<rect x="168" y="{y}" width="{width:.1f}" height="18" fill="{colour}"/>']
        body += [_text(174 + width, y + 13, f"{value:.1f}")]
    return _svg(body, height)


def _svg(body, height):
    style = "<style>text{font:12px sans-serif;fill:#495057}@media(prefers-color-scheme:dark){text{fill:#ced4da}}</style>"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
    return "\n".join([head, style, *body, "</svg>\n"])


def _text(x, y, text, anchor="start", weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{text}</text>'


def _line(x1, y1, x2, y2):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#adb5bd" stroke-width="0.5"/>'


def _short(number):
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g} {letter}"
    return f"{number:g}"
