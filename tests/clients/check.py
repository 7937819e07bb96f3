# SPDX-License-Identifier: GPL-2.0-or-later
"""What a check of a requirement is: a row of a table, with its number, and a function of the portal that says one of four
things.  What cannot be seen from a guest is said to be UNSEEN; it is never called met.
"""
import collections
import functools

import device
from subject import AFTER

MET, BROKEN, NOT_APPLICABLE, UNSEEN = "met", "broken", "does not apply", "not checked"
MUST, SHOULD, MAY, NOTE = "MUST", "SHOULD", "MAY", "note"  # NOTE: an RFC describes it without such a word

Result = collections.namedtuple("Result", "verdict why")
# stage: when it is looked at; look(subject) -> Result
Check = collections.namedtuple("Check", "number level what stage look")


def met(why=""):
    return Result(MET, why)


def broken(why):
    return Result(BROKEN, why)


def not_applicable(why):
    return Result(NOT_APPLICABLE, why)


def unseen(why):
    return Result(UNSEEN, why)


def verdict(is_met, why_not, why=""):
    return met(why) if is_met else broken(why_not)


def run(check, subject):
    """A portal that does not answer where an answer is needed breaks what is looked at."""
    try:
        return check.look(subject)
    except (device.Failure, OSError, ValueError, KeyError) as e:
        return broken(f"{type(e).__name__}: {e}")


def where_there_is_an_api(look):
    """Else the check does not apply."""
    @functools.wraps(look)
    def wrapped(subject):
        return look(subject) if subject.api else not_applicable("no captive portal API is named by DHCP or by --api")
    return wrapped


def after_a_login(look):
    """Unseen if nobody logged in."""
    @functools.wraps(look)
    def wrapped(subject):
        return look(subject) if AFTER in subject.seen else unseen("needs a login")
    return wrapped


def at_511(look):
    """The check is of a 511, look(subject, notice): it does not apply to a portal that answers otherwise."""
    @functools.wraps(look)
    def wrapped(subject):
        notice = subject.stranger_s_page()
        if notice.status != 511:
            return not_applicable(f"strangers get status {notice.status}")
        return look(subject, notice)
    return wrapped
