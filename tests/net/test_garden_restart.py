# SPDX-License-Identifier: GPL-2.0-or-later
"""What host names have opened in the walled garden, over a start of portald: it stays open until the end that was told, neither
longer nor shorter, if its name is still listed, and everything else is closed.

Guests of the lab are strangers here.  nameserver.py says what stands behind the names.
"""
import os
import re
import time

import pytest

import gateway
from conftest import families
from guest import assert_cut
from namespace import wait_until
from resolvers import ask, connects, opened, pool, reload, shut
from test_flush import flush, restored_by
from test_garden_trouble import LONG, MIDDLE, OTHER, STEADY, key, lab, lacking, opens, opens_nothing, resolver, zone  # noqa: F401
from test_takeover import VERSIONS, version

NAMES = ("steady", "twin", "middle", "long", "never")
SHARE = 128  # nft/opened.h
ROUNDING = 0.1  # seconds: nft/garden_set.c
FREE = {4: "203.0.113.", 6: "2001:db8:ff::"}  # and a number: nobody's


@pytest.fixture(scope="module")
def gw(lab):
    return gateway.Gateway(lab, zone(*NAMES))


@pytest.fixture
def g1(gw, lab, resolver):
    guest = lab.add_guest("g1")
    if not gw.process.alive():
        gw.write_config(zone(*NAMES))
        gw.start()
    shut(gw, guest, zone(*NAMES))
    yield guest
    assert not gw.process.alive() or guest.is_stranger()


def told(gw, family):
    """(address, protocol, port) -> the name that opened it and the end that was told for it."""
    return opened(gw, family, "comment")


def end(gw, family, number):
    """Seconds, CLOCK_MONOTONIC."""
    return int(told(gw, family)[key(family, number)].split()[1]) / 1000


def restart(gw):
    """Seconds that the start takes."""
    gw.stop()
    begun = time.monotonic()
    gw.start()
    return time.monotonic() - begun


def kernels_end(lab, family, number):
    """When the kernel closes it: no earlier than this, no later than that.  Seconds, CLOCK_MONOTONIC."""
    begun = time.monotonic()
    listing = lab.check("gw", ["nft", "list", "set", "inet", "portald", f"z_guest_names{family}"])
    done = time.monotonic()
    left = re.search(rf"{pool(family, number)[0]} timeout \S+ expires (\S+)", listing).group(1)
    seconds = sum(int(n) * {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}[unit]
                  for n, unit in re.findall(r"(\d+)(ms|[dhms])", left))
    return begun + seconds, done + seconds


def change_elements(lab, family, text):
    """While portald is down; NAMES and PORTS are the zone's sets."""
    lab.nft(re.sub(r"NAMES|PORTS", lambda m: f"inet portald z_guest_{m.group().lower()}{family}", text))


@families
def test_the_end_is_what_was_told(lab, gw, g1, family):
    """Over starts, a flush and a reload between them; connections go on."""
    opens(gw, g1, "steady", family, STEADY)
    with g1.download(family, *pool(family, STEADY)) as flow:
        flow.wait_progress(flow.STEP)
        opens(gw, g1, "middle", family, MIDDLE)
        before = told(gw, family)
        assert before.keys() == {key(family, STEADY), key(family, MIDDLE)}
        ends = end(gw, family, MIDDLE)
        restart(gw)
        restored_by(gw, lambda: flush(lab))
        gw.reload_now()
        took = restart(gw)
        assert told(gw, family) == before
        for number in (STEADY, MIDDLE):
            earliest, latest = kernels_end(lab, family, number)
            assert latest >= end(gw, family, number) - ROUNDING, "never shorter"
            assert earliest <= end(gw, family, number) + took, "it is set while portald starts"
        was_open = False
        while True:
            begun = time.monotonic()
            open_ = connects(g1, *pool(family, MIDDLE))
            if time.monotonic() < ends - ROUNDING:
                assert open_
                was_open = True
            elif begun > ends + took:
                assert not open_
                break
        assert was_open
        assert told(gw, family) == {key(family, STEADY): before[key(family, STEADY)]}
        flow.wait_progress(flow.STEP)
        assert not flow.error


