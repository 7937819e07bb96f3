# SPDX-License-Identifier: GPL-2.0-or-later
"""Who leaves a gateway with thousands of neighbours and tens of thousands of connections: all of the guest's connections are
cut, whatever part of the tables names it, and nobody else's; others are served while the tables are read."""
import contextlib
import os
import re
import signal
import threading
import time

import pytest

from guest import bracket, parse_page, up_address
from lab import UP
from namespace import ip_batch, wait_until
from test_end import entry

NEIGHBOURS = 3000  # of each family
MINE = 97  # each such one is another address of the guest's
FLOWS = 6  # of each address
PORT = 9  # upstream's, of all flows here
TRIES = 20

UNUSED = {4: "10.9.{high}.{low}", 6: "2001:db8:9::{high:x}:{low:x}"}


def addresses(family):
    return [UNUSED[family].format(high=1 + (n >> 8), low=n & 255) for n in range(NEIGHBOURS)]


def add_neighbours(lab, guest):
    """Permanent ones, which the kernel does not count against gc_thresh3; returns the guest's addresses."""
    lines, mine = [], set(guest.all_addresses)
    for family in (4, 6):
        for n, address in enumerate(addresses(family)):
            mac = f"02:00:00:09:{n >> 8:02x}:{n & 255:02x}"
            if n % MINE == MINE - 1:
                mac = guest.mac
                mine.add(address)
            lines.append(f"neigh replace {address} lladdr {mac} nud permanent dev br-guest")
    ip_batch(lab.name("gw"), lines)
    return mine


def add_flows(lab, guests, families=(4, 6)):
    """FLOWS connections of each address, half of them begun by upstream, and no others."""
    lines, path = [], os.path.join(lab.folder, "flows")
    for family in families:
        for address in addresses(family) + [g.addresses[family] for g in guests]:
            for n in range(FLOWS):
                mine, up = f"{address} --sport {1000 + n}", f"{UP[family]} --dport {PORT}"
                if n % 2:
                    mine, up = f"{address} --dport {1000 + n}", f"{UP[family]} --sport {PORT}"
                source, destination = (up, mine) if n % 2 else (mine, up)
                lines.append(f"-I -p udp -t 1000 -s {source} -d {destination}\n")
    with open(path, "w", encoding="ascii") as f:
        f.writelines(lines)
    lab.check("gw", ["conntrack", "-F"])
    lab.check("gw", ["conntrack", "-R", path], timeout=60)
    assert len(flows(lab)) == len(lines)


def flows(lab):
    wanted = {f"sport={PORT}", f"dport={PORT}"}
    return {e for e in map(entry, lab.conntrack()) if wanted & set(e)}


def is_of(flow, mine):
    return any(word.split("=")[1] in mine for word in flow if word.startswith(("src=", "dst=")))


@pytest.fixture(scope="module")
def room():
    """For so many connections, which the machine has once for all namespaces."""
    path, needed = "/proc/sys/net/netfilter/nf_conntrack_max", 4 * NEIGHBOURS * FLOWS
    with open(path, "r+", encoding="ascii") as f:
        before = int(f.read())
        if before < needed:
            f.write(str(needed))
            f.flush()
        yield
        if before < needed:
            f.write(str(before))


@pytest.fixture(scope="module")
def large(lab, gw, room):
    """A guest that some of the neighbours are, and its addresses."""
    g1 = lab.add_guest("g1")
    lab.add_guest("g2")
    return g1, add_neighbours(lab, g1)


def revoke(gw, guest):
    assert gw.revoke(guest)["revoked"] == 1


def log_out(_, guest):
    page = guest.reach(f"http://{bracket(guest.gateway[6])}/status")
    if not parse_page(page).forms:
        page = guest.get(f"http://{bracket(guest.gateway[6])}/logout")
    assert guest.post_form(page).status in (200, 303)


@pytest.mark.parametrize("leave", [revoke, log_out])
def test_all_of_one_guest_and_nobody_else_s(lab, gw, large, leave):
    (g1, mine), g2 = large, lab.guests["g2"]
    g1.login(4)
    assert g1.opens(6)  # now the gateway knows both addresses
    gw.grant(g2)
    add_flows(lab, (g1, g2))
    before = flows(lab)
    assert sum(is_of(flow, mine) for flow in before) == FLOWS * len(mine)
    leave(gw, g1)
    after = flows(lab)
    assert not {flow for flow in after if is_of(flow, mine)}
    assert after == {flow for flow in before if not is_of(flow, mine)}
    assert g1.is_stranger() and g2.is_online()


def is_dumping(gate):
    """A socket of netfilter's in the gateway is in the middle of a dump (Dump in /proc/net/netlink)."""
    with open(f"/proc/{gate}/net/netlink", encoding="ascii") as f:
        return any(line.split()[1] == "12" and line.split()[6] != "0" for line in list(f)[1:])


def let_run(gate):
    """For a moment; it is stopped before and after that."""
    os.kill(gate, signal.SIGCONT)
    time.sleep(0.001)
    os.kill(gate, signal.SIGSTOP)
    with open(f"/proc/{gate}/stat", encoding="ascii") as f:
        wait_until(lambda: f.seek(0) == 0 and f.read().rsplit(")", 1)[1].split()[0] == "T", what="the gate is stopped")


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def at_work(do):
    thread = threading.Thread(target=do)
    thread.start()
    yield thread
    thread.join()


def logs_in_during_a_dump(lab, gw, large, guest, family):
    """True: when some of the connections of the one that leaves were cut, the guest asked, and was let in before all were."""
    def left():
        return sum(is_of(flow, mine) for flow in flows(lab))

    def stops_in_the_dump():
        let_run(gate)
        return is_dumping(gate) and left() < before

    def is_let_in():
        let_run(gate)
        return re.search(f"login: {guest.mac}", gw.log()[seen:])

    gate, seen, (leaver, mine) = gw.pids()["portald-gate"][0], len(gw.log()), large
    add_flows(lab, (), families=(6,))
    gw.grant(leaver)
    before = left()
    page = guest.login_page(family, up_address(family))
    with contextlib.ExitStack() as workers, stopped(gate):
        revoking = workers.enter_context(at_work(lambda: gw.revoke(leaver)))
        wait_until(lambda: stops_in_the_dump() or not revoking.is_alive(), 60, "the gate reads the connections",
                   pause=0, pause_max=0)
        workers.enter_context(at_work(lambda: guest.post_form(page)))
        time.sleep(0.2)  # it is with the gate
        wait_until(is_let_in, 60, "the guest is let in", pause=0, pause_max=0)
        between = left() > 0
    assert guest.is_online() and leaver.is_stranger()
    gw.revoke(guest)
    return between


@pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
def test_a_login_does_not_wait_for_the_tables(lab, gw, large, family):
    """Seen once is enough: the gate, which is let run for moments, may now and then do much in one of them.  All is in one
    of the two tables: the time between them would do else."""
    g3 = lab.add_guest("g3")
    assert any(logs_in_during_a_dump(lab, gw, large, g3, family) for _ in range(TRIES))
