# SPDX-License-Identifier: GPL-2.0-or-later
"""Outcomes as one picture: a row for each client, and for each portal the columns of the table; a tick, a cross, or a dash.

Outcomes of a portal by the same name (its two families, with and without a certificate) become one: a tick stands only
where all of them have one.
"""
import html

from check import BROKEN, MET, NOT_APPLICABLE, UNSEEN
from suite import COLUMNS, NO, UNKNOWN, YES

WIDTH, LEFT, RIGHT, GAP, ROW, TOP, FOOT = 720, 128, 20, 18, 24, 122, 70  # RIGHT: the last head leans over it
SHORT = {"notices": "notices", "sheet opens": "sheet", "notices the login": "login", "notices the expiry": "expiry",
         "notices the revoke": "revoke"}
MARKS = {YES: '<path class="y" d="M{x:.1f} {y}m-6 0l4 5 8-10"/>',
         NO: '<path class="n" d="M{x:.1f} {y}m-5-5l10 10m0-10l-10 10"/>',
         UNKNOWN: '<path class="u" d="M{x:.1f} {y}m-4 0h8"/>'}
STYLE = """<style>text{fill:#1a1d23}.y,.n,.u{fill:none;stroke-width:2.2}.y{stroke:#1a7f37}.n{stroke:#c62828}.u{stroke:#8b949e}
.l{stroke:#d0d7de}.s{fill:#57606a}@media(prefers-color-scheme:dark){text{fill:#eceef2}.y{stroke:#56d364}.n{stroke:#ff7b72}
.l{stroke:#3d444d}.s{fill:#9aa4b0}}</style>"""


def portal(outcome):
    """The name under which outcomes become one."""
    return outcome.name.partition(",")[0]


def worst(cells):
    return next(word for word in (NO, UNKNOWN, YES) if word in cells)


def merge(outcomes):
    """{portal: ({client: {column: cell}}, {number: verdict})}"""
    merged = {}
    for name in dict.fromkeys(map(portal, outcomes)):
        mine = [o for o in outcomes if portal(o) == name]
        clients = {c: {k: worst([o.clients[c][k] for o in mine if c in o.clients]) for k in COLUMNS}
                   for o in mine for c in o.clients}
        verdicts = {r["number"]: [x["verdict"] for o in mine for x in o.requirements if x["number"] == r["number"]]
                    for r in mine[0].requirements}
        merged[name] = clients, {n: next(v for v in (BROKEN, MET, UNSEEN, NOT_APPLICABLE) if v in found)
                                 for n, found in verdicts.items()}
    return merged


def _group(name, x, cell, height):
    """The head of a portal's columns."""
    out = [f'<text x="{x:.1f}" y="46" font-weight="600">{html.escape(name)}</text>']
    for i, column in enumerate(COLUMNS):
        middle = x + cell * (i + 0.5)
        out.append(f'<text class="s" font-size="12" transform="translate({middle + 4:.1f},{TOP - 12}) rotate(-60)">'
                   f"{SHORT[column]}</text>")
    return [*out, f'<path class="l" d="M{x:.1f} {TOP - 4}h{cell * len(COLUMNS):.1f}M{x:.1f} {height}'
                  f'h{cell * len(COLUMNS):.1f}"/>']


def describe(merged):
    """The picture in words."""
    said = []
    for name, (clients, verdicts) in merged.items():
        good = sum(all(cell == YES for cell in row.values()) for row in clients.values())
        said.append(f"{name}: {good} of {len(clients)} clients notice everything, "
                    f"{sum(v == BROKEN for v in verdicts.values())} requirements broken")
    return "; ".join(said)


def draw(outcomes, note=""):
    """SVG; dark screens get light ink."""
    merged = merge(outcomes)
    clients = list(dict.fromkeys(c for rows, _ in merged.values() for c in rows))
    bottom = TOP + ROW * len(clients) + 4
    cell = min(40.0, (WIDTH - LEFT - RIGHT - GAP * (len(merged) - 1)) / (len(COLUMNS) * len(merged)))
    label = html.escape(describe(merged))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + FOOT}" role="img" aria-label="{label}" '
           'font-family="system-ui,sans-serif" font-size="14">', STYLE,
           '<text x="0" y="18" font-weight="600">What devices make of a captive portal</text>']
    out += [f'<text x="0" y="{TOP + ROW * i + 17}">{html.escape(c)}</text>' for i, c in enumerate(clients)]
    for number, (name, (rows, verdicts)) in enumerate(merged.items()):
        x = LEFT + number * (cell * len(COLUMNS) + GAP)
        out += _group(name, x, cell, bottom)
        for i, client in enumerate(clients):
            cells = rows.get(client, dict.fromkeys(COLUMNS, UNKNOWN))
            out += [MARKS[cells[column]].format(x=x + cell * (k + 0.5), y=TOP + ROW * i + 12)
                    for k, column in enumerate(COLUMNS)]
        found = list(verdicts.values())
        out.append(f'<text x="{x:.1f}" y="{bottom + 20}" font-size="12">{found.count(MET)} met, '
                   f"{found.count(BROKEN)} broken</text>")
    out += [f'<text x="0" y="{bottom + 20}" font-size="12">requirements</text>',
            f'<text class="s" x="0" y="{bottom + FOOT - 10}" font-size="12">{html.escape(note)}</text>', "</svg>"]
    return "\n".join(out) + "\n"
