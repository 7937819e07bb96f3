# SPDX-License-Identifier: GPL-2.0-or-later
"""The configuration as the programs take it: errors with file:line, checks beside a running gateway, and SIGHUP."""
import os
import re
import socket
import subprocess
import time

import pytest

import gateway
from conftest import families
from gateway import DIVERT
from guest import assert_cut, bracket, up_address
from namespace import ip_batch, open_socket, wait_until

ZONE = 'zone "guest" {\n  interface = "br-guest"\n}\n'


@pytest.fixture
def written(lab):
    """written(text): a Gateway with this configuration, not started."""
    return lambda text, globals_="": gateway.Gateway(lab, text, globals_=globals_, start=False)


def refused(gw, lab, line, *words):
    """-n and a start both end with status 1 and a message about this line; nothing is half started."""
    tables = lab.check("gw", ["nft", "list", "ruleset"])
    for args in (["-n"], []):
        done = lab.run("gw", [gateway.PORTALD, *args, "-c", gw.config_path], timeout=20,
                       env={**os.environ, **gateway.SANITIZER})
        said = done.stdout + done.stderr
        assert done.returncode == 1, (args, said)
        if line:
            assert f"{gw.config_path}:{line}:" in said, said
        for word in words:
            assert word in said, said
    assert not os.path.exists(gw.socket)
    assert lab.check("gw", ["nft", "list", "ruleset"]) == tables


BAD = {
    "an unknown key": ('zone "guest" {\n  interface = "br-guest"\n  sesion = "8h"\n}\n', 3, ["sesion"]),
    "an unknown global key": ('hostnam = "x"\n' + ZONE, 1, ["hostnam"]),
    "a bad duration": ('zone "guest" {\n  interface = "br-guest"\n  session = "soon"\n}\n', 3, ["soon"]),
    "a bad port": ('zone "guest" {\n  interface = "br-guest"\n  portal-port = 70000\n}\n', 3, ["70000"]),
    "no interface": ('\nzone "guest" {\n  session = "8h"\n}\n', None, ["interface"]),
    "no zone": ('workers = 1\n', None, ["zone"]),
    "two zones on one interface": (ZONE + 'zone "two" {\n  interface = "br-guest"\n}\n', 5, ["br-guest", "guest"]),
    "two zones of one name": (ZONE + 'zone "guest" {\n  interface = "br-two"\n}\n', None, ["guest"]),
    "two zones on one port": ('zone "a" {\n  interface = "br-guest"\n  portal-port = 3000\n}\n'
                              'zone "b" {\n  interface = "br-two"\n  divert-port = 3000\n}\n', 7, ["3000"]),
    "a missing quote": ('zone "guest" {\n  interface = "br-guest\n}\n', 2, ["closing"]),
    "a missing brace": ('zone "guest" {\n  interface = "br-guest"\n', 1, ["never closed"]),
    "an interface name too long": ('zone "guest" {\n  interface = "br-guest-is-too-long"\n}\n', 2, ["br-guest-is-too-long"]),
    "a user that is not there": ('user = "nobody-here"\n' + ZONE, 1, ["nobody-here"]),
}


@pytest.mark.parametrize("what", BAD)
def test_errors(lab, written, what):
    text, line, words = BAD[what]
    gw = written(text)
    if what == "a user that is not there":
        gw.globals = gw.globals.replace('user = "portald"\n', "")
        gw.write_config(text)
    refused(gw, lab, line and line + gw.globals.count("\n"), *words)


def make_file(path):
    with open(path, "w", encoding="utf-8"):
        pass


FOLDERS = {
    "a file": (make_file, "is no folder; name one"),
    "a link": (lambda path: os.symlink("/", path), "is no folder but a symbolic link; name one"),
    "a folder in none": (None, "No such file or directory; make that folder first"),
}


@pytest.mark.parametrize("key", ["state-dir", "run-dir"])
@pytest.mark.parametrize("what", FOLDERS)
def test_a_folder_that_cannot_be(lab, written, key, what):
    make, said = FOLDERS[what]
    gw = written(ZONE)
    path = gw.folder + ("/place" if make else "/nowhere/place")
    gw.globals = re.sub(rf'{key} = "[^"]*"', f'{key} = "{path}"', gw.globals)
    gw.write_config(ZONE)
    if make:
        make(path)
    refused(gw, lab, 1 + ["run-dir", "state-dir"].index(key), f": {key}: ", said)


