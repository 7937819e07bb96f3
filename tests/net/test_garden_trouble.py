# SPDX-License-Identifier: GPL-2.0-or-later
"""Host names in the walled garden while something goes wrong: a process of portald dies or hangs, somebody flushes the ruleset,
the list changes, the NFQUEUE is another program's, the kernel has none.  What is open stays so until its TTL, nothing opens
that should not, and strangers' questions are answered.  (For starts see test_garden_restart.py.)

Guests of the lab are strangers here.  nameserver.py says what stands behind the names.
"""
import contextlib
import os
import signal
import socket
import struct
import threading

import pytest

import dnswire
import gateway
from conftest import families
from guest import assert_cut
from lab import UP
from namespace import SLOW, inside, open_socket, wait_until
from resolvers import Upstream, ask, connects, opened, pool, reload, shut, wait_closed
from test_death import VICTIMS, nothing_passes
from test_flush import flush, restored_by

ADDRESSES = "203.0.113.2:123/udp [2001:db8:ff::2]:123/udp"
NAMES = ("steady", "brief", "long", "short", "never")
PORT = 9999  # nobody else uses it
FIRST, WORKERS = 7, 2  # queues; the one of DNS answers is behind them
ANSWERS = FIRST + WORKERS
QUEUE_LENGTH = 64  # nft/answers.c
STEADY, BRIEF, MIDDLE, LONG, OTHER = 6, 7, 5, 3, 2  # of the pool
TROUBLE = "host names of walled gardens, and the hosts of the certificate, stay closed to strangers"


def zone(*names, more=""):
    garden = " ".join([ADDRESSES, *(f"{name}.garden.example" for name in names or NAMES)])
    return f"""
zone "guest" {{
  interface = "br-guest"
  connection-limit = 1000
  dns-limit = 20000
  walled-garden = "{garden}"
  {more}
}}
"""


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(dnsmasq=False)


@pytest.fixture(scope="module")
def resolver(lab):
    return Upstream(lab).resolver("dnsmasq")


@pytest.fixture(scope="module")
def gw(lab):
    return gateway.Gateway(lab, zone(), f"queue-first = {FIRST}\nworkers = {WORKERS}\n")


@pytest.fixture
def g1(gw, lab, resolver):
    guest = lab.add_guest("g1")
    if not gw.process.alive():
        gw.write_config(zone())
        gw.start()
    shut(gw, guest, zone())
    yield guest
    assert not gw.process.alive() or guest.is_stranger()


def key(family, number):
    return (*pool(family, number), None, None)


def opens(gw, guest, name, family, number):
    """The name is asked for until its address is open: after a reload the first answer may come before the web worker has
    the list, and one from the resolver's cache may be about to end."""
    wait_until(lambda: ask(guest, f"{name}.garden.example", family) and key(family, number) in opened(gw, family)
               and connects(guest, *pool(family, number)), what=f"{name} opens")


def opens_nothing(gw, guest, name, family, number):
    before = opened(gw, family).keys()
    assert ask(guest, f"{name}.garden.example", family)[0][0] == pool(family, number)[0]
    assert not connects(guest, *pool(family, number))
    assert opened(gw, family).keys() <= before


def held(gw):
    """How many answers wait in the queue."""
    with inside(gw.lab.name("gw")), open("/proc/thread-self/net/netfilter/nfnetlink_queue", encoding="ascii") as f:
        return next(int(line.split()[2]) for line in f if int(line.split()[0]) == ANSWERS)


class Asker:
    """A stranger that asks for a name again and again, one question at a time, until it is closed."""

    def __init__(self, guest, family):
        self.guest, self.family, self.answered, self.lost = guest, family, 0, []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._stop.is_set():
            try:
                ask(self.guest, "other.garden.example", self.family)
                self.answered += 1
            except OSError as e:
                self.lost.append(e)

    def wait_answers(self, count=20):
        wanted = self.answered + count
        wait_until(lambda: self.answered >= wanted, 20.0, "questions are answered")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


