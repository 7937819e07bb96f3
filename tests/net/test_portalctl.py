# SPDX-License-Identifier: GPL-2.0-or-later
"""portalctl against a gateway of straw: what it asks, what it shows, and how it ends.  Needs no network and no root."""
import fcntl
import json
import math
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time

import pytest

from gateway import PORTALCTL, SANITIZER

BATCH = 4096
MAC = "02:00:5e:10:00:01"
SESSION = {
    "zone": "guest", "mac": MAC, "how": "login", "note": "", "started": 1700000000, "seconds-used": 3723,
    "seconds-left": 4980, "bytes-up": 999, "bytes-down": 12_345_678, "addresses": ["10.0.0.5", "fe80::1"],
}
STATUS = {
    "version": "9.9", "pid": 77, "uptime": 90061, "config": "/etc/portald/portald.conf",
    "zones": [
        {"name": "guest", "interface": "br-guest", "state": "ready", "divert": "redirect", "login": "click-through",
         "session": 28800, "portal-port": 2050, "divert-port": 2051, "sessions": 1234,
         "hostname": "portal.example.net", "https": True, "api": "https://portal.example.net/api", "no-api": None},
        {"name": "rt", "interface": "br-two", "state": "missing", "divert": "redirect", "login": "click-through",
         "session": 90, "portal-port": 2052, "divert-port": 2053, "sessions": 0,
         "hostname": None, "https": False, "api": None, "no-api": "advertise-api is no"},
    ],
    "processes": [{"name": "portald-gate", "pid": 78}, {"name": "portald-web", "pid": 79}],
    "warnings": ["net.ipv4.ip_forward is 0"],
}
GRANTED = {"granted": 1, "replaced": 0, "refused": []}
EVENT = {"event": "login", "time": 1700000000.25, "zone": "guest", "mac": MAC, "seconds": 28800, "note": "room 12"}
HANG = object()


class Straw:
    """Serves one connection after the other.  answer(request) -> a list of objects, bytes, or HANG."""

    def __init__(self, answer):
        self.folder = tempfile.mkdtemp(prefix="portalctl-")
        self.path = os.path.join(self.folder, "control.sock")
        self.requests = []
        self.answer = answer
        self.done = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.listener.settimeout(0.1)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.done.is_set():
            try:
                conn, _ = self.listener.accept()
            except TimeoutError:
                continue
            with conn, conn.makefile("rwb") as lines:
                try:
                    self._serve(lines)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # portalctl has gone

    def _serve(self, lines):
        for line in lines:
            request = json.loads(line)
            self.requests.append(request)
            answer = self.answer(request)
            for part in answer if isinstance(answer, list) else [answer]:
                if part is HANG:
                    lines.flush()
                    self.done.wait()
                    return
                lines.write(part if isinstance(part, bytes) else json.dumps(part, ensure_ascii=False).encode() + b"\n")
            lines.flush()
            if isinstance(answer, bytes):
                return

    def close(self):
        self.done.set()
        self.thread.join(5)
        self.listener.close()
        shutil.rmtree(self.folder)


@pytest.fixture
def straw():
    """straw(answer, *args): (the finished portalctl, its requests)."""
    made = []

    def run(answer, *args, **kw):
        made.append(Straw(answer if callable(answer) else lambda request: answer))
        done = portalctl("--socket", made[-1].path, *args, **kw)
        return done, made[-1].requests

    run.start = lambda answer: made.append(Straw(answer)) or made[-1]
    yield run
    for server in made:
        server.close()


def environment(**more):
    return {**os.environ, **SANITIZER, "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm", **more}


def portalctl(*args, text=True, env=None, **kw):
    return subprocess.run([PORTALCTL, *args], text=text, capture_output=True, timeout=60, check=False,
                          env=env or environment(), **kw)