def test_check_makes_no_folder(written):
    gw = written(ZONE)
    before = os.stat(gw.folder)
    done = gw.check_config()
    assert done.returncode == 0 and "-dir: " not in done.stderr, done
    assert os.listdir(gw.folder) == ["portald.conf"] and os.stat(gw.folder).st_mtime_ns == before.st_mtime_ns


def test_folders_that_are_in_others_hands(written):
    """Warnings: portald starts all the same."""
    gw = written(ZONE)
    os.chmod(gw.folder, 0o777)
    done = gw.check_config()
    assert done.returncode == 0, done
    for line, key in enumerate(("run-dir", "state-dir"), 1):
        assert f"{gw.config_path}:{line}: {key}: others than root may write to {gw.folder} " in done.stderr, done.stderr
    os.chmod(gw.folder, 0o700)
    done = gw.check_config()
    assert done.returncode == 0, done
    assert f":2: state-dir: user portald may not enter {gw.folder};" in done.stderr, done.stderr
    assert "others than root" not in done.stderr and "run-dir: " not in done.stderr, done.stderr


def test_folders_that_are_read_only(lab, written):
    """portald runs without a store, but not without its control socket."""
    gw = written(ZONE)
    place = gw.folder + "/place"
    os.mkdir(place)
    script = 'mount -t tmpfs none "$0" && mkdir "$0/there" && mount -o remount,ro "$0" && exec "$@"'
    cases = {
        ("state-dir", "there"): (0, f"state-dir: {place}/there is read-only, so nothing would be kept;"),
        ("state-dir", "new"): (1, f"state-dir: it cannot be made in {place}, which is read-only;"),
        ("run-dir", "there"): (1, f"run-dir: {place}/there is read-only;"),
        ("run-dir", "new"): (1, f"run-dir: it cannot be made in {place}, which is read-only;"),
    }
    globals_ = gw.globals
    for (key, name), (status, said) in cases.items():
        gw.globals = re.sub(rf'{key} = "[^"]*"', f'{key} = "{place}/{name}"', globals_)
        gw.write_config(ZONE)
        done = lab.run("gw", ["unshare", "-m", "sh", "-c", script, place, gateway.PORTALD, "-n", "-c", gw.config_path],
                       env={**os.environ, **gateway.SANITIZER})
        assert done.returncode == status and said in done.stderr, (key, name, done)


def test_all_errors_at_once(lab, written):
    gw = written('zone "guest" {\n  interface = "br-guest"\n  session = "soon"\n  portal-port = 0x\n  colour = 1\n}\n')
    said = gw.check_config()
    text = said.stdout + said.stderr
    assert said.returncode == 1
    base = gw.globals.count("\n")
    assert [n for n in (3, 4, 5) if f":{base + n}:" in text] == [3, 4, 5], text


def test_a_file_that_is_not_there(lab):
    done = lab.run("gw", [gateway.PORTALD, "-n", "-c", "/nonexistent/portald.conf"])
    assert done.returncode == 1 and "/nonexistent/portald.conf" in done.stderr


def test_credentials_that_only_the_unit_has(lab, written):
    """-n by hand and --close at boot have none, and the file is right all the same; a start has to have them."""
    pair = 'certificate = "credential:chain"\ncertificate-key = "credential:key"\n'
    gw = written(ZONE, globals_='hostname = "portal.example.net"\n' + pair)
    done = gw.check_config()
    assert done.returncode == 0 and "CREDENTIALS_DIRECTORY" in done.stderr, done
    done = lab.run("gw", [gateway.PORTALD, "-c", gw.config_path], timeout=20, env={**os.environ, **gateway.SANITIZER})
    assert done.returncode == 1 and "LoadCredential" in done.stderr, done
    try:
        done = lab.run("gw", [gateway.PORTALD, "-c", gw.config_path, "--close"], env={**os.environ, **gateway.SANITIZER})
        assert done.returncode == 0, done
    finally:
        assert gw.teardown().returncode == 0