@families
@pytest.mark.parametrize("victim", VICTIMS)
def test_kill(gw, g1, victim, family):
    """Meanwhile answers go on and open nothing; the one that waits in the queue is lost with it.  What is open stays so, over
    the start as well."""
    opens(gw, g1, "steady", family, STEADY)
    opens(gw, g1, "brief", family, BRIEF)
    before = opened(gw, family, "comment")
    with Asker(g1, family) as asker:
        asker.wait_answers()
        gw.kill(gw.pids()[victim][:1])
        asker.wait_answers()
        assert connects(g1, *pool(family, STEADY)), "it is open until its TTL"
        opens_nothing(gw, g1, "long", family, LONG)
        nothing_passes(g1)
        wait_closed(gw, g1, *pool(family, BRIEF))
        opens_nothing(gw, g1, "brief", family, BRIEF)
        left = opened(gw, family, "comment")
        assert left == {key(family, STEADY): before[key(family, STEADY)]}
        gw.start()
        asker.wait_answers()
    assert len(asker.lost) <= 1, "but for the one that was in the queue"
    wait_until(lambda: held(gw) == 0, what="none is left in the queue")
    assert opened(gw, family, "comment") == left
    assert connects(g1, *pool(family, STEADY))
    for name, number in (("brief", BRIEF), ("long", LONG)):
        opens(gw, g1, name, family, number)
    wait_closed(gw, g1, *pool(family, BRIEF))


@families
def test_a_worker_that_hangs(gw, g1, family):
    """It holds back as many answers as the queue holds; the next ones go on, and open nothing."""
    opens(gw, g1, "steady", family, STEADY)
    workers = gw.pids()["portald-web"]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        question = dnswire.question("long.garden.example", dnswire.TYPE[family])
        with pytest.raises(TimeoutError):
            g1.udp(g1.gateway[4], 53, question, 1.0 * SLOW)
        with g1.socket(4, socket.SOCK_DGRAM) as sock:
            sock.connect((g1.gateway[4], 53))
            wait_until(lambda: sock.send(question) and held(gw) == QUEUE_LENGTH, what="the queue is full")
        with Asker(g1, family) as asker:
            asker.wait_answers(500)  # more than fill the resolver's own buffer
        assert not asker.lost and held(gw) == QUEUE_LENGTH
        opens_nothing(gw, g1, "long", family, LONG)
        assert connects(g1, *pool(family, STEADY))
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    opens(gw, g1, "long", family, LONG)


