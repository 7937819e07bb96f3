#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What ConnMan asks of its user, and what it thinks, one line each on stdout: `agent`, `browser URL`, `state STATE`.

It is on the bus before ConnMan and registers as soon as that is there.  A request for a browser is noted and refused.
"""
import os

import dbus
import dbus.bus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

PATH = "/agent"


def say(*words):
    print(*words, flush=True)


class Canceled(dbus.DBusException):
    _dbus_error_name = "net.connman.Agent.Error.Canceled"


class Agent(dbus.service.Object):
    @dbus.service.method("net.connman.Agent", in_signature="os", out_signature="")
    def RequestBrowser(self, _, url):
        say("browser", url)
        raise Canceled("noted")

    @dbus.service.method("net.connman.Agent", in_signature="oa{sv}", out_signature="a{sv}")
    def RequestInput(self, _, fields):
        say("input", *fields)
        raise Canceled("noted")

    @dbus.service.method("net.connman.Agent", in_signature="os", out_signature="")
    def ReportError(self, _, error):
        say("error", error)

    @dbus.service.method("net.connman.Agent", in_signature="", out_signature="")
    def Cancel(self):
        say("cancel")


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.bus.BusConnection(os.environ["DBUS_SYSTEM_BUS_ADDRESS"])
    Agent(bus, PATH)

    def appeared(owner):
        if owner:
            manager = dbus.Interface(bus.get_object("net.connman", "/", introspect=False), "net.connman.Manager")
            manager.RegisterAgent(dbus.ObjectPath(PATH), reply_handler=lambda: say("agent"),
                                  error_handler=lambda e: say("refused", e))

    def changed(name, value):
        if name == "State":
            say("state", value)
    for interface in ("net.connman.Service", "net.connman.Manager"):
        bus.add_signal_receiver(changed, "PropertyChanged", interface)
    bus.watch_name_owner("net.connman", appeared)
    say("ready")
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