def test_a_port_in_use(lab, written):
    gw = written('zone "guest" {\n  interface = "br-guest"\n  portal-port = 3333\n}\n')
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        with open_socket(lab.name("gw"), family, socket.SOCK_STREAM) as other:
            if family == socket.AF_INET6:
                other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            other.bind((host, 3333))
            other.listen()
            refused(gw, lab, gw.globals.count("\n") + 3, "3333")
    assert gw.check_config().returncode == 0


@pytest.mark.parametrize("interface", ["lo", "tun7"])
def test_an_interface_that_is_not_ethernet(lab, written, interface):
    if interface == "tun7":
        done = lab.run("gw", ["ip", "tuntap", "add", "tun7", "mode", "tun"])
        if done.returncode != 0:
            pytest.skip("no tun devices here: " + done.stderr.strip())
    try:
        gw = written(f'zone "guest" {{\n  interface = "{interface}"\n}}\n')
        refused(gw, lab, gw.globals.count("\n") + 2, interface)
    finally:
        if interface == "tun7":
            lab.run("gw", ["ip", "link", "del", "tun7"])


def test_an_interface_that_becomes_a_tunnel(lab, own_gateway):
    """It comes later, and it is not Ethernet: refused then, closed, and the other zone works."""
    probe = lab.run("gw", ["ip", "tuntap", "add", "tun8", "mode", "tun"])
    if probe.returncode != 0:
        pytest.skip("no tun devices here: " + probe.stderr.strip())
    lab.check("gw", ["ip", "link", "del", "tun8"])
    gw = own_gateway(ZONE + 'zone "late" {\n  interface = "tun8"\n}\n')
    g1 = lab.add_guest("g1")
    lab.check("gw", ["ip", "tuntap", "add", "tun8", "mode", "tun"])
    lab.check("gw", ["ip", "link", "set", "tun8", "up"])
    try:
        wait_until(lambda: gw.status()["zones"][1]["state"] == "refused", what="the zone is refused")
        g1.login(4)
        assert g1.is_online()
    finally:
        lab.run("gw", ["ip", "link", "del", "tun8"])


def test_a_file_of_five_lines(lab, written):
    gw = written(ZONE)
    done = gw.check_config()
    assert done.returncode == 0, done.stderr
    gw.globals = ""
    gw.write_config('zone "guest" {\n  interface = "br-guest"\n}\n')
    assert lab.run("gw", [gateway.PORTALD, "-n", "-c", gw.config_path]).returncode == 0


def test_check_beside_a_running_gateway(lab, own_gateway):
    gw = own_gateway()
    g1 = lab.add_guest("g1")
    g1.login(4)
    done = gw.check_config()
    assert done.returncode == 0, done.stdout + done.stderr
    assert g1.is_online() and gw.answers()


def test_a_second_portald(lab, own_gateway):
    """Beside a running one: it says so, ends, and harms nothing."""
    gw = own_gateway()
    g1 = lab.add_guest("g1")
    g1.login(4)
    done = lab.run("gw", [gateway.PORTALD, "-c", gw.config_path], timeout=20, env={**os.environ, **gateway.SANITIZER})
    assert done.returncode == 1 and done.stderr.strip()
    assert gw.answers() and g1.is_online() and list(gw.everywhere()) == [g1.mac]


def test_reload_cuts_nobody(lab, own_gateway):
    gw = own_gateway()
    g1, g2 = lab.add_guest("g1"), lab.add_guest("g2")
    gw.grant(g1)
    everyone = gw.all_pids()
    with g1.download(4) as a, g1.download(6) as b, g1.stream(4) as c:
        gw.write_config('zone "guest" {\n  interface = "br-guest"\n  title = "Another title"\n  session = "2h"\n}\n')
        gw.reload()
        wait_until(lambda: b"Another title" in g2.login_page(4).body, what="the new title is on the page")
        assert_cut([], [a, b, c])
        assert not any(f.error for f in (a, b, c))
    assert sorted(gw.all_pids()) == sorted(everyone)
    g2.login(6)
    assert 3600 < gw.everywhere()[g2.mac] <= 7200
    assert gw.everywhere()[g1.mac] > 3500


