# SPDX-License-Identifier: GPL-2.0-or-later
"""The README's steps on a Debian router, and what its owner does in the years after: restart, reload, reboot, upgrade."""
import json
import os
import re
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import readme  # noqa: E402
import router as router_module  # noqa: E402
from authority import NAME, Authority  # noqa: E402
from conftest import families, finish_capture  # noqa: E402
from lab import WAN, remove_stale  # noqa: E402
from namespace import wait_until  # noqa: E402

SLAAC = "2001:db8:1::"  # the README's prefix, of which dnsmasq's router advertisements tell
CONF = "/etc/portald/portald.conf"
DROP_IN = "/etc/systemd/system/portald.service.d"


@pytest.fixture(scope="module")
def steps():
    return router_module.steps()


@pytest.fixture(scope="module")
def followed(steps):
    """(router, what its last command said): the README, followed to the last step; at the end nothing of strangers has passed."""
    remove_stale()
    with router_module.House(router_module.take()) as house:
        house.boot()
        said = [house.follow(action) for step in steps[1:] for action in step.actions]
        g1 = house.add_guest("g1")
        g1.all_addresses.add(SLAAC + g1.link_local().removeprefix("fe80::"))
        house.add_guest("s1")
        house.start_capture()
        yield house, said[-1]
        finish_capture(house)


@pytest.fixture
def router(followed, steps):
    """With the README's configuration, and nobody online."""
    house, _ = followed
    configure(house, steps)
    house.sh("portalctl revoke --all")
    yield house


def configure(house, steps, more="", zone=""):
    """The README's configuration with more keys, in force after a restart."""
    text = next(a.text for step in steps for a in step.actions if isinstance(a, readme.File) and a.path == CONF)
    text = more + text.replace("\n}", f"\n{zone}}}")
    with open(house.debian + CONF, encoding="utf-8") as f:
        if f.read() == text and is_active(house):
            return
    house.write(CONF, text)
    house.sh("systemctl restart portald")


def is_active(house):
    return house.sh("systemctl is-active portald", ok=False) == "active"


def sessions(house):
    return {s["mac"]: s for s in json.loads(house.sh("portalctl list --json"))["sessions"]}


def warnings(house):
    return json.loads(house.sh("portalctl status --json"))["warnings"]


def complaints(house, since):
    """What portald has told the journal as a warning or worse."""
    return house.sh(f"journalctl _SYSTEMD_UNIT=portald.service + _SYSTEMD_UNIT=portald-closed.service --since=@{since} "
                    "--priority=warning --output=cat --no-pager --quiet")


def main_pid(house):
    return int(house.sh("systemctl show --property=MainPID --value portald"))


def started_again(house, pid):
    return is_active(house) and main_pid(house) not in (0, pid)


def test_the_steps(followed):
    house, said = followed
    assert re.search(r"^guest +br-guest +ready", said, re.MULTILINE), said
    assert house.sh("systemctl is-system-running") == "running", house.sh("systemctl --failed")
    assert house.sh("portald -n") == ""
    assert warnings(house) == []
    assert complaints(house, 0) == ""


def test_dhcp(router):
    """A guest has its address, the gateway and the resolver from the README's dnsmasq, and asks it for a name."""
    script = os.path.join(router.folder, "lease")
    with open(script, "w", encoding="ascii") as f:
        f.write('#!/bin/sh\necho "$1 $ip $router $dns"\n')
    os.chmod(script, 0o755)
    said = router.check("s1", ["udhcpc", "-i", "eth0", "-n", "-q", "-f", "-s", script])
    lease = re.search(r"^bound (\S+) (\S+) (\S+)$", said, re.MULTILINE)
    assert lease and lease.group(1).startswith("192.0.2.") and lease.groups()[1:] == ("192.0.2.1", "192.0.2.1"), said


@families
def test_a_guest_s_journey(router, family):
    """A stranger, a login, online with both families, behind the README's masquerade, a logout's end."""
    g1, s1 = router.guests["g1"], router.guests["s1"]
    assert g1.is_stranger() and s1.is_stranger()
    g1.login(family)
    assert g1.is_online() and s1.is_stranger()
    with g1.download(4) as flow:
        flow.wait_progress(flow.STEP)
        connections = router.check("gw", ["conntrack", "-L", "-p", "tcp", "--dport", "80", "--orig-src", g1.addresses[4]])
    assert f"dst={WAN[4]} " in connections, connections
    assert list(sessions(router)) == [g1.mac]
    router.sh(f"portalctl revoke {g1.mac}")
    assert g1.is_stranger()


