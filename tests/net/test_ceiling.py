# SPDX-License-Identifier: GPL-2.0-or-later
"""A flood from many made-up MACs: all of them together have a ceiling, and a guest of flesh and blood is answered."""
import threading
import time

import frames
from conftest import families
from gateway import DIVERT
from guest import bracket
from lab import FORBIDDEN
from namespace import wait_until

GATEWAY_MAC = "02:00:5e:00:00:01"
MACS = 20
RATE = 1000  # SYNs a second, about
SYNS = 5000  # made before the flood; then they come again
CEILING = 30
CONFIG = f"""
zone "guest" {{
  interface = "br-guest"
  connection-limit = 2000
  {"packet-ceiling" if DIVERT == "queue" else "connection-ceiling"} = {CEILING}
}}
"""


def most_answers(seconds):
    """portald.conf(5): the ceiling, or the part of it that is for whoever comes first, and then what each device has."""
    if DIVERT == "queue":
        return CEILING * (1 + seconds) + MACS * (15 + 18 / 60 * seconds)
    return CEILING / 3 * (2 + seconds) + MACS * (5 + 6 / 60 * seconds)


class Flood:
    """SYNs of MACS devices in turn, each from a port of its own, until it is left."""

    def __init__(self, guest, family):
        self.syns = [frames.tcp(GATEWAY_MAC, frames.spoofed_mac(number % MACS), guest.addresses[family], FORBIDDEN[family],
                                1024 + number, 80) for number in range(SYNS)]
        self.sent = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.wire = frames.Wire(guest.namespace)

    def _run(self):
        while not self.stop.wait(1 / RATE):
            self.wire.send(self.syns[self.sent % SYNS])
            self.sent += 1

    def answered(self):
        """The number of its SYNs that were answered."""
        ports = set()
        with self.wire:
            while frame := self.wire.receive(0.5):
                ports.add(frames.answered_port(frame))
        return len(ports - {None})

    def __enter__(self):
        self.begun = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.seconds = time.monotonic() - self.begun


@families
def test_a_flood_of_many_macs_leaves_room_for_a_guest(lab, own_gateway, family):
    own_gateway(CONFIG)
    with Flood(lab.add_guest("s1"), family) as flood:
        wait_until(lambda: flood.sent > 3 * most_answers(time.monotonic() - flood.begun), what="it is a flood")
        for name in ("g1", "g2", "s2"):
            assert lab.add_guest(name).get(f"http://{bracket(FORBIDDEN[family])}/").status == 511
    answered, most = flood.answered(), most_answers(flood.seconds)
    assert most_answers(0) / 2 < answered <= most < flood.sent / 2