def on_terminal(args, stdin=None, env=None, wait_for=None, interrupt=False):
    """Runs portalctl with stdout and stderr on a terminal of 200 columns: (status, what it wrote)."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    process = subprocess.Popen([PORTALCTL, *args], stdin=subprocess.PIPE if stdin is not None else slave, stdout=slave,
                               stderr=slave, env=env or environment())
    os.close(slave)
    if stdin is not None:
        threading.Thread(target=lambda: (process.stdin.write(stdin), process.stdin.close()), daemon=True).start()
    seen = b""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if select.select([master], [], [], 0.05)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
        if interrupt and wait_for in seen:
            process.send_signal(signal.SIGINT)
            interrupt = False
    os.close(master)
    return process.wait(10), seen.decode()


# ---- the command line

@pytest.mark.parametrize("args", [
    [], ["nonsense"], ["list", "extra"], ["show"], ["show", MAC, MAC], ["grant"], ["revoke"], ["revoke", "--all", MAC],
    ["grant", MAC, "--file", "-"], ["list", "--for", "8h"], ["grant", MAC, "--for", "8"], ["grant", MAC, "--for", "0s"],
    ["grant", MAC, "--note", "x" * 96], ["grant", MAC, "--note", "a\033[2Jb"], ["--nonsense"], ["status", "--timeout"],
    ["grant", MAC, "--zone", "x" * 32],
])
def test_usage(straw, args):
    done, requests = straw([GRANTED], *args)
    assert done.returncode == 2, done
    assert "--help" in done.stderr and not done.stdout and not requests
    assert "\033" not in done.stderr


def test_help():
    for args in (["--help"], ["-h"]):
        done = portalctl(*args)
        assert done.returncode == 0 and not done.stderr
        assert all(c in done.stdout for c in ("status", "list", "show", "grant", "revoke", "watch", "--socket", "--json"))
    for command in ("status", "list", "show", "grant", "revoke", "watch"):
        done = portalctl(command, "--help")
        assert done.returncode == 0 and f"portalctl {command}" in done.stdout and "examples:" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 110
    assert re.fullmatch(r"portalctl \d+\.\d+\.\d+\n", portalctl("--version").stdout)


# ---- the way to the gateway

def test_gateway_down(tmp_path):
    done = portalctl("--socket", str(tmp_path / "none"), "status")
    assert done.returncode == 3 and "systemctl status portald" in done.stderr and not done.stdout


def test_nobody_listens(straw):
    server = straw.start(lambda request: [STATUS])
    server.done.set()
    server.thread.join()
    server.listener.close()
    assert portalctl("--socket", server.path, "status").returncode == 3


def test_no_permission():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "control.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            os.chmod(path, 0o600)
            as_nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
            if not as_nobody:
                os.chmod(path, 0)
            if as_nobody and not os.access(os.path.dirname(PORTALCTL), os.X_OK):
                pytest.skip("the build folder is not for everybody")
            try:
                done = portalctl("--socket", path, "status", **as_nobody)
            except PermissionError:
                pytest.skip("the build folder is not for everybody")
    assert done.returncode == 3 and "group portald" in done.stderr


@pytest.mark.parametrize("answer", [
    b"", b"no json\n", b"[]\n", b'{"a":1', b'{"version":1}\n', b"x" * 5_000_000,
], ids=["nothing", "no JSON", "no object", "half a line", "other members", "endless"])
@pytest.mark.parametrize("command", ["status", "list", "grant", "revoke", "watch"])
def test_nonsense(straw, command, answer):
    done, _ = straw(lambda request: answer, command, *([MAC] if command in ("grant", "revoke") else []))
    assert done.returncode == 3 and done.stderr.startswith("portalctl: ") and done.stderr.count("\n") == 1


def test_a_member_twice(straw):
    done, _ = straw(lambda request: b'{"sessions":[],"more":false,"more":false}\n', "list")
    assert done.returncode == 3 and "no sense" in done.stderr


@pytest.mark.parametrize("key", list(SESSION))
def test_a_session_with_a_wrong_member(straw, key):
    wrong = {**SESSION, key: {}}
    done, _ = straw([{"sessions": [wrong], "more": False}], "list")
    assert done.returncode == 3 and "no sense" in done.stderr


def test_timeout(straw):
    start = time.monotonic()
    done, _ = straw(lambda request: HANG, "status", "--timeout", "1s")
    assert done.returncode == 3 and "in time" in done.stderr and 0.9 < time.monotonic() - start < 10


def test_error_is_told(straw):
    done, _ = straw([{"error": "no zone \"x\"\033[2J"}], "list", "--zone", "x")
    assert done.returncode == 1 and done.stderr == 'portalctl: no zone "x"?[2J\n' and not done.stdout


def test_output_cannot_be_written(straw):
    server = straw.start(lambda request: [STATUS])
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([PORTALCTL, "--socket", server.path, "status"], stdout=full, stderr=subprocess.PIPE, text=True,
                              env=environment(), check=False, timeout=20)
    assert done.returncode == 1 and "cannot be written" in done.stderr


def test_a_reader_that_goes_away(straw):
    many = [{"sessions": [SESSION] * 256, "more": n < 39} for n in range(40)]
    server = straw.start(lambda request: many)
    process = subprocess.Popen([PORTALCTL, "--socket", server.path, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment(), restore_signals=False)  # Python ignores SIGPIPE, as some callers do
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == -signal.SIGPIPE and process.stderr.read() == b""


# ---- status, list, show

def test_status(straw):
    done, requests = straw([STATUS], "status")
    assert done.returncode == 0 and requests == [{"verb": "status"}]
    assert done.stdout == """\