def test_queue(router, steps):
    """divert "queue" needs more of the unit: packet sockets."""
    configure(router, steps, zone='    divert = "queue"\n')
    g1, began = router.guests["g1"], int(time.time())
    assert router.sh("portalctl status --json") and json.loads(router.sh("portalctl status --json"))["zones"][0]["divert"] == "queue"
    assert g1.is_stranger()
    g1.login(6)
    assert g1.is_online()
    assert complaints(router, began) == ""


@pytest.mark.parametrize("how", ["restart", "kill", "stop"])
def test_restart(router, how):
    """A download goes on, strangers stay out, the database can be read by the next one."""
    g1, s1, began = router.guests["g1"], router.guests["s1"], int(time.time())
    g1.login(4)
    before, pid = sessions(router)[g1.mac], main_pid(router)
    with g1.download(4) as four, g1.download(6) as six:
        if how == "restart":
            router.sh("systemctl restart portald")
        elif how == "kill":
            router.sh(f"kill -9 {pid}")
            wait_until(lambda: started_again(router, pid), what="systemd has started it again")
        else:
            router.sh("systemctl stop portald")
            for flow in (four, six):
                flow.wait_progress(flow.STEP)
            for family in (4, 6):
                assert not s1.opens(family, timeout=1.0)
            router.sh("systemctl start portald")
        for flow in (four, six):
            flow.wait_progress(flow.STEP)
    after = sessions(router)[g1.mac]
    assert abs(before["seconds-left"] - after["seconds-left"]) < 60 and after["bytes-down"] >= before["bytes-down"]
    assert s1.is_stranger()
    assert warnings(router) == []
    assert not [line for line in complaints(router, began).splitlines() if "store" in line]


def test_hang(router):
    """systemd ends an engine whose loop stands still, no other, and starts one.  Not after the unit's half a minute, here."""
    g1 = router.guests["g1"]
    assert router.sh("systemctl show --property=WatchdogUSec --value portald") == "30s"
    router.write(f"{DROP_IN}/watchdog.conf", "[Service]\nWatchdogSec=3\n")
    try:
        router.sh("systemctl daemon-reload; systemctl restart portald")
        g1.login(4)
        pid = main_pid(router)
        time.sleep(4)
        assert main_pid(router) == pid
        router.sh(f"kill -STOP {pid}")
        wait_until(lambda: started_again(router, pid), what="systemd has started it again", timeout=30)
        assert g1.is_online() and list(sessions(router)) == [g1.mac]
    finally:
        router.sh(f"rm -r {DROP_IN}; systemctl daemon-reload")


def test_reload(router, steps):
    """A changed configuration is taken over, a wrong one is refused with its place, and the one before stays in force."""
    g1 = router.guests["g1"]
    g1.login(4)
    with open(router.debian + CONF, encoding="utf-8") as f:
        text = f.read()
    router.write(CONF, text.replace("Harbour Café", "Station Hotel"))
    with g1.download(6) as flow:
        router.sh("systemctl reload portald")
        wait_until(lambda: b"Station Hotel" in router.guests["s1"].login_page(4).body, what="the new title is shown")
        flow.wait_progress(flow.STEP)
    router.sh(f"portalctl grant {g1.mac}")  # is written
    assert warnings(router) == []
    router.write(CONF, text.replace("session", "sesion"))
    assert "Job for portald.service failed" in router.sh("systemctl reload portald || true")
    assert f"{CONF}:4" in router.sh("journalctl --unit=portald --lines=20 --output=cat --no-pager")
    assert is_active(router) and g1.is_online() and b"Station Hotel" in router.guests["s1"].login_page(4).body
    router.write(CONF, text)
    router.sh("systemctl reload portald")


