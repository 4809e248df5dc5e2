"""`docs/performance.md`: prose is written there by hand, and what stands between its marks is written here."""

import re

from . import charts, exchanges, table
from .peers import BY_NAME as PEER
from .peers import PEERS
from .place import ROOT
from .rows import ROWS, SERIES

DOCUMENT = ROOT / "docs/performance.md"
FOLDER = ROOT / "docs/performance"


def write(figures):
    """Every part for which there are figures."""
    text = DOCUMENT.read_text()
    for name, part in (("machine", _machine), ("rows", _rows), ("peers", _peers), ("memory", _memory), ("growth", _growth)):
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = mark.sub(lambda found: f"{found[1]}\n{part(figures)}\n{found[2]}", text)
    DOCUMENT.write_text(text)
    _chart_rows(figures)


def _machine(figures):
    machine = figures.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['processor']}; {machine['system']}. {versions}. Measured {figures.period()}.\n"


def _rows(figures):
    """Ours against the peers that count, and whether the goal is met."""
    lines = ["| | ours | HAProxy | nginx | Envoy | ours / HAProxy | ours / nginx | goal | |", "| --- " * 9 + "|"]
    for row in ROWS:
        measured = figures.row(row.name)
        if not measured:
            continue
        cells = [_cell(row, measured.get(name)) for name in ("lakegate", "haproxy", "nginx", "envoy")]
        ratios = [_ratio(row, measured, name) for name in ("haproxy", "nginx")]
        unit = "us" if row.unit == "us" else "CPU s/GiB"
        lines.append(f"| {row.title}, {unit} | {' | '.join(cells + ratios)} | {_goal(row)} | {_verdict(row, measured, figures)} |")
    return "\n".join(lines) + "\n"


def _peers(figures):
    """Every peer in the rows that have most of them."""
    names = [row.name for row in ROWS if figures.row(row.name)]
    lines = ["| | what it does | " + " | ".join(f"`{name}`" for name in names) + " |", "| --- " * (len(names) + 2) + "|"]
    for peer in PEERS:
        cells = [_cell(row, figures.row(row.name).get(peer.name), spread=True) for row in ROWS if figures.row(row.name)]
        if any(cells):
            lines.append(f"| {peer.title} | {peer.work} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(row, figure, spread=False):
    if not figure:
        return ""
    mark = "†" if any(table.faults(row, figure)) else ""
    return f"{figure.median:.2f}{mark}" + (f" ({figure.low:.2f} to {figure.high:.2f})" if spread else "")


def _ratio(row, measured, name):
    if name not in measured:
        return ""
    doubtful = any(any(table.faults(row, measured[peer])) for peer in ("lakegate", name))
    return f"{table.against('lakegate', measured)[name]:.2f}" + ("†" if doubtful else "")


def _goal(row):
    goal = row.goal
    if not goal.most or goal.of == "best":
        return "the best peer's" if goal.of else ""
    if not goal.of:
        return f"{goal.most:g} us"
    return f"{goal.most:g} x " + (PEER[goal.of].title if goal.of in PEER else f"`{goal.of}`")


def _verdict(row, measured, figures):
    ours = measured["lakegate"]
    if not row.goal.most:
        return ""
    if any(table.faults(row, ours)):
        return "not quoted"
    return "met" if ours.median <= row.goal.most * _measure(row.goal.of, measured, figures) else "missed"


def _measure(of, measured, figures):
    """What a goal is a multiple of."""
    if of == "best":
        return min(figure.median for name, figure in measured.items() if not name.startswith("lakegate"))
    if of in PEER:
        return measured[of].median
    return figures.row(of)["lakegate"].median if of else 1


def _memory(figures):
    lines = ["| | lakegate | HAProxy | nginx | Envoy | goal |", "| --- " * 6 + "|"]
    for way, title, goal in (("plain", "plain", 10), ("tls", "TLS", 25)):
        if held := figures.other("idle", way):
            cells = " | ".join(f"{held[name]:.1f}" for name in ("lakegate", "haproxy", "nginx", "envoy"))
            lines.append(f"| an idle connection, {title}, KiB | {cells} | {goal} |")
    for count in ("100000", "1000000"):
        if held := figures.other("tokens", count):
            lines.append(f"| a cached token at {int(count):,} subjects, bytes | {held:.0f} | | | | 1,600 |")
    if took := figures.other("latency", "half"):
        mark = "†" if took["foreign"] > table.MOST_FOREIGN else ""
        for quantile, title in (("p50_us", "p50"), ("p99_us", "p99")):
            cells = " | ".join(f"{took[name][quantile]:.0f}{mark}" for name in ("lakegate", "haproxy", "nginx"))
            lines.append(f"| added at {took['rate']:,.0f} requests/s, {title}, us | {cells} | | HAProxy's |")
    return "\n".join(lines) + "\n"


def _growth(figures):
    parts = []
    for name, (across, points) in SERIES.items():
        series = {}
        for x, row in points.items():
            for peer, figure in figures.row(row.name).items():
                series.setdefault(PEER[peer].title, []).append((x, figure.median))
        if series:
            parts.append(_picture(f"growth-{name}", charts.lines(f"CPU time per request by {across}", across, "us", series)))
    parts.append(_picture("growth-exchanges", _exchange_chart(figures)))
    parts.append(_exchange_table(figures))
    return "\n".join(parts)


def _exchange_chart(figures):
    subjects = [10**n for n in range(2, 8)]
    lives = (("5 min", 300), ("1 h", 3600))
    series = {
        f"{life}, {replicas} replica{'s' * (replicas > 1)}": [(count, exchanges.computed(count, seconds, replicas)) for count in subjects]
        for life, seconds in lives
        for replicas in (1, 100)
    }
    if measured := figures.other("exchanges", "rates"):
        series["measured, 15 s"] = [(rate["subjects"], rate["measured"]) for rate in measured if rate["lifetime"] == 15]
    return charts.lines("exchanges at the token endpoint", "subjects that are active all the time", "1/s", series)


def _exchange_table(figures):
    lines = ["| subjects | a token lives, s | exchanges/s, measured | computed |", "| --- " * 4 + "|"]
    for rate in figures.other("exchanges", "rates") or []:
        lines.append(f"| {rate['subjects']:,} | {rate['lifetime']} | {rate['measured']:.1f} | {rate['computed']:.1f} |")
    for subjects, replicas in ((1_000_000, 1), (10_000_000, 1), (10_000_000, 100)):
        rate = exchanges.computed(subjects, 3600, replicas)
        lines.append(f"| {subjects:,} at {replicas} replica{'s' * (replicas > 1)} | 3600 | | {rate:,.0f} |")
    return "\n".join(lines) + "\n"


def _chart_rows(figures):
    for name in ("h1-64", "h1-256"):
        if measured := figures.row(name):
            row = next(row for row in ROWS if row.name == name)
            values = {PEER[peer].title: figure.median for peer, figure in measured.items()}
            (FOLDER / f"{name}.svg").write_text(charts.bars(row.title, "CPU us per request", values))


def _picture(name, svg):
    (FOLDER / f"{name}.svg").write_text(svg)
    return f"![{name}](performance/{name}.svg)\n"
