# SPDX-License-Identifier: GPL-2.0-or-later
"""Medians over the rounds, with their spread, as a table and as a plot."""
import html
import statistics

COLUMNS = (	# heading, key, how it is written
    ("exch/CPU s", "per_cpu_second", "{:,.0f}"),
    ("exch/s", "rate", "{:,.0f}"),
    ("core busy", "gateway_busy", "{:.0%}"),
    ("p50 ms", "p50_ms", "{:.2f}"),
    ("p90 ms", "p90_ms", "{:.2f}"),
    ("p99 ms", "p99_ms", "{:.2f}"),
    ("max ms", "max_ms", "{:.1f}"),
)
LEFT = (
    ("exchanges", "right", "{:,.0f}"),
    ("conntrack", "left_conntrack", "{:,.0f}"),
    ("TIME_WAIT", "left_time_wait", "{:,.0f}"),
    ("open sockets", "left_open", "{:,.0f}"),
    ("memory kB", "left_memory", "{:,.0f}"),
)
STEADY = (
    ("exch/s", "rate", "{:,.0f}"),
    ("core busy", "gateway_busy", "{:.1%}"),
    ("p50 ms", "p50_ms", "{:.3f}"),
    ("p90 ms", "p90_ms", "{:.3f}"),
    ("p99 ms", "p99_ms", "{:.3f}"),
    ("max ms", "max_ms", "{:.2f}"),
)
FLOOD = (
    ("SYNs/s", "flood_rate", "{:,.0f}"),
    ("answered", "success", "{:.1%}"),
    ("in 3 tries", "within_three", "{:.1%}"),
    ("p90 calm ms", "p90_calm", "{:.2f}"),
    ("p90 flood ms", "p90_storm", "{:.2f}"),
    ("p99 calm ms", "p99_calm", "{:.2f}"),
    ("p99 flood ms", "p99_storm", "{:.2f}"),
    ("ratio", "p99_ratio", "{:.2f}"),
    ("core busy", "gateway_busy", "{:.0%}"),
    ("conntrack", "conntrack", "{:,.0f}"),
)


def median(values):
    """The median with the smallest and the largest value."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summarise(rounds):
    """[{figure: value}] -> {figure: median with spread}, of the figures that are numbers."""
    return {key: median([r[key] for r in rounds]) for key, value in rounds[0].items() if isinstance(value, (int, float))}


def ratios(results, key, baseline):
    """{rival: [figures of each round]} -> the ratio of each to the baseline of the same round, which a machine that is slower
    for a while changes less than the figures; median with spread."""
    found = {}
    for name, rounds in results.items():
        both = zip(rounds, results.get(baseline, []))
        if values := [r[key] / base[key] for r, base in both if base[key]]:
            found[name] = median(values)
    return found


def _cell(figure, form):
    text = form.format(figure["median"])
    if figure["max"] > figure["min"] and figure["median"]:
        text += f" ±{(figure['max'] - figure['min']) / 2 / abs(figure['median']):.0%}"
    return text


def table(title, summaries, columns, more=None):
    """more: {heading: {rival: figure}}"""
    more = more or {}
    rows = [["", *(c[0] for c in columns), *more]]
    for name, summary in summaries.items():
        shown = {**summary}
        if "left_memory" in shown:
            shown["left_memory"] = {k: v / 1000 for k, v in shown["left_memory"].items()}
        rows.append([name, *(_cell(shown[key], form) for _, key, form in columns),
                     *(_cell(values[name], "{:.3g}") if name in values else "-" for values in more.values())])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip()
             for row in rows]
    return "\n".join([title, "", *lines, ""])


def plot(summaries, key, title, note):
    """Bars with whiskers from the smallest to the largest round, as SVG; dark screens get light ink."""
    left, right, bar, gap, top = 150, 90, 22, 14, 46
    width, height = 720, top + len(summaries) * (bar + gap) + 34
    room = width - left - right
    most = max(s[key]["max"] for s in summaries.values()) or 1
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
           f'aria-label="{html.escape(title)}" font-family="system-ui,sans-serif" font-size="14">',
           "<style>text,.w{fill:#1a1d23;stroke:none}.w{stroke:#1a1d23}.b{fill:#7f93ad}.o{fill:#1f5fbf}"
           "@media(prefers-color-scheme:dark){text{fill:#eceef2}.w{stroke:#eceef2}.o{fill:#8ab4f8}}</style>",
           f'<text x="0" y="18" font-weight="600">{html.escape(title)}</text>']
    for i, (name, summary) in enumerate(summaries.items()):
        y, value = top + i * (bar + gap), summary[key]
        end, low, high = (left + room * value[k] / most for k in ("median", "min", "max"))
        middle = y + bar / 2
        kind = "o" if name.startswith("portald") else "b"
        out += [f'<text x="{left - 10}" y="{middle + 5}" text-anchor="end">{html.escape(name)}</text>',
                f'<rect class="{kind}" x="{left}" y="{y}" width="{max(end - left, 1):.1f}" height="{bar}"/>',
                f'<path class="w" d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8"/>',
                f'<text x="{max(end, high) + 8:.1f}" y="{middle + 5}">{value["median"]:,.0f}</text>']
    out += [f'<text x="0" y="{height - 8}" font-size="12">{html.escape(note)}</text>', "</svg>"]
    return "\n".join(out) + "\n"