@families
def test_reload_changes_the_answer_at_once(lab, own_gateway, family):
    """Of two guests that ask for the same within a second, one before and one after it: nobody gets an answer that was kept."""
    gw = own_gateway()
    g1 = lab.add_guest("g1")
    url = f"http://{bracket(up_address(family))}/the-same"
    for title in ("The first title", "The second title", "The third title"):
        gw.write_config(f'zone "guest" {{\n  interface = "br-guest"\n  title = "{title}"\n}}\n')
        time.sleep(1.1 - time.time() % 1)  # not at its very beginning: time(2) is late by up to a tick
        assert title.encode() not in g1.get(url).body
        gw.reload_now()
        assert title.encode() in g1.get(url).body


@families
def test_reload_changes_the_limit_of_who_is_metered_already(lab, own_gateway, family):
    meter, share = ("packets", 8) if DIVERT == "queue" else ("connections", 1)
    zone = 'zone "guest" {\n  interface = "br-guest"\n  connection-limit = %d\n}\n'
    gw = own_gateway(zone % 30)
    g1 = lab.add_guest("g1")

    def limits():
        listing = lab.check("gw", ["nft", "list", "set", "inet", "portald", f"z_guest_{meter}"])
        return re.findall(rf"{g1.mac} limit rate (?:over )?(\d+)/second", listing)

    for limit in (30, 50):
        gw.write_config(zone % limit)
        gw.reload_now()
        assert g1.get(f"http://{bracket(up_address(family))}/").status == 511
        assert limits() == [str(limit * share)]


def test_reload_of_a_bad_file_changes_nothing(lab, own_gateway):
    gw = own_gateway('zone "guest" {\n  interface = "br-guest"\n  title = "The first title"\n}\n')
    g1, g2 = lab.add_guest("g1"), lab.add_guest("g2")
    gw.grant(g1)
    before = gw.ruleset()
    base = gw.write_config('zone "guest" {\n  interface = "br-guest"\n  title = "The second title"\n  nonsense = 1\n}\n')
    gw.reload()
    wait_until(lambda: gw.log_lines(f"portald.conf:{base + 4}:.*nonsense"), what="the log names the line")
    assert b"The first title" in g2.login_page(4).body
    assert gw.ruleset() == before and gw.answers() and g1.is_online()
    assert list(gw.everywhere()) == [g1.mac]
    gw.write_config('zone "guest" {\n  interface = "br-guest"\n  title = "The third title"\n}\n')
    gw.reload()
    wait_until(lambda: b"The third title" in g2.login_page(4).body, what="a good file is taken again")


def test_a_notice_too_large_for_divert_queue(lab, own_gateway):
    """It is refused by name, size and limit, and strangers get the one before: not a close without an answer."""
    zone = 'zone "guest" {\n  interface = "br-guest"\n  divert = "queue"\n  pages = "%s"\n}\n'
    gw = own_gateway(zone.replace('  pages = "%s"\n', ""))
    g1 = lab.add_guest("g1")
    pages = os.path.join(gw.folder, "pages")
    os.mkdir(pages)
    with open(os.path.join(pages, "divert.html"), "w", encoding="utf-8") as f:
        f.write("<p>" + "x" * 9000)
    gw.write_config(zone % pages)
    gw.reload()
    wait_until(lambda: gw.log_lines(r'divert\.html is too large for divert "queue".*\b9\d\d\d bytes, more than 8190'),
               what="the log names page, size and limit")
    for family in (4, 6):
        answer = g1.get(f"http://{bracket(up_address(family))}/")
        assert answer.status == 511 and b"xxx" not in answer.body, answer.body