portald        9.9, up for 1d 1h (pid 77)
configuration  /etc/portald/portald.conf
processes      portald-gate (pid 78)
               portald-web (pid 79)

ZONE   INTERFACE  STATE    DIVERT    LOGIN          SESSION  PORTS       ONLINE
guest  br-guest   ready    redirect  click-through       8h  2050, 2051   1,234
rt     br-two     missing  redirect  click-through   1m 30s  2052, 2053       0

ZONE   PORTAL                          API IN DHCP
guest  https://portal.example.net      https://portal.example.net/api
rt     http://, the gateway's address  none

without https: rt
  what guests type and read there can be read and changed by others on their network
  devices have no captive portal API: they do not learn how much time and data is left,
  and find the portal by their probes alone
  set hostname, certificate and certificate-key, see portald.conf(5)

warning: net.ipv4.ip_forward is 0
"""
    done, _ = straw([STATUS], "status", "--json")
    assert json.loads(done.stdout) == STATUS and done.stdout.count("\n") == 1
    done, _ = straw([{**STATUS, "zones": STATUS["zones"][:1], "warnings": []}], "status")
    assert "warning" not in done.stdout and "without https" not in done.stdout


def test_list_of_nobody(straw):
    done, requests = straw([{"sessions": [], "more": False}], "list")
    assert (done.returncode, done.stdout, requests) == (0, "no sessions\n", [{"verb": "list"}])
    done, _ = straw([{"sessions": [], "more": False}], "list", "--json")
    assert done.stdout == '{"sessions":[]}\n'


def test_list(straw):
    wide = {**SESSION, "mac": "02:00:5e:10:00:02", "how": "grant", "note": "客室" * 30, "seconds-left": 59,
            "bytes-up": 123_456_789_012, "addresses": []}
    evil = {**SESSION, "mac": "02:00:5e:10:00:03", "note": "a\u009b2J\033[31m\r\nb", "addresses": ["10.0.0.6"]}
    done, requests = straw([{"sessions": [SESSION, wide], "more": True}, {"sessions": [evil], "more": False}],
                           "list", "--zone", "guest")
    assert requests == [{"verb": "list", "zone": "guest"}]
    assert done.stdout == """\
