# SPDX-License-Identifier: GPL-2.0-or-later
"""Two zones on two bridges, one of them called "rt" (a keyword of nft), and bridges that come and go."""
import time

import pytest

import gateway
from conftest import families
from gateway import compare_with_golden
from guest import assert_cut, bracket, refresh_target, parse_page
from lab import FORBIDDEN, SITES, UP
from namespace import SLOW, wait_until

BRIDGES = {"guest": "br-guest", "rt": "br-two"}


@pytest.fixture(scope="module")
def gw(lab):
    for node, bridge in (("g1", "br-guest"), ("g2", "br-guest"), ("t1", "br-two"), ("t2", "br-two")):
        lab.add_guest(node, bridge)
    return gateway.Gateway(lab, gateway.TWO_ZONES)


def zone_state(gw, zone):
    return next(z["state"] for z in gw.status()["zones"] if z["name"] == zone)


def test_golden_listing(lab, fresh):
    compare_with_golden("two-zones", fresh.ruleset())


@families
def test_each_zone_has_its_own_settings(lab, fresh, family):
    g1, t1 = lab.guests["g1"], lab.guests["t1"]
    t1_page = t1.login_page(family)
    assert b"The second zone" in t1_page.body
    assert b"The second zone" not in g1.login_page(family).body
    t1.login(family)
    assert fresh.everywhere("guest") == {}
    left = fresh.everywhere("rt")[t1.mac]
    assert 2 * 3600 - 60 <= left <= 2 * 3600
    assert t1.is_online() and g1.is_stranger()
    assert list(fresh.sessions("rt")) == [("rt", t1.mac)] and not fresh.sessions("guest")


@families
def test_the_portal_of_a_zone_is_the_one_of_its_own_interface(lab, fresh, family):
    t1 = lab.guests["t1"]
    first = t1.get(f"http://{bracket(FORBIDDEN[family])}/")
    assert refresh_target(parse_page(first)).startswith(f"http://{bracket(t1.gateway[family])}")


def test_the_same_mac_in_both_zones(lab, fresh):
    """A session in one zone is none in the other, and ends by itself."""
    mac = "02:00:5e:20:00:01"
    here = lab.add_guest("g20", mac=mac, number=120)
    there = lab.add_guest("t20", "br-two", mac=mac, number=120)
    here.login(4)
    assert here.is_online() and there.is_stranger()
    there.login(6)
    assert here.is_online() and there.is_online()
    assert sorted(fresh.sessions()) == [("guest", mac), ("rt", mac)]
    assert len(fresh.ctl("show", mac)["sessions"]) == 2
    assert fresh.revoke(mac, zone="rt")["revoked"] == 1
    assert here.is_online() and there.is_stranger()
    fresh.grant(mac, zone="rt")
    assert fresh.revoke(mac)["revoked"] == 2
    assert here.is_stranger() and there.is_stranger()


def test_a_grant_without_a_zone_needs_one(lab, fresh):
    with pytest.raises(gateway.ControlError) as e:
        fresh.grant("02:00:5e:77:00:01")
    assert e.value.status == 1 and "zone" in e.value.stderr


def test_from_one_zone_to_the_other(lab, fresh):
    """Both ends must be members."""
    g1, t1 = lab.guests["g1"], lab.guests["t1"]

    def reaches(family):
        with t1.socket(family, 2) as there:  # SOCK_DGRAM
            there.bind((t1.addresses[family], 7000))
            with g1.socket(family, 2) as here:
                there.settimeout(0.5)
                try:
                    here.connect((t1.addresses[family], 7000))
                    here.send(b"x")
                    return there.recv(10) == b"x"
                except OSError:
                    return False

    for family in (4, 6):
        assert not reaches(family)
    fresh.grant(g1, zone="guest")
    for family in (4, 6):
        assert not reaches(family)
    fresh.grant(t1, zone="rt")
    for family in (4, 6):
        wait_until(lambda f=family: reaches(f), what="a member of one zone reaches one of the other")
    fresh.revoke(g1, zone="guest")
    for family in (4, 6):
        assert not reaches(family)


