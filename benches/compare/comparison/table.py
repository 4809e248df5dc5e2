"""Figures as text: what was measured, against whom, and what of it may be quoted."""

from .peers import BY_NAME

# Beyond, too much of the proxy's core went to other programs; below, the load left it idle.
MOST_FOREIGN = 0.2
LEAST_WANTED = 0.9

# Whom the others are held against.
_YARDSTICKS = ("haproxy", "nginx", "lakegate-silent")


def of(row, figures):
    """A row for the terminal."""
    lines = [f"{row.name}: {row.title} [{row.unit}]"]
    for name, figure in sorted(figures.items(), key=lambda pair: pair[1].median):
        ratios = "".join(f"  x{ratio:.2f} {other}" for other, ratio in against(name, figures).items())
        spread = f"{figure.low:.2f} to {figure.high:.2f}"
        marks = "".join(f"  ({mark})" for mark in faults(row, figure))
        lines.append(f"  {BY_NAME[name].title:20} {figure.median:8.2f}  ({spread}){ratios}{marks}")
    return "\n".join(lines)


def against(name, figures):
    """Ratios to those who are compared with, where they are in the row."""
    others = (other for other in _YARDSTICKS if other in figures and other != name)
    return {other: figures[name].median / figures[other].median for other in others}


def faults(row, figure):
    """Why a figure is not to be quoted."""
    if figure.foreign > MOST_FOREIGN:
        yield f"disturbed: {figure.foreign:.0%} of its core went to other programs"
    if row.saturates and figure.wanted < LEAST_WANTED:
        yield f"bound by the generator: {figure.wanted:.0%} busy"