@families
def test_it_ends_while_portald_is_down(gw, g1, family):
    opens(gw, g1, "steady", family, STEADY)
    opens(gw, g1, "middle", family, MIDDLE)
    before = told(gw, family)
    gw.stop()
    assert connects(g1, *pool(family, MIDDLE))
    wait_until(lambda: not connects(g1, *pool(family, MIDDLE)), 30.0, "it is closed")
    gw.start()
    assert told(gw, family) == {key(family, STEADY): before[key(family, STEADY)]}
    assert not connects(g1, *pool(family, MIDDLE)) and connects(g1, *pool(family, STEADY))


@families
def test_a_name_is_taken_off_the_list(gw, g1, family):
    """While portald is down; the others stay, wherever they stand in the list, and so do their connections."""
    opens(gw, g1, "steady", family, STEADY)
    opens(gw, g1, "long", family, LONG)
    before = told(gw, family)
    with g1.download(family, *pool(family, STEADY)) as flow, g1.download(family, *pool(family, LONG)) as control:
        flow.wait_progress(flow.STEP)
        gw.stop()
        assert_cut([], [flow, control])
        gw.write_config(zone("other", "never", "long", "middle"))
        gw.start()
        assert_cut([flow], [control])
        assert told(gw, family) == {key(family, LONG): before[key(family, LONG)]}
        assert connects(g1, *pool(family, LONG)) and not connects(g1, *pool(family, STEADY))
        opens(gw, g1, "other", family, OTHER)
        opens_nothing(gw, g1, "steady", family, STEADY)
        gw.stop()
        gw.write_config(zone(*NAMES))
        gw.start()
        assert told(gw, family) == {key(family, LONG): before[key(family, LONG)]}, "nothing that was closed opens by itself"
        control.wait_progress(control.STEP)
        assert not control.error


@families
def test_all_names_are_taken_off_the_list(gw, g1, family):
    opens(gw, g1, "steady", family, STEADY)
    gw.stop()
    gw.write_config(re.sub('walled-garden = ".*"', "walled-garden = none", zone(*NAMES)))
    gw.start()
    assert not opened(gw, family) and not connects(g1, *pool(family, STEADY))


@families
def test_a_port_is_changed(gw, g1, family):
    address, = pool(family, STEADY)
    lists = [zone("never", "middle").replace("never.", f"steady.garden.example{port} never.")
             for port in ("", ":443/tcp", ":22/tcp", "")]
    reload(gw, lists[0])
    opens(gw, g1, "steady", family, STEADY)
    for list_ in lists[1:]:
        gw.stop()
        gw.write_config(list_)
        gw.start()
        assert not opened(gw, family) and not connects(g1, address) and not connects(g1, address, 22)
        wait_until(lambda: ask(g1, "steady.garden.example", family) and opened(gw, family), what="it opens")
        before = told(gw, family)
        restart(gw)
        assert told(gw, family) == before
        open_ports = {port for port in (443, 22) if connects(g1, address, port)}
        assert open_ports == {p for _, _, port in before for p in ([port] if port else (443, 22))}


@families
def test_two_names_of_one_address(gw, g1, family):
    """It is open until the last end that was told, and goes with the name for which it was told."""
    opens(gw, g1, "twin", family, STEADY)
    assert told(gw, family)[key(family, STEADY)].startswith("twin.garden.example ")
    opens(gw, g1, "steady", family, STEADY)
    ask(g1, "twin.garden.example", family)
    before = told(gw, family)
    assert before[key(family, STEADY)].startswith("steady.garden.example ")
    reload(gw, zone("never", "twin"))
    assert told(gw, family)[key(family, STEADY)].startswith("twin.garden.example "), "a reload knows both"
    reload(gw, zone(*NAMES))
    wait_until(lambda: ask(g1, "steady.garden.example", family)
               and told(gw, family)[key(family, STEADY)].startswith("steady."), what="it opens again")
    before = told(gw, family)
    gw.stop()
    gw.write_config(zone("never", "steady"))
    gw.start()
    assert told(gw, family) == before and connects(g1, *pool(family, STEADY))
    gw.stop()
    gw.write_config(zone("never", "twin"))
    gw.start()
    assert not opened(gw, family) and not connects(g1, *pool(family, STEADY))