@pytest.mark.parametrize("zone", ["guest", "rt"])
def test_a_bridge_that_is_deleted_and_made_again(lab, fresh, zone):
    """Closed in between; then it works again by itself, in both directions, with the sessions that it had."""
    bridge, other = BRIDGES[zone], {"guest": "rt", "rt": "guest"}[zone]
    member, stranger = [g for g in lab.guests.values() if g.bridge == bridge and g.node[1:] in "12"]
    bystander = next(g for g in lab.guests.values() if g.bridge == BRIDGES[other])
    fresh.grant(member, zone=zone)
    fresh.grant(bystander, zone=other)
    assert member.is_online() and stranger.is_stranger()
    for _ in range(3):
        with bystander.download(4) as theirs:
            lab.delete_bridge(bridge)
            wait_until(lambda: zone_state(fresh, zone) == "missing", what="the zone is missing")
            lab.add_bridge(bridge)
            # at every moment of its way back
            for family in (4, 6):
                with pytest.raises(OSError):
                    stranger.connect(FORBIDDEN[family], 443, 1.0)
            wait_until(lambda: zone_state(fresh, zone) == "ready", what="the zone is ready")
            assert_cut([], [theirs])
            assert not theirs.error
        wait_until(member.is_online, what="the member is online again")
        assert stranger.is_stranger()
        with member.stream(4) as four, member.stream(6) as six, bystander.stream(4) as theirs:
            four.wait_progress(50)
            six.wait_progress(50)
            fresh.revoke(member, zone=zone)
            assert_cut([four, six], [theirs])
        fresh.grant(member, zone=zone)
    compare_with_golden("two-zones", fresh.ruleset())


def test_a_bridge_that_goes_while_the_ruleset_is_loaded(lab, fresh):
    """The reload goes on without it, at whatever moment it goes; nobody ends, and it is taken back when it comes."""
    g1, t1 = lab.guests["g1"], lab.guests["t1"]
    fresh.grant(g1, zone="guest")
    fresh.grant(t1, zone="rt")
    before, pids = len(fresh.log_lines("is in force")), fresh.all_pids()
    for i in range(20):
        fresh.reload()
        time.sleep(0.002 * i * SLOW)
        lab.delete_bridge("br-two")
        wait_until(lambda: zone_state(fresh, "rt") == "missing", what="the zone is missing")
        assert g1.is_online()
        lab.add_bridge("br-two")
        wait_until(lambda: zone_state(fresh, "rt") == "ready", what="the zone is ready")
    wait_until(lambda: len(fresh.log_lines("is in force")) == before + 20, what="each reload is in force")
    assert fresh.all_pids() == pids
    assert t1.is_online() and lab.guests["t2"].is_stranger()


def test_a_bridge_that_is_not_there_at_the_start(lab, fresh):
    """A warning, not an error; the zone works when it comes, the other works all the time."""
    g1, t1 = lab.guests["g1"], lab.guests["t1"]
    fresh.stop()
    lab.delete_bridge("br-two")
    check = fresh.check_config()
    assert check.returncode == 0 and "br-two" in check.stderr + check.stdout
    fresh.start()
    assert zone_state(fresh, "rt") == "missing" and zone_state(fresh, "guest") == "ready"
    assert fresh.log_lines("br-two")
    g1.login(4)
    assert g1.is_online()
    lab.add_bridge("br-two")
    wait_until(lambda: zone_state(fresh, "rt") == "ready", what="the zone is ready")
    wait_until(t1.is_stranger, what="strangers of the new zone get 511")
    t1.login(6)
    assert t1.is_online()


def test_a_bridge_comes_back_while_portald_is_dead(lab, fresh):
    """Nobody arms the new interface: nothing passes towards a member, and nothing of a stranger's at all."""
    t1, t2 = lab.guests["t1"], lab.guests["t2"]
    fresh.grant(t1, zone="rt")
    fresh.kill(fresh.all_pids())
    lab.delete_bridge("br-two")
    lab.add_bridge("br-two")
    for family in (4, 6):
        with pytest.raises(OSError):
            t1.connect(UP[family], 443, 1.0)
        with pytest.raises(OSError):
            t2.connect(FORBIDDEN[family], 443, 1.0)
    fresh.start()
    wait_until(t1.is_online, what="the member is online again")
    assert t2.is_stranger()


def test_an_interface_that_gets_another_name(lab, fresh):
    """The zone is the name: without it the zone is missing, and with it the zone is there again."""
    t1 = lab.guests["t1"]
    lab.check("gw", ["sh", "-c", "ip link set br-two down && ip link set br-two name br-other && ip link set br-other up"])
    try:
        wait_until(lambda: zone_state(fresh, "rt") == "missing", what="the zone is missing")
    finally:
        lab.check("gw", ["sh", "-c", "ip link set br-other down && ip link set br-other name br-two && ip link set br-two up"])
        lab.check("gw", ["ip", "addr", "replace", SITES["br-two"][6] + "1/64", "dev", "br-two"])
        lab.check("gw", ["ip", "addr", "replace", "fe80::1/64", "dev", "br-two"])
    wait_until(lambda: zone_state(fresh, "rt") == "ready", what="the zone is ready")
    wait_until(t1.is_stranger, what="its guests get 511")
