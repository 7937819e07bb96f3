# SPDX-License-Identifier: GPL-2.0-or-later
"""What each process is allowed, as the kernel says it: uid, capabilities, no_new_privs, seccomp, open files."""
import contextlib
import grp
import json
import os
import pwd
import socket

import pytest

from namespace import wait_until

CAP_NET_ADMIN = 1 << 12
STATES = {  # name -> user, capabilities, seccomp mode
    "portald": ("portald", 0, None),
    "portald-gate": ("portald-gate", CAP_NET_ADMIN, 2),
    "portald-web": ("portald-web", 0, 2),
}


def proc_status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def test_there_is_one_of_each_and_a_web_worker_for_each_cpu(gw):
    pids = gw.pids()
    assert set(pids) == set(STATES)
    assert len(pids["portald"]) == len(pids["portald-gate"]) == 1
    assert len(pids["portald-web"]) == os.sysconf("SC_NPROCESSORS_ONLN")


@pytest.mark.parametrize("name", STATES)
def test_power(gw, name):
    user, capabilities, seccomp = STATES[name]
    account = pwd.getpwnam(user)
    for pid in gw.pids()[name]:
        status = proc_status(pid)
        assert status["Name"].startswith(name[:15]), status["Name"]
        assert status["Uid"].split() == [str(account.pw_uid)] * 4
        assert status["Gid"].split() == [str(account.pw_gid)] * 4
        assert status["Groups"].split() in ([], [str(account.pw_gid)])
        for field in ("CapEff", "CapPrm"):
            assert int(status[field], 16) == capabilities, field
        for field in ("CapInh", "CapAmb"):
            assert int(status[field], 16) == 0, field
        assert int(status["CapBnd"], 16) in (0, capabilities)
        assert status["NoNewPrivs"] == "1"
        if seccomp is not None:
            assert status["Seccomp"] == str(seccomp)


def test_nobody_holds_what_it_does_not_need(gw):
    """Web workers: sockets, pipes, epoll and memory, no file.  The gate: no socket that speaks to guests."""
    for pid in gw.pids()["portald-web"]:
        for target in descriptors(pid):
            assert target.startswith(("socket:", "pipe:", "anon_inode:", "/memfd:", "/dev/null")) or "portald" in target \
                and target.endswith(".log"), target
    listening = listening_inodes(gw)
    assert listening, "the portal listens"
    for pid in gw.pids()["portald-gate"]:
        assert not {t for t in descriptors(pid) if t in listening}


def descriptors(pid):
    """What a process has open; one that it closes meanwhile is left out."""
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found


def listening_inodes(gw):
    """The TCP listeners of the gateway's namespace, as /proc/PID/fd names them."""
    found = set()
    for table in ("tcp", "tcp6"):
        text = gw.lab.check("gw", ["cat", f"/proc/net/{table}"])
        found |= {f"socket:[{line.split()[9]}]" for line in text.splitlines()[1:] if line.split()[3] == "0A"}
    return found


def test_the_control_socket(gw):
    info = os.stat(gw.socket)
    assert info.st_mode & 0o777 == 0o660
    assert info.st_gid == grp.getgrnam("portald").gr_gid


def test_descriptors_do_not_grow(lab, gw):
    """After logins, logouts, refused requests and portalctl calls every process holds as many as before."""
    g1 = lab.add_guest("g1")

    def round_():
        g1.login(4)
        gw.revoke(g1)
        for _ in range(20):
            assert g1.get("http://203.0.113.66/").status == 511
        gw.sessions()

    def count():
        return {pid: len(descriptors(pid)) for pid in gw.all_pids()}

    round_()
    before = count()
    for _ in range(5):
        round_()
    wait_until(lambda: all(n <= before[pid] + 2 for pid, n in count().items()), what="no more descriptors than before")


def test_a_stranger_of_the_machine_cannot_speak_to_the_children(gw):
    """There is no other socket in the run directory than the one for portalctl."""
    sockets = [n for n in os.listdir(gw.run_dir) if os.path.exists(os.path.join(gw.run_dir, n))
               and not os.path.isfile(os.path.join(gw.run_dir, n))]
    assert sockets == ["control.sock"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(gw.socket)
        sock.sendall(b"\0\xff" * 1000 + b"\n")
        sock.settimeout(5)
        sock.recv(1000)
    assert gw.answers(), "nonsense closes that connection only"


def test_a_list_waits_for_its_reader(lab, gw):
    """Who asks for a list and does not read on holds nobody up, and nothing is made that would wait for him: what ends
    meanwhile is not in the rest."""
    g1, count = lab.add_guest("g1"), 20_000
    gw.ctl("grant", "--file", "-", input="\n".join(f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}" for n in range(count)))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(gw.socket)
        sock.settimeout(30)
        sock.sendall(b'{"verb":"list"}\n')
        lines = sock.makefile()
        answer = json.loads(lines.readline())
        listed = len(answer["sessions"])
        assert answer["more"] and listed < count
        g1.login(6)
        gw.revoke_all()
        assert gw.sessions() == {} and g1.is_stranger()
        while answer["more"]:
            answer = json.loads(lines.readline())
            listed += len(answer["sessions"])
    assert listed < count / 4, "what sockets hold"
