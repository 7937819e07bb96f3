# SPDX-License-Identifier: GPL-2.0-or-later
"""Outcomes as text for a terminal, and as JSON."""
import os
import sys

from check import BROKEN, MET, NOT_APPLICABLE, UNSEEN
from suite import COLUMNS, NO, YES

SHADES = {YES: "32", NO: "31", MET: "32", BROKEN: "31", NOT_APPLICABLE: "2", UNSEEN: "33"}
WIDTH = 100  # characters of a reason


def has_colours(stream):
    return stream.isatty() and not os.environ.get("NO_COLOR")


def shade(word, width, colours):
    text = word.ljust(width)
    return f"\033[{SHADES[word]}m{text}\033[0m" if colours and word in SHADES else text


def shorten(text):
    return text if len(text) <= WIDTH else text[:WIDTH - 3] + "..."


def clients(outcome, colours=False):
    widths = [max(len(c) for c in (*outcome.clients, "client")) + 2, *(len(column) + 2 for column in COLUMNS)]
    lines = ["".join(cell.ljust(w) for cell, w in zip(("client", *COLUMNS), widths)).rstrip()]
    for client, row in outcome.clients.items():
        if client in outcome.failed:
            lines.append(shorten(f"{client.ljust(widths[0])}could not be run: {outcome.failed[client]}"))
            continue
        cells = [client.ljust(widths[0]), *(shade(row[c], w, colours) for c, w in zip(COLUMNS, widths[1:]))]
        lines.append("".join(cells).rstrip())
    return lines


def alike(rows):
    """Neighbours that say the same for the same reason, together: [[row...]...]"""
    groups = []
    for row in rows:
        if groups and row["why"] and (row["verdict"], row["why"]) == (groups[-1][0]["verdict"], groups[-1][0]["why"]):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def requirements(outcome, colours=False):
    """A line each, with the reason below it; those that say the same for the same reason share it."""
    lines = []
    for group in alike(outcome.requirements):
        lines += [f"{shade(row['verdict'], 14, colours)}  {row['number']:>2} {row['level']:6} {row['what']}" for row in group]
        why = " ".join(str(group[0]["why"]).split())
        if why:
            lines.append(" " * 26 + shorten(why))
    return lines


def counts(outcome):
    """{verdict: how many requirements}"""
    verdicts = [r["verdict"] for r in outcome.requirements]
    return {v: verdicts.count(v) for v in (MET, BROKEN, NOT_APPLICABLE, UNSEEN)}


def summary(outcome):
    return "requirements: " + ", ".join(f"{count} {verdict}" for verdict, count in counts(outcome).items())


def text(outcome, colours=None):
    """colours: by default, if it goes to a terminal."""
    colours = has_colours(sys.stdout) if colours is None else colours
    title = f"{outcome.name}, IPv{outcome.family}"
    return "\n".join([title, "=" * len(title), "", *clients(outcome, colours), "", *requirements(outcome, colours), "",
                      summary(outcome), ""])


def document(outcomes):
    """What is written as JSON."""
    return {"outcomes": [{**o._asdict(), "counts": counts(o)} for o in outcomes]}
