# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the integration tests.  One lab for each test module, and one portald in it unless a test starts its own.

Every lab records what arrives upstream, and is judged when it is taken down: no packet of a stranger's, and none to a
forbidden address.  The end of the run says how many labs there were.  Modules may run side by side (pytest-xdist,
--dist loadfile): each has its own namespaces.
"""
import os
import signal
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

pytest.register_assert_rewrite("gateway", "guest", "lab")

import gateway  # noqa: E402
import lab as lab_module  # noqa: E402
from hooks import families, pytest_collection_modifyitems, pytest_configure  # noqa: E402, F401

for key, value in gateway.SANITIZER.items():
    os.environ.setdefault(key, value)

captured = []  # for each lab that was taken down, the packets seen upstream


def _interrupted(number, frame):
    raise KeyboardInterrupt


@pytest.fixture(scope="session", autouse=True)
def accounts():
    signal.signal(signal.SIGTERM, _interrupted)
    gateway.add_accounts()
    lab_module.remove_stale()


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["captured"] = captured


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    captured.extend(getattr(node, "workeroutput", {}).get("captured", []))


def pytest_terminal_summary(terminalreporter):
    if captured:
        terminalreporter.write_line(f"{len(captured)} labs, {sum(captured)} packets seen upstream")
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties if report.when == "call" else ():
            terminalreporter.write_line(f"{report.nodeid}: {name}: {value}")


def finish_capture(the_lab):
    """Takes the lab's verdict, and asserts it."""
    the_lab.flush_capture()
    leaks, seen = the_lab.leaks(), len(the_lab.capture.packets())
    dropped = the_lab.capture.finish()
    captured.append(seen)
    assert seen > 0, "a capture that saw nothing proves nothing"
    assert dropped == 0, f"the capture is not whole: {dropped} packets lost"
    assert not leaks, f"strangers' packets upstream: {leaks[:5]}"


@pytest.fixture(scope="module")
def make_lab():
    """make_lab(**options): a lab with its capture running; judged and taken down at the module's end."""
    made = []

    def make(**options):
        the_lab = lab_module.Lab(**options)
        made.append(the_lab)
        the_lab.start_capture()
        return the_lab

    yield make
    problems = []
    for the_lab in made:
        try:
            finish_capture(the_lab)
        except AssertionError as e:
            problems.append(str(e))
        finally:
            reports = [p.output() for p in the_lab.processes if any(r in p.output() for r in gateway.REPORTS)]
            the_lab.close()
        problems += reports
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab()


@pytest.fixture(scope="module")
def gw(lab):
    """portald with one zone, "guest"."""
    return gateway.Gateway(lab)


@pytest.fixture
def fresh(gw):
    """No session before the test, none after it."""
    gw.revoke_all()
    yield gw
    if gw.process and gw.process.alive():
        gw.revoke_all()


CLOSED = "table inet lab_closed { chain forward { type filter hook forward priority -300; policy drop; }; }\n"


@pytest.fixture
def own_gateway(lab):
    """own_gateway(config): a portald for this test alone, with its tables removed afterwards.  The network is shut until the
    next one runs: what a guest's kernel sends again of an old connection would be a stranger's packet upstream."""
    made = []

    def make(config=gateway.ONE_ZONE, **options):
        made.append(gateway.Gateway(lab, config, **options))
        lab.nft(CLOSED + "delete table inet lab_closed\n")
        return made[-1]

    yield make
    lab.nft(CLOSED)
    for the_gateway in made:
        the_gateway.close()
        the_gateway.teardown()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what portald said."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.when == "call":
        for the_gateway in [v for v in getattr(item, "funcargs", {}).values() if isinstance(v, gateway.Gateway)]:
            report.sections.append(("portald's log", "\n".join(the_gateway.log().splitlines()[-40:])))
