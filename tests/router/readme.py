# SPDX-License-Identifier: GPL-2.0-or-later
"""What a numbered section of the README tells the reader to do: files to write and commands to run, in its order."""
import collections
import re
import textwrap

Step = collections.namedtuple("Step", "number actions")
File = collections.namedtuple("File", "path text append")
Command = collections.namedtuple("Command", "text")

ITEM = re.compile(r"^(\d+)\. ", re.MULTILINE)
FENCE = re.compile(r"^ *```\n(.*?)^ *```\n", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"\b([Aa]dd to|in|[Ww]rite) `(/[^`]+)`")
THEN = re.compile(r"\bThen ((?:`[^`]+`(?:, | and |, then )?)+)")


def section(text, title):
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f'there is no section "{title}"')
    return found.group(1)


def _said(prose):
    return [Command(c) for chain in THEN.findall(" ".join(prose.split())) for c in re.findall(r"`([^`]+)`", chain)]


def _actions(item):
    """A block is a file if the prose before it names one, else commands; prose says `Then `COMMAND``."""
    actions, at = [], 0
    for fence in FENCE.finditer(item):
        prose, text = item[at:fence.start()], textwrap.dedent(fence.group(1))
        paths = PATH.findall(" ".join(prose.split()))
        actions += _said(prose)
        verb, path = paths[-1] if paths else ("", "")
        actions.append(File(path, text, verb.lower() == "add to") if path else Command(text))
        at = fence.end()
    return actions + _said(item[at:])


def steps(text, title):
    """[Step] of the numbered list in that section."""
    body = section(text, title)
    starts = list(ITEM.finditer(body))
    ends = [s.start() for s in starts[1:]] + [len(body)]
    return [Step(int(start.group(1)), _actions(re.split(r"^(?=\S)", body[start.start():end], flags=re.MULTILINE)[1]))
            for start, end in zip(starts, ends)]
