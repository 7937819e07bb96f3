# SPDX-License-Identifier: GPL-2.0-or-later
"""The verdict on the whole run: in no lab did a packet of a stranger's, or to a forbidden address, arrive upstream."""
import pytest

from conftest import verdicts


def test_no_stranger_s_packet_reached_upstream():
    if not verdicts:
        pytest.skip("no lab with a gateway ran before this module")
    assert all(v["dropped"] == 0 for v in verdicts)
    assert all(v["seen"] > 0 for v in verdicts), "a capture that saw nothing proves nothing"
    assert not [(v["lab"], v["leaks"][:3]) for v in verdicts if v["leaks"]]
    print(f"{len(verdicts)} labs, {sum(v['seen'] for v in verdicts)} packets upstream, none of a stranger's")