def test_reboot(router):
    """Strangers are out from before the network is up; who was online is again, with the time that is left."""
    g1, s1, began = router.guests["g1"], router.guests["s1"], int(time.time())
    g1.login(4)
    before = sessions(router)[g1.mac]["seconds-left"]
    router.reboot()
    assert is_active(router) and main_pid(router)
    assert g1.is_online() and s1.is_stranger()
    assert 0 <= before - sessions(router)[g1.mac]["seconds-left"] < 120
    assert warnings(router) == []
    assert complaints(router, began) == "portald: store: 1 session(s) restored after a restart, 0 ended meanwhile"

    def when(unit, what):
        return int(router.sh(f"systemctl show --property={what}Monotonic --value {unit}"))

    assert 0 < when("portald-closed", "ActiveEnterTimestamp") <= when("systemd-networkd", "ExecMainStartTimestamp")


def test_reboot_with_a_mistake(router):
    """In portald.conf: nobody gets through until it is mended, and then who had paid does."""
    g1, s1 = router.guests["g1"], router.guests["s1"]
    g1.login(4)
    with open(router.debian + CONF, encoding="utf-8") as f:
        text = f.read()
    router.write(CONF, text.replace("session", "sesion"))
    router.reboot()
    assert not is_active(router)
    for family in (4, 6):
        assert not g1.opens(family, timeout=1.0) and not s1.opens(family, timeout=1.0)
    router.write(CONF, text)
    router.sh("systemctl restart portald-closed portald")
    assert g1.is_online() and s1.is_stranger()


def test_firewall_is_loaded_again(router):
    """Debian's nftables.conf begins with "flush ruleset"."""
    g1, s1 = router.guests["g1"], router.guests["s1"]
    g1.login(6)
    router.sh("systemctl restart nftables")
    wait_until(lambda: g1.is_online() and s1.is_stranger(), what="all is as before")


def test_certificate(router, steps, tmp_path):
    """The README's three lines, a renewed one by a reload; then as a credential of systemd."""
    authority = Authority(str(tmp_path / "ca"))
    s1 = router.guests["s1"]

    def serve(name):
        authority.issue(name)
        for kind in ("pem", "key"):
            router.write(f"/etc/portald/portal.{kind}", authority.read(f"{name}.{kind}"))
        router.sh("chown root:portald /etc/portald/portal.key; chmod 0640 /etc/portald/portal.key")

    def serial():
        text = s1.run(["openssl", "s_client", "-connect", "192.0.2.1:443", "-servername", NAME, "-verify_return_error", "-CAfile",
                       authority.path("ca.pem")], input="").stdout
        found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END", text, re.DOTALL)
        return found and found.group(0)

    lines = f'hostname = "{NAME}"\ncertificate = "{{}}"\ncertificate-key = "{{}}"\n'
    serve("one")
    configure(router, steps, more=lines.format("/etc/portald/portal.pem", "/etc/portald/portal.key"))
    first = serial()
    assert first
    serve("two")
    router.sh("systemctl reload portald")
    wait_until(lambda: serial() not in (None, first), what="the renewed one is shown")
    try:
        router.write(f"{DROP_IN}/certificate.conf",
                     "[Service]\nLoadCredential=chain:/etc/portald/portal.pem\nLoadCredential=key:/etc/portald/portal.key\n")
        router.sh("chown root:root /etc/portald/portal.key; chmod 0600 /etc/portald/portal.key; systemctl daemon-reload")
        configure(router, steps, more=lines.format("credential:chain", "credential:key"))
        assert serial()
    finally:
        router.sh(f"rm -r {DROP_IN}; systemctl daemon-reload")
        router.sh("rm /etc/portald/portal.*")


def test_upgrade(router, steps):
    """The configuration stays, and so do guests online."""
    g1 = router.guests["g1"]
    g1.login(4)
    own = router.sh(f"cat {CONF}")
    with g1.download(4) as flow:
        router.sh(f"cd {router_module.SOURCE} && meson install -C build")
        router.sh("systemctl daemon-reload")
        router.sh("systemctl restart portald")
        flow.wait_progress(flow.STEP)
    assert router.sh(f"cat {CONF}") == own
    assert g1.is_online() and list(sessions(router)) == [g1.mac]


def test_teardown(router):
    """Last: the network is open then, and a start closes it again."""
    s1 = router.guests["s1"]
    router.sh("systemctl stop portald && portald --teardown")
    with router.hole():
        assert s1.is_online()
    router.sh("systemctl start portald")
    assert s1.is_stranger()
