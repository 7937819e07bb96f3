# SPDX-License-Identifier: GPL-2.0-or-later
"""Speaks to a running Firefox: Marionette, messages of JSON with their length in front, over a local TCP socket."""
import json
import os
import socket

from namespace import inside, wait_until

TIMEOUT = 60.0  # seconds, for an answer


class MarionetteError(Exception):
    pass


class Marionette:
    """profile: Firefox's; with marionette.port = 0 it says there at which port it listens."""

    def __init__(self, namespace, profile, timeout=TIMEOUT):
        told = os.path.join(profile, "MarionetteActivePort")

        def port():
            with open(told, encoding="ascii") as f:
                return int(f.read() or 0)
        wait_until(lambda: os.path.exists(told) and port(), timeout, "Firefox listens", pause=0.1)
        with inside(namespace):
            self._socket = socket.create_connection(("127.0.0.1", port()), TIMEOUT)
        self._buffer, self._id = b"", 0
        self._receive()  # who it is
        self.call("WebDriver:NewSession", capabilities={})

    def _receive(self):
        while b":" not in self._buffer:
            self._read()
        size, self._buffer = self._buffer.split(b":", 1)
        while len(self._buffer) < int(size):
            self._read()
        message, self._buffer = self._buffer[:int(size)], self._buffer[int(size):]
        return json.loads(message)

    def _read(self):
        data = self._socket.recv(1 << 16)
        if not data:
            raise MarionetteError("Firefox has ended")
        self._buffer += data

    def call(self, command, **parameters):
        self._id += 1
        data = json.dumps([0, self._id, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(data), data))
        while True:
            kind, number, error, result = self._receive()
            if (kind, number) == (1, self._id):
                break
        if error:
            raise MarionetteError(f"{command}: {error['error']}: {error['message']}")
        return result

    def chrome(self, script, *args):
        """Runs a script in the browser's own world and returns its value."""
        self.call("Marionette:SetContext", value="chrome")
        return self.call("WebDriver:ExecuteScript", script=script, args=list(args))["value"]

    def page(self, script, *args):
        """Runs a script in the page that is in front."""
        self.call("Marionette:SetContext", value="content")
        return self.call("WebDriver:ExecuteScript", script=script, args=list(args))["value"]

    def last_tab(self):
        """page() is about the tab that was opened last."""
        self.call("Marionette:SetContext", value="content")
        self.call("WebDriver:SwitchToWindow", handle=self.call("WebDriver:GetWindowHandles")[-1])

    def close(self):
        self._socket.close()
