# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables and the picture say what the outcomes say."""
import json
import re
import xml.etree.ElementTree

from check import BROKEN, MET, NOT_APPLICABLE, UNSEEN
from picture import draw, merge
from report import clients, document, requirements, text
from suite import COLUMNS, NO, UNKNOWN, YES, Outcome, problems


def outcome(name="ours", family=4, cells=None, verdicts=(MET, BROKEN, NOT_APPLICABLE, UNSEEN), failed=None):
    rows = {client: {**dict.fromkeys(COLUMNS, YES), **changed} for client, changed in (cells or {"A": {}}).items()}
    said = [{"number": n + 1, "level": "MUST", "what": f"thing {n + 1}", "verdict": v, "why": f"why <{n + 1}>"}
            for n, v in enumerate(verdicts)]
    return Outcome(name, family, rows, {client: {} for client in rows}, said, failed or {})


def test_text_without_colours():
    said = text(outcome(cells={"A": {}, "B": {"notices": NO, "sheet opens": UNKNOWN}}), colours=False)
    assert "\033" not in said and said.startswith("ours, IPv4\n")
    assert re.search(r"^B +no +- +yes +yes +yes$", said, re.MULTILINE)
    assert "broken           2 MUST   thing 2\n" in said
    assert said.rstrip().endswith("requirements: 1 met, 1 broken, 1 does not apply, 1 not checked")


def test_text_with_colours():
    """The same words, shaded."""
    for make in (clients, requirements):
        shaded = make(outcome(), colours=True)
        assert "\033" in "".join(shaded)
        plain = [re.sub(r"\033\[\d*m", "", line).rstrip() for line in shaded]
        assert plain == [line.rstrip() for line in make(outcome(), colours=False)]


def test_a_reason_that_is_shared_is_said_once():
    one = outcome(verdicts=[NOT_APPLICABLE] * 3)
    for row in one.requirements:
        row["why"] = "no API"
    lines = requirements(one)
    assert len(lines) == 4 and lines[-1].strip() == "no API"


def test_problems():
    found = problems(outcome(cells={"A": {"notices": NO}, "B": {"notices": UNKNOWN}}))
    assert len(found) == 2 and found[0].startswith("A: notices: no") and found[1].startswith("2 MUST thing 2")


def test_a_client_that_could_not_be_run():
    """A row of its own in the tables, marks of nobody's in the picture, and a problem."""
    found = outcome(cells={"A": {}, "B": dict.fromkeys(COLUMNS, UNKNOWN)}, verdicts=[MET], failed={"B": "RuntimeError: no bus"})
    assert re.search("^B +could not be run: RuntimeError: no bus$", text(found, colours=False), re.MULTILINE)
    assert problems(found) == ["B: could not be run: RuntimeError: no bus"]
    assert "ours: 1 of 2 clients notice everything" in draw([found])
    assert json.loads(json.dumps(document([found])))["outcomes"][0]["failed"] == {"B": "RuntimeError: no bus"}


def test_json():
    read = json.loads(json.dumps(document([outcome()])))["outcomes"][0]
    assert read["clients"]["A"]["notices"] == YES
    assert read["counts"] == {MET: 1, BROKEN: 1, NOT_APPLICABLE: 1, UNSEEN: 1}


def test_merge_takes_the_worst():
    """A tick stands where all have one; a requirement is broken if it is anywhere, and met if it is where it applies."""
    both = [outcome("ours", 4, {"A": {}, "B": {}}, (MET, MET, NOT_APPLICABLE)),
            outcome("ours, certificate", 6, {"A": {"notices": NO}, "B": {"notices": UNKNOWN}}, (BROKEN, NOT_APPLICABLE, MET))]
    (rows, verdicts), = merge(both).values()
    assert (rows["A"]["notices"], rows["B"]["notices"], rows["A"]["sheet opens"]) == (NO, UNKNOWN, YES)
    assert list(verdicts.values()) == [BROKEN, MET, MET]


def test_picture():
    """A mark for each cell, and words for those who do not see it; well-formed, and no wider than a README."""
    root = xml.etree.ElementTree.fromstring(draw([outcome("a < b", cells={"A": {"notices": NO}, "B": {"notices": UNKNOWN}}),
                                                  outcome("other")], "note & more"))
    marks = [e.get("class") for e in root.iter() if e.get("class") in ("y", "n", "u")]
    assert (marks.count("n"), marks.count("u")) == (1, 1 + len(COLUMNS)), "the other has no B"
    assert marks.count("y") == 3 * len(COLUMNS) - 2
    assert root.get("viewBox").startswith("0 0 720 ") and "a < b: 0 of 2 clients notice everything" in root.get("aria-label")
    assert "other: 1 of 1 clients notice everything, 1 requirements broken" in root.get("aria-label")