ZONE   MAC                BY      USED    LEFT    SENT  RECEIVED  ADDRESS      NOTE
guest  02:00:5e:10:00:01  login  1h 2m  1h 23m   999 B   12.3 MB  10.0.0.5 +1
guest  02:00:5e:10:00:02  grant  1h 2m     59s  123 GB   12.3 MB               客室客室客室客室客室客室客室客…
guest  02:00:5e:10:00:03  login  1h 2m  1h 23m   999 B   12.3 MB  10.0.0.6     a?2J?[31m??b
"""
    done, _ = straw([{"sessions": [SESSION, wide], "more": True}, {"sessions": [evil], "more": False}], "list", "--json")
    assert json.loads(done.stdout) == {"sessions": [SESSION, wide, evil]}
    assert done.stdout.isascii() and "\033" not in done.stdout


def test_list_in_a_plain_locale(straw):
    """No locale, as cron has it: the same bytes, no mojibake."""
    answer = [{"sessions": [{**SESSION, "note": "Zürich"}], "more": False}]
    done, _ = straw(answer, "list", env={**environment(), "LC_ALL": "C"})
    assert done.returncode == 0 and done.stdout.endswith("Zürich\n")


def test_list_that_ends_early(straw):
    done, _ = straw(lambda request: json.dumps({"sessions": [SESSION], "more": True}).encode() + b"\n", "list")
    assert done.returncode == 3 and not done.stdout


def test_show(straw):
    limited = {**SESSION, "note": "room 12", "idle": 600, "quota-down": 1_500_000_000, "rate-up": 512_000, "rate-down": 0}
    done, requests = straw([{"sessions": [limited]}], "show", MAC.upper(), "--zone", "guest")
    assert done.returncode == 0 and requests == [{"verb": "show", "mac": MAC, "zone": "guest"}]
    assert done.stdout == f"""\
{MAC} in zone guest
  started     2023-11-14 22:13:20, 1h 2m ago, by login
  left        1h 23m
  sent        999 B
  received    12.3 MB
  idle        10m
  quota-down  1.5 GB
  rate-up     512 kbit/s
  addresses   10.0.0.5
              fe80::1
  note        room 12
"""
    done, _ = straw([{"sessions": [SESSION]}], "show", MAC, "--json")
    assert json.loads(done.stdout) == {"sessions": [SESSION]}


def test_show_unknown(straw):
    done, _ = straw([{"error": f"{MAC} has no session"}], "show", MAC)
    assert (done.returncode, done.stderr) == (1, f"portalctl: {MAC} has no session\n")
    done, requests = straw([], "show", "02:00")
    assert done.returncode == 1 and '"02:00"' in done.stderr and not requests


# ---- grant and revoke

def test_grant(straw):
    done, requests = straw([GRANTED], "grant", "02-00-5E-10-00-01", "--for", "1h30m", "--zone", "guest", "--note", "Büro")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "granted 1, replaced 0, refused 0\n"
    assert requests == [{"verb": "grant", "macs": [MAC], "zone": "guest", "for": 5400, "note": "Büro"}]
    done, requests = straw([GRANTED], "--json", "grant", MAC)
    assert json.loads(done.stdout) == GRANTED and requests == [{"verb": "grant", "macs": [MAC]}]


def test_limits(straw):
    options = ["--idle", "10m", "--quota-up", "1.5G", "--quota-down", "20Gi", "--quota-total", "none", "--rate-up", "512k",
               "--rate-down", "0.5M"]
    limits = {"idle": 600, "quota-up": 1_500_000_000, "quota-down": 20 << 30, "quota-total": 0, "rate-up": 512_000,
              "rate-down": 500_000}
    done, requests = straw([GRANTED], "grant", MAC, *options)
    assert done.returncode == 0 and requests == [{"verb": "grant", "macs": [MAC], **limits}]
    done, requests = straw([], "list", "--rate-up", "5M")
    assert done.returncode == 2 and "list does not take --rate-up" in done.stderr and not requests
    done, requests = straw([], "grant", MAC, "--rate-up", "1K")
    assert done.returncode == 2 and "512k" in done.stderr and not requests


def test_set(straw):
    changed = {"changed": 1, "unknown": [], "refused": []}
    done, requests = straw([changed], "set", MAC, "--for", "+1h", "--note", "")
    assert (done.returncode, done.stdout) == (0, "changed 1, refused 0\n")
    assert requests == [{"verb": "set", "macs": [MAC], "more": 3600, "note": ""}]
    done, requests = straw([changed], "set", MAC, "--for", "-90s", "--rate-up", "none", "--zone", "guest", "--json")
    assert json.loads(done.stdout) == changed
    assert requests == [{"verb": "set", "macs": [MAC], "more": -90, "rate-up": 0, "zone": "guest"}]
    answer = {"changed": 0, "unknown": [MAC], "refused": [{"mac": "02:00:5e:10:00:02", "why": "no time left"}]}
    done, _ = straw([answer], "set", MAC, "02:00:5e:10:00:02", "--for", "1h")
    assert done.returncode == 1 and done.stdout == "changed 0, refused 2\n"
    assert f"{MAC}: there is no session" in done.stderr and "02:00:5e:10:00:02: no time left" in done.stderr
    done, requests = straw([], "set", MAC)
    assert done.returncode == 2 and not requests


ENDED = {"zone": "guest", "mac": MAC, "how": "login", "note": "room 12", "started": 1700000000, "ended": 1700003720, "seconds-used": 3723,
         "why": "quota", "extended": 2, "bytes-up": 999, "bytes-down": 12_345_678}


def test_history(straw):
    answer = [{"ended": [ENDED], "more": True}, {"ended": [{**ENDED, "note": "", "extended": 0}], "more": False}]
    begun = int(time.time())
    done, requests = straw(answer, "history", "--since", "7d", "--zone", "guest")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "ENDED                ZONE   MAC                BY     WHY    LASTED  EXTENDED   SENT  RECEIVED  NOTE",
        f"2023-11-14 23:15:20  guest  {MAC}  login  quota   1h 2m        2x  999 B   12.3 MB  room 12",
        f"2023-11-14 23:15:20  guest  {MAC}  login  quota   1h 2m            999 B   12.3 MB"]
    assert requests[0]["verb"] == "history" and requests[0]["zone"] == "guest"
    assert 0 <= requests[0]["since"] - (begun - 7 * 86400) <= 60
    done, requests = straw(answer, "history", "--json")
    assert json.loads(done.stdout) == {"ended": [ENDED, {**ENDED, "note": "", "extended": 0}]}
    assert 0 <= requests[0]["since"] - (begun - 86400) <= 60
    done, _ = straw([{"ended": [], "more": False}], "history")
    assert done.stdout == "no session has ended\n"
    done, _ = straw([{"ended": [{"mac": MAC}], "more": False}], "history")
    assert done.returncode == 3


def test_grant_with_refusals(straw):
    answer = [{"granted": 0, "replaced": 1, "refused": [{"mac": MAC, "why": "the set is full"}]}]
    done, requests = straw(answer, "grant", MAC, "ff:ff:ff:ff:ff:ff", "02:00:5e:10:00:02")
    assert done.returncode == 1 and requests[0]["macs"] == [MAC, "02:00:5e:10:00:02"]
    assert done.stdout == "granted 0, replaced 1, refused 2\n"
    assert done.stderr.splitlines()[1] == f"portalctl: {MAC}: the set is full"
    assert "ff:ff:ff:ff:ff:ff" in done.stderr.splitlines()[0]


def test_grant_that_is_refused_whole(straw):
    done, _ = straw([{"error": "there are two zones; say which with --zone"}], "grant", MAC)
    assert done.returncode == 1 and "--zone" in done.stderr and not done.stdout


def test_revoke(straw):
    done, requests = straw([{"revoked": 1, "unknown": ["02:00:5e:10:00:02"]}], "revoke", MAC, "02:00:5e:10:00:02")
    assert done.returncode == 1 and requests == [{"verb": "revoke", "macs": [MAC, "02:00:5e:10:00:02"]}]
    assert done.stdout == "revoked 1, refused 1\n" and "02:00:5e:10:00:02: there is no session" in done.stderr
    done, requests = straw([{"revoked": 12345, "unknown": []}], "revoke", "--all", "--zone", "rt", "--json")
    assert done.returncode == 0 and requests == [{"verb": "revoke", "all": True, "zone": "rt"}]
    assert json.loads(done.stdout)["revoked"] == 12345
    done, _ = straw([{"revoked": 12345, "unknown": []}], "revoke", "--all")
    assert done.stdout == "revoked 12,345, refused 0\n"


# ---- bulk

def macs(count):
    return [f"02:10:00:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}" for n in range(count)]


def grant_all(request):
    return [{"granted": len(request["macs"]), "replaced": 0, "refused": []}]


def test_a_hundred_thousand(straw):
    wanted = macs(100_000)
    done, requests = straw(grant_all, "grant", "--file", "-", "--for", "1h", input="\n".join(wanted))
    assert (done.returncode, done.stderr) == (0, ""), "no progress where nobody looks"
    assert done.stdout == "granted 100,000, replaced 0, refused 0\n"
    assert len(requests) == math.ceil(len(wanted) / BATCH)
    assert all(len(r["macs"]) <= BATCH and r["for"] == 3600 for r in requests)
    assert [m for r in requests for m in r["macs"]] == wanted
    assert max(len(json.dumps(r)) for r in requests) < 256 * 1024


def test_lines(straw, tmp_path):
    path = tmp_path / "macs"
    path.write_bytes(b"\xef\xbb\xbf# devices\r\n\r\n  02:00:5E:10:00:01  # the printer\r\nnonsense\r\n\t\n" + b"#" * 1000 + b"\n" +
                     b"02-00-5e-10-00-02\r\n" + b"x" * 1000 + b"\nff:ff:ff:ff:ff:ff\n\xff\xfe\n02:00:5e:10:00:03")
    done, requests = straw(grant_all, "grant", "--file", str(path))
    assert done.returncode == 1
    assert requests == [{"verb": "grant", "macs": [MAC, "02:00:5e:10:00:02", "02:00:5e:10:00:03"]}]
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [f"{path}:{n}" for n in (4, 8, 9, 10)]
    assert done.stdout == "granted 3, replaced 0, refused 4\n"
    done, _ = straw(grant_all, "grant", "--file", str(path), "--json")
    answer = json.loads(done.stdout)
    assert answer["granted"] == 3 and [r["line"] for r in answer["refused"]] == [4, 8, 9, 10]
    assert answer["refused"][0]["mac"] == "nonsense" and "mac" not in answer["refused"][3]


def test_zero_bytes_and_a_byte_order_mark(straw, tmp_path):
    path = tmp_path / "macs"
    path.write_bytes(b"\xef\xbb\xbf02:00:5e:10:00:01\n\0\n02:00:5e:10:00:02\n02:00:5e:10:00:03\0\n02:00:5e:10:00:04 # \0\nlast")
    done, requests = straw(grant_all, "grant", "--file", str(path))
    assert requests == [{"verb": "grant", "macs": [MAC, "02:00:5e:10:00:02", "02:00:5e:10:00:04"]}]
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [f"{path}:{n}" for n in (2, 4, 6)]
    assert done.returncode == 1 and done.stdout == "granted 3, replaced 0, refused 3\n"


def test_lines_that_the_gateway_refuses(straw, tmp_path):
    def answer(request):
        bad = [m for m in request["macs"] if m.endswith(":07")]
        return [{"granted": len(request["macs"]) - len(bad), "replaced": 0, "refused": [{"mac": m, "why": "no"} for m in bad]}]
    path = tmp_path / "macs"
    path.write_text("\n".join(macs(5000)), encoding="ascii")
    done, requests = straw(answer, "grant", "--file", str(path))
    assert done.returncode == 1 and len(requests) == 2
    assert done.stderr.splitlines() == [f"portalctl: {path}:{n + 1}: {m}: no" for n, m in enumerate(macs(5000)) if m.endswith(":07")]
    assert done.stdout == "granted 4,980, replaced 0, refused 20\n"


def test_a_gateway_that_ends_half_way(straw):
    answers = iter([grant_all, grant_all])
    done, _ = straw(lambda request: next(answers, lambda r: b"")(request), "grant", "--file", "-", input="\n".join(macs(20_000)))
    assert done.returncode == 3 and done.stdout == "granted 8,192, replaced 0, refused 0\n"


def test_files_that_are_none(straw, tmp_path):
    assert straw(grant_all, "grant", "--file", str(tmp_path / "none"))[0].returncode == 1
    assert straw(grant_all, "grant", "--file", str(tmp_path))[0].returncode == 1
    done, requests = straw(grant_all, "grant", "--file", "/dev/null", "--zone", "rt")
    assert done.returncode == 0 and done.stdout.startswith("granted 0,")
    assert requests == [{"verb": "grant", "macs": [], "zone": "rt"}]
    assert straw([{"error": "there is no zone"}], "grant", "--file", "/dev/null", "--zone", "x")[0].returncode == 1
    assert portalctl("--socket", str(tmp_path / "none"), "grant", "--file", "/dev/null").returncode == 3


# ---- watch

def test_watch(straw):
    more = {"event": "revoke", "time": 1700000001, "zone": "a-long-zone-name", "mac": MAC}
    done, requests = straw(lambda request: b"".join(json.dumps(x).encode() + b"\n" for x in ({"watching": True}, EVENT, more)),
                           "watch")
    assert requests == [{"verb": "watch"}]
    assert done.returncode == 3 and "closed" in done.stderr
    assert done.stdout == (f"22:13:20  login    guest         {MAC}  for 8h  room 12\n"
                           f"22:13:21  revoke   a-long-zone-name  {MAC}\n")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_watch_is_prompt_and_ends_with_ctrl_c(straw, options):
    server = straw.start(lambda request: [{"watching": True}, EVENT, HANG])
    process = subprocess.Popen([PORTALCTL, "--socket", server.path, "watch", "--timeout", "1s", *options],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    line = process.stdout.readline()
    if options:
        assert json.loads(line) == EVENT
    else:
        assert line.startswith(b"22:13:20")
    time.sleep(1.5)
    assert process.poll() is None, "the timeout is for answers, not for events"
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0 and process.stderr.read() == b"" and process.stdout.read() == b""


# ---- terminals

def test_colours_on_a_terminal_only(straw):
    server = straw.start(lambda request: [STATUS])
    status, seen = on_terminal(["--socket", server.path, "status"])
    assert status == 0 and "\033[32mready\033[0m" in seen and "\033[33mmissing\033[0m" in seen
    plain = portalctl("--socket", server.path, "status").stdout
    assert "\033" not in plain
    assert re.sub(r"\033\[\d*m", "", seen).replace("\r\n", "\n") == plain, "colours take no room"
    for more in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\033" not in on_terminal(["--socket", server.path, "status"], env=environment(**more))[1]
    assert "\033[32m" in on_terminal(["--socket", server.path, "status"], env=environment(NO_COLOR=""))[1]
    assert "\033" not in on_terminal(["--socket", server.path, "status", "--json"])[1]


def test_progress_on_a_terminal(straw):
    server = straw.start(grant_all)
    text = "\n".join(macs(10_000) + ["nonsense"]).encode()
    status, seen = on_terminal(["--socket", server.path, "grant", "--file", "-"], stdin=text)
    assert status == 1
    assert "4,096 MACs granted" in seen and "8,192 MACs granted" in seen
    assert seen.endswith("\033[Kgranted 10,000, replaced 0, refused 1\r\n"), seen[-200:]
    assert "\033[Kportalctl: stdin:10001: nonsense" in seen


def test_watch_on_a_terminal(straw):
    server = straw.start(lambda request: [{"watching": True}, EVENT, HANG])
    status, seen = on_terminal(["--socket", server.path, "watch"], wait_for=b"room 12", interrupt=True)
    assert status == 0 and "Ctrl-C" in seen and "\033[32mlogin\033[0m" in seen