@pytest.mark.parametrize("file, text, complaint", [
    ("login.html", "<p>\n{{nonsense}}", r'page login\.html:2: there is no value "nonsense"'),
    ("divert.html", "{{>missing.html}}", r'page divert\.html:1: there is no file "missing\.html"'),
    ("terms.txt", "word\n\n" * 300, "the terms have more than 256 paragraphs"),
], ids=["a value", "a file", "terms"])
def test_a_mistake_inside_of_pages(lab, own_gateway, file, text, complaint):
    """-n, a reload and a start name it; a reload changes nothing, of the rest of the file neither."""
    zone = 'zone "guest" {\n  interface = "br-guest"\n  title = "The %s title"\n  pages = "%s"\n}\n'
    gw = own_gateway()
    pages = os.path.join(gw.folder, "pages")
    os.mkdir(pages)
    gw.write_config(zone % ("first", pages))
    assert gw.check_config().returncode == 0
    gw.reload_now()
    with open(os.path.join(pages, file), "w", encoding="utf-8") as f:
        f.write(text)
    gw.write_config(zone % ("second", pages))
    complaint = rf'portald\.conf: zone "guest": {complaint}'
    done = gw.check_config()
    assert done.returncode == 1 and re.search(complaint, done.stderr), done.stderr
    gw.reload()
    wait_until(lambda: gw.log_lines("reload: nothing was changed"), what="the reload is refused")
    assert gw.log_lines(complaint)
    g1 = lab.add_guest("g1")
    for family in (4, 6):
        assert b"The first title" in g1.login_page(family).body
    gw.stop()
    with pytest.raises(RuntimeError, match=rf"ended with status 1:\n(.*\n)*.*{complaint}"):
        gw.start()


def test_reload_names_the_keys_that_need_a_restart(lab, own_gateway):
    gw = own_gateway()
    g1 = lab.add_guest("g1")
    gw.grant(g1)
    gw.write_config('zone "guest" {\n  interface = "br-guest"\n  portal-port = 3456\n  title = "Still taken over"\n}\n')
    gw.reload()
    wait_until(lambda: gw.log_lines("portal-port.*restart|restart.*portal-port"), what="the log names portal-port")
    wait_until(lambda: b"Still taken over" in lab.add_guest("g2").login_page(4).body, what="the rest is taken over")
    assert g1.is_online()


def test_reload_keeps_the_members_in_the_kernel(lab, own_gateway):
    """Ten reloads in a row: the element is there at every look."""
    gw = own_gateway()
    g1 = lab.add_guest("g1")
    gw.grant(g1)
    with g1.stream(4) as four, g1.stream(6) as six:
        for _ in range(10):
            gw.reload_now()
            assert list(gw.members()) == [g1.mac]
            for flow in (four, six):
                flow.wait_progress(10)
    assert gw.answers() and not four.error and not six.error


def test_print_ruleset(lab, written):
    """nft takes what --print-ruleset shows, as it is."""
    gw = written(gateway.TWO_ZONES)
    done = lab.run("gw", [gateway.PORTALD, "-c", gw.config_path, "--print-ruleset"], env={**os.environ, **gateway.SANITIZER})
    assert done.returncode == 0, done.stderr
    assert "table inet portald {" in done.stdout and "chain z_guest_forward {" in done.stdout and "chain z_rt_forward {" in done.stdout
    rules = re.sub(r"\bqueue num [\d-]+", "drop", done.stdout)  # not every kernel has nft_queue
    check = lab.run("gw", ["nft", "-c", "-f", "-"], input=rules)
    assert check.returncode == 0, check.stderr
    rules = [line for line in done.stdout.splitlines() if not line.lstrip().startswith("#")]
    assert not [line for line in rules if "$" in line or "ZONE" in line or "INTERFACE" in line]


def test_usage(lab):
    """Unknown options, and help that helps."""
    assert lab.run("gw", [gateway.PORTALD, "--no-such-option"]).returncode not in (0, None)
    done = subprocess.run([gateway.PORTALD, "--help"], text=True, capture_output=True, check=False)
    assert done.returncode == 0 and "-n" in done.stdout and "-c" in done.stdout


def test_interfaces_named_like_keywords(lab, own_gateway):
    """Zone names that nft reserves, and an interface with a dot and a dash."""
    ip_batch(lab.name("gw"), ["link add br-a.b type bridge", "link set br-a.b up"])
    try:
        gw = own_gateway(ZONE + 'zone "fwd" {\n  interface = "br-a.b"\n}\nzone "gt" {\n  interface = "not-there"\n}\n')
        states = {z["name"]: z["state"] for z in gw.status()["zones"]}
        assert states == {"guest": "ready", "fwd": "ready", "gt": "missing"}
    finally:
        ip_batch(lab.name("gw"), ["link del br-a.b"])
