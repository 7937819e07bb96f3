# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces: names, sockets and settings inside of them, and waiting for a state.

A socket belongs to the namespace in which it was opened for as long as it lives, so a test opens sockets "inside" a guest
and uses them from its own process.  Only the calling thread enters the namespace, and only while it opens something.
"""
import contextlib
import ctypes
import os
import re
import socket
import subprocess
import time

CLONE_NEWNET = 0x40000000
SLOW = float(os.environ.get("PORTALD_SLOW", "1"))  # how many times longer than usual everything may take here (tests/vm)
PAUSE_MAX = 0.25  # seconds between two polls
_libc = ctypes.CDLL(None, use_errno=True)


def seconds(number):
    """As an option of a program: SLOW times as many."""
    return str(round(number * SLOW))


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(name):
    """The calling thread is in namespace `name` until the block ends."""
    old = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        new = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(new)
        finally:
            os.close(new)
        try:
            yield
        finally:
            _setns(old)
    finally:
        os.close(old)


def open_socket(name, family, kind, proto=0):
    with inside(name):
        return socket.socket(family, kind, proto)


def sysctl(name, key, value=None):
    """Reads, or sets, a setting of the namespace; None if this kernel has no such setting."""
    path = "/proc/sys/" + key.replace(".", "/")
    with inside(name):
        try:
            if value is None:
                with open(path, encoding="ascii") as f:
                    return f.read().strip()
            with open(path, "w", encoding="ascii") as f:
                f.write(str(value))
        except FileNotFoundError:
            return None
    return str(value)


def ip_batch(name, lines):
    """`ip` commands inside namespace `name`, one a line."""
    text = "\n".join(lines) + "\n"
    done = subprocess.run(["ip", "-n", name, "-batch", "-"], input=text, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip -n {name}: {done.stderr}\n{text}")


def addr_add(address, interface="eth0", bits=None, more="", verb="add"):
    """The `ip` command that adds an address.  One of IPv6 is usable at once: accept_dad 0 alone leaves it tentative until a
    worker of the kernel has time."""
    bits, nodad = (bits or 64, "nodad") if ":" in address else (bits or 24, "")
    return f"addr {verb} {address}/{bits} dev {interface} {nodad} {more}"


def link_is_ready(name, interface):
    """Both of what the kernel does in workers of its own, which may be late, is done: IPv6 knows that the link is up, and each
    of its addresses has the route without which packets to it are dropped."""
    shown, routes = (subprocess.run(["ip", "-n", name, *words, "dev", interface], text=True, capture_output=True,
                                    check=True).stdout for words in (["addr", "show"], ["-6", "route", "show", "table", "local"]))
    return "state UP" in shown and all(f"local {address} " in routes for address in re.findall(r"inet6 (\S+)/", shown))


def wait_until(condition, timeout=10.0, what="", pause=0.02, pause_max=PAUSE_MAX):
    """Polls until condition() is true and returns its value; AssertionError after `timeout` seconds, SLOW times as many.
    The longer it takes the more rarely it polls, up to every pause_max seconds: what a condition runs costs others their time.
    With 0 for both it never pauses."""
    timeout *= SLOW
    begin = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - begin
        if waited >= timeout:
            name = what or getattr(condition, "__name__", "condition")
            raise AssertionError(f"not so after {timeout} s: {name} (last value: {value!r})")
        time.sleep(max(pause, min(waited / 20, pause_max)))