@families
def test_what_is_not_portald_s(lab, gw, g1, family):
    """Elements of an older version, which says nothing of names, and of others are closed."""
    opens(gw, g1, "steady", family, STEADY)
    opens(gw, g1, "long", family, LONG)
    before = told(gw, family)
    gw.stop()
    now = round(1000 * time.monotonic())
    a, (free, other) = FREE[family], pool(family, LONG, OTHER)
    loopback = {4: "127.0.0.1", 6: "::1"}[family]
    comment = f'comment "steady.garden.example {now + 60000}"'
    change_elements(lab, family, f"""
        delete element NAMES {{ {free} }}
        add element NAMES {{ {free} timeout 1h }}
        add element NAMES {{ {other} comment "steady.garden.example {now + 3600000}" }}
        add element NAMES {{ {a}201 timeout 30s {comment} }}
        add element NAMES {{ {a}202 timeout 1h comment "steady.garden.example {now - 1}" }}
        add element NAMES {{ {a}203 timeout 1m comment "other.garden.example {now + 60000}" }}
        add element NAMES {{ {a}204 timeout 1m comment "whatever" }}
        add element NAMES {{ {loopback} timeout 1m {comment} }}
        add element PORTS {{ {a}205 . tcp . 443 timeout 1m {comment} }}
        add element NAMES {{ {a}206 timeout 1m {comment} }}
    """)
    assert connects(g1, other)
    gw.start()
    kept = {key(family, STEADY): before[key(family, STEADY)],
            (f"{a}206", None, None): f"steady.garden.example {now + 60000}"}  # as portald itself would have made it
    assert told(gw, family) == kept
    assert connects(g1, *pool(family, STEADY)) and not connects(g1, free) and not connects(g1, other)


@families
def test_a_name_has_its_share(lab, gw, g1, family):
    """The limit holds over the start, for each name, and for what comes after it."""
    gw.stop()
    until = round(1000 * time.monotonic()) + 600000
    change_elements(lab, family, "".join(
        f'add element NAMES {{ {FREE[family]}{n} timeout 600s comment "{name}.garden.example {until}" }}\n'
        for name, numbers in (("steady", range(100, 110 + SHARE)), ("long", range(10, 20))) for n in numbers))
    gw.start()
    names = [comment.split()[0] for comment in told(gw, family).values()]
    assert names.count("steady.garden.example") == SHARE and names.count("long.garden.example") == 10
    opens_nothing(gw, g1, "steady", family, STEADY)
    assert gw.log_lines(f"more than {SHARE} addresses open")
    opens(gw, g1, "long", family, LONG)


@families
def test_somebody_flushes_it_while_portald_is_down(lab, gw, g1, family):
    """Then nobody knows what was open."""
    opens(gw, g1, "steady", family, STEADY)
    gw.stop()
    with lab.hole():
        flush(lab)
        gw.start()
    assert not opened(gw, family) and not connects(g1, *pool(family, STEADY))
    assert not gw.log_lines("cannot be read")
    opens(gw, g1, "steady", family, STEADY)


@pytest.mark.parametrize("other", ["a set's size", "a set more", "no comment"])
def test_another_version(gw, g1, tmp_path_factory, other):
    """Whose sets are defined otherwise, newer or older: the tables are made anew."""
    folder = tmp_path_factory.mktemp("version")
    os.chmod(folder.parent, 0o755)
    versions = [version(folder, VERSIONS[other]), gw.portald]
    for family in (4, 6):
        opens(gw, g1, "steady", family, STEADY)
    before = told(gw, 4), told(gw, 6)
    for portald in versions:
        gw.stop()
        gw.portald = portald
        gw.start()
        assert (told(gw, 4), told(gw, 6)) == before
        assert all(connects(g1, *pool(family, STEADY)) for family in (4, 6))


def test_what_cannot_be_read_is_closed(gw, g1):
    """tests/net/old_kernel.c makes the kernel refuse to tell."""
    for family in (4, 6):
        opens(gw, g1, "steady", family, STEADY)
    with lacking(gw, "names", zone(*NAMES)):
        assert gw.log_lines("what host names had opened of its walled garden cannot be read, and is closed")
        for family in (4, 6):
            assert not opened(gw, family) and not connects(g1, *pool(family, STEADY))
            opens(gw, g1, "steady", family, STEADY)