@families
def test_flush(lab, gw, g1, family):
    """What is open is so again, for what is left of its TTL, and connections go on."""
    opens(gw, g1, "steady", family, STEADY)
    with g1.download(family, *pool(family, STEADY)) as flow, Asker(g1, family) as asker:
        flow.wait_progress(flow.STEP)
        before = opened(gw, family, "expires")
        opens(gw, g1, "brief", family, BRIEF)
        for _ in range(5):
            restored_by(gw, lambda: flush(lab))
            flow.wait_progress(flow.STEP // 4, 40.0)	# TCP waits twice as long after each loss
        assert opened(gw, family, "expires")[key(family, STEADY)] <= before[key(family, STEADY)]
        wait_closed(gw, g1, *pool(family, BRIEF))
        restored_by(gw, lambda: flush(lab))
        assert opened(gw, family).keys() == {key(family, STEADY)}, "what has ended is not put back"
        asker.wait_answers()
        flow.wait_progress(flow.STEP, 40.0)
        assert not flow.error
    opens(gw, g1, "long", family, LONG)
    opens_nothing(gw, g1, "other", family, OTHER)


@families
def test_reload(gw, g1, family):
    """A name that is not listed any more closes at once, running connections as well; the others stay as they are, wherever
    they stand in the list."""
    opens(gw, g1, "steady", family, STEADY)
    opens(gw, g1, "long", family, LONG)
    before = opened(gw, family, "expires")
    with g1.download(family, *pool(family, STEADY)) as flow, g1.download(family, *pool(family, LONG)) as control:
        flow.wait_progress(flow.STEP)
        reload(gw, zone("other", "never", "long", "brief"))
        assert_cut([flow], [control])
        left = opened(gw, family, "expires")
        assert left.keys() == {key(family, LONG)} and left[key(family, LONG)] <= before[key(family, LONG)]
        opens(gw, g1, "other", family, OTHER)
        opens_nothing(gw, g1, "steady", family, STEADY)
        reload(gw, zone())
        assert opened(gw, family).keys() == {key(family, LONG)}, "nothing that was closed opens by itself"
        control.wait_progress(control.STEP)
        assert not control.error
    opens_nothing(gw, g1, "other", family, OTHER)
    opens(gw, g1, "steady", family, STEADY)


@families
def test_reload_loses_no_answer(gw, g1, family):
    """Whenever it comes: answers are on their way all the time."""
    with contextlib.ExitStack() as stack:
        askers = [stack.enter_context(Asker(g1, family)) for _ in range(4)]
        for _ in range(30):
            gw.reload_now()
        for asker in askers:
            asker.wait_answers(3)
    assert not [e for asker in askers for e in asker.lost] and held(gw) == 0
    opens(gw, g1, "steady", family, STEADY)


@families
def test_reload_takes_one_of_two_names(gw, g1, family):
    """Of an address with two names: it stays open for as long as was told for the one that is left."""
    opens(gw, g1, "long", family, LONG)
    wait_until(lambda: ask(g1, "short.garden.example", family)[0][1] == 2, what="a fresh answer")
    assert opened(gw, family, "expires")[key(family, LONG)] > 2
    reload(gw, zone("steady", "brief", "short", "never"))
    assert opened(gw, family, "expires").get(key(family, LONG), 0) <= 2
    wait_closed(gw, g1, *pool(family, LONG))


@families
def test_reload_changes_a_port(gw, g1, family):
    address, = pool(family, STEADY)
    for port, other in ((443, 22), (22, 443)):
        reload(gw, zone(*NAMES[1:]).replace("long.", f"steady.garden.example:{port}/tcp long."))
        assert not connects(g1, address, other)
        wait_until(lambda: ask(g1, "steady.garden.example", family) and opened(gw, family), what="it opens")
        assert opened(gw, family).keys() == {(address, "tcp", port)}
        g1.connect(address, port).close()
        assert not connects(g1, address, other)


class Taker:
    """Another program that has an NFQUEUE of the gateway's."""

    def __init__(self, lab, number):
        config, bind, request_and_ack, cmd = 3 << 8 | 2, 1, 5, 1
        body = struct.pack("!BBH", 0, 0, number) + struct.pack("=HH", 8, cmd) + struct.pack("!BxH", bind, 0)
        self.socket = open_socket(lab.name("gw"), socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
        self.socket.bind((0, 0))
        self.socket.send(struct.pack("=IHHII", 16 + len(body), config, request_and_ack, 1, 0) + body)
        assert struct.unpack_from("=i", self.socket.recv(4096), 16)[0] == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def warned(gw, *texts):
    """Both the log and the status say that names are off, and each of these texts."""
    for said in (gw.log(), "\n".join(gw.status()["warnings"])):
        line = next((x for x in said.splitlines() if TROUBLE in x), "")
        assert line and not [t for t in texts if t not in line], said


def addresses_alone(gw, guest):
    """Strangers' questions are answered, names stay closed, and what is listed by address is open."""
    for family in (4, 6):
        for server in (4, 6):
            assert ask(guest, "steady.garden.example", family, server)
        opens_nothing(gw, guest, "steady", family, STEADY)
        assert not opened(gw, family)
        assert guest.udp(UP[family], 123, b"listed") == b"listed"
    assert guest.is_stranger()


def test_the_queue_is_another_program_s(lab, gw, g1):
    """Answers do not go there.  When it is free, a reload takes it."""
    gw.stop()
    with Taker(lab, ANSWERS):
        gw.start()
        warned(gw, f"NFQUEUE {ANSWERS}", "another program has it", "end that one, or set queue-first", "restart portald")
        addresses_alone(gw, g1)
    gw.reload_now()
    assert TROUBLE not in "\n".join(gw.status()["warnings"])
    for family in (4, 6):
        opens(gw, g1, "steady", family, STEADY)


def fails_to_start(gw, *texts):
    with pytest.raises(RuntimeError) as e:
        gw.start()
    assert not [t for t in texts if t not in str(e.value)], e.value


def test_a_worker_s_queue_is_another_program_s(lab, gw, g1):
    """With divert "queue" portald does not start then, and says why."""
    gw.stop()
    gw.write_config(zone(more='divert = "queue"'))
    with Taker(lab, FIRST + 1):
        fails_to_start(gw, f'NFQUEUE {FIRST + 1} for divert "queue"', "another program has it", "set queue-first")
    gw.start()
    opens(gw, g1, "steady", 4, STEADY)


@contextlib.contextmanager
def lacking(gw, what, config):
    """portald on a kernel that lacks something (tests/net/old_kernel.c); afterwards as before."""
    gw.stop()
    try:
        gw.lack(what)
        gw.write_config(config)
        gw.start()
        yield
    finally:
        gw.stop()
        gw.lack(None)
        gw.write_config(zone())
        gw.start()


@families
def test_without_the_egress_hook(gw, g1, family):
    """What answers on a connection that is open passes after the TTL, until the guest sends something."""
    address, = pool(family, BRIEF)
    with lacking(gw, "egress", zone()), g1.socket(family, socket.SOCK_DGRAM) as asker, \
            open_socket(gw.lab.name("up"), asker.family, socket.SOCK_DGRAM) as outside:
        outside.settimeout(5.0 * SLOW)
        outside.bind((address, PORT))
        opens(gw, g1, "brief", family, BRIEF)
        asker.sendto(b"question", (address, PORT))
        peer = outside.recvfrom(100)[1]
        wait_closed(gw, g1, address)
        outside.sendto(b"late", peer)
        assert asker.recv(100) == b"late"
        for data in (b"", b"refused"):
            asker.sendto(data, (address, PORT))
            outside.sendto(b"later", peer)
            ask(g1, "other.garden.example", family)
            asker.setblocking(False)
            with pytest.raises(BlockingIOError):
                asker.recv(100)
            asker.settimeout(5.0 * SLOW)
        opens(gw, g1, "brief", family, BRIEF)
        asker.sendto(b"again", (address, PORT))
        assert outside.recv(100) == b"again"
        outside.sendto(b"at once", peer)
        assert asker.recv(100) == b"at once"


LACKING = {"queue": "this kernel has neither nft_queue nor xt_NFQUEUE",
           "nfnetlink_queue": "this kernel has no queues for packets; load or build nfnetlink_queue"}


@pytest.mark.parametrize("lacks", LACKING)
def test_a_kernel_without_queues(gw, g1, lacks):
    """tests/net/old_kernel.c makes this kernel refuse as such a one does: gardens have addresses alone, and divert "queue" is
    refused."""
    with lacking(gw, lacks, zone(more='divert = "redirect"')):
        warned(gw, LACKING[lacks], "restart portald")
        addresses_alone(gw, g1)
        gw.stop()
        gw.write_config(zone(more='divert = "queue"'))
        fails_to_start(gw, 'divert "queue"', LACKING[lacks])
    assert TROUBLE not in gw.log() + "\n".join(gw.status()["warnings"])
    for family in (4, 6):
        opens(gw, g1, "steady", family, STEADY)
