# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole examination of a portal: every client and every requirement, at each stage of a guest's stay.

    before login -> login -> after login -> the session ends -> after expiry -> login -> revoke -> after revoke

A stage that nobody can bring about (no command for it) is left out, and what would have been seen in it is said not to be.
"""
import collections
import contextlib

import check
import rfc_api
import rfc_network
import rfc_notice
import rfc_provision
from device import open_sheet
from models import MODELS, ONLINE, PORTAL, Finding
from subject import AFTER, BEFORE, EXPIRED, REVOKED

CHECKS = (*rfc_notice.CHECKS, *rfc_api.CHECKS, *rfc_provision.CHECKS, *rfc_network.CHECKS)
WANTED = {BEFORE: PORTAL, AFTER: ONLINE, EXPIRED: PORTAL, REVOKED: PORTAL}
YES, NO, UNKNOWN = "yes", "no", "-"
COLUMNS = {"notices": BEFORE, "sheet opens": None, "notices the login": AFTER, "notices the expiry": EXPIRED,
           "notices the revoke": REVOKED}

# login, expire, revoke: functions that bring it about and return when it is so, or None
Commands = collections.namedtuple("Commands", "login expire revoke", defaults=(None, None, None))
# name, family; clients: {client: {column: yes, no or -}}; why: {client: {stage: what it said}}; requirements: [row];
# failed: {client: why it could not be run}
Outcome = collections.namedtuple("Outcome", "name family clients why requirements failed")


class Examination:
    """One portal, one family.  real_clients: classes of real.py."""

    def __init__(self, subject, commands=Commands(), real_clients=(), say=lambda _: None):
        self.subject, self.commands, self.say = subject, commands, say
        self.real_classes, self.real, self.failed = real_clients, [], {}
        self.results, self.sheets = {}, {}

    def look(self, stage):
        subject = self.subject
        world = subject.world(subject.api)
        self.say(stage)
        subject.observe(stage)
        subject.seen[stage]["services"] = rfc_network.observe_services(subject)
        found = {m.name: m.look(world) for m in MODELS}
        for client in [c for c in self.real if c.name not in self.failed]:
            with self.noting_failure(client.name):
                verdict = client.look(subject.family)
                found[client.name] = Finding(verdict, client.sheet if verdict == PORTAL else None, "itself")
        subject.findings[stage] = found
        if stage == BEFORE:
            without = subject.world()
            subject.findings["without an API"] = {m.name: m.look(without) for m in MODELS} if subject.api else found
            self.sheets = {name: open_sheet(world, f.sheet) for name, f in found.items() if f.sheet}

    @contextlib.contextmanager
    def noting_failure(self, name):
        """A program that does not do what its class expects of it ends its row and nothing else."""
        try:
            yield
        except Exception as e:
            self.failed[name] = " ".join(f"{type(e).__name__}: {e}".split())

    def check(self, *stages):
        for row in CHECKS:
            if row.stage in stages:
                self.results[row.number] = check.run(row, self.subject)

    def run(self):
        with contextlib.ExitStack() as stack:
            for c in [c for c in self.real_classes if c.applies(self.subject)]:
                with self.noting_failure(c.name):
                    self.real.append(stack.enter_context(c(self.subject.netns, {self.subject.family: self.subject.address},
                                                           self.subject.ca)))
            self._stages()
        return self

    def _stages(self):
        commands = self.commands
        self.subject.limited = commands.expire is not None or None
        self.look(BEFORE)
        self.check(BEFORE)
        if not commands.login:
            return self.check(AFTER, REVOKED)
        commands.login()
        self.look(AFTER)
        self.check(AFTER)
        if commands.expire:
            commands.expire()
            self.look(EXPIRED)
            if commands.revoke:
                commands.login()
        if commands.revoke:
            commands.revoke()
            self.look(REVOKED)
        return self.check(REVOKED)

    # ---- what came of it

    def _cell(self, client, column):
        stage = COLUMNS[column]
        if stage is None:
            return YES if self.sheets.get(client, (False,))[0] else NO
        if stage not in self.subject.findings:
            return UNKNOWN
        return YES if self.subject.findings[stage][client].verdict == WANTED[stage] else NO

    def outcome(self, name):
        found = self.subject.findings
        seen = [client for client in found[BEFORE] if client not in self.failed]
        clients = {client: {column: self._cell(client, column) for column in COLUMNS} for client in seen}
        clients |= {client: dict.fromkeys(COLUMNS, UNKNOWN) for client in self.failed}
        why = {client: {stage: "{0.verdict}: {0.why}".format(found[stage][client]) for stage in WANTED if stage in found}
               for client in seen}
        for client in [c for c in self.sheets if c in seen]:
            why[client]["sheet"] = self.sheets[client][1]
        rows = [{"number": c.number, "level": c.level, "what": c.what, "verdict": self.results[c.number].verdict,
                 "why": self.results[c.number].why} for c in CHECKS]
        return Outcome(name, self.subject.family, clients, why, rows, self.failed)


def examine(subject, commands=Commands(), name="portal", real_clients=(), say=lambda _: None):
    return Examination(subject, commands, real_clients, say).run().outcome(name)


def problems(outcome):
    """What is not as it should be, one line each."""
    found = [f"{client}: {column}: {cell} ({outcome.why[client]})" for client, row in outcome.clients.items()
             for column, cell in row.items() if cell == NO]
    found += [f"{client}: could not be run: {why}" for client, why in outcome.failed.items()]
    return found + [f"{r['number']} {r['level']} {r['what']}: {r['why']}" for r in outcome.requirements
                    if r["verdict"] == check.BROKEN]


