# SPDX-License-Identifier: GPL-2.0-or-later
"""The real clients, as client.py has them."""
from chromium import Chromium
from connman import ConnMan
from dhcp import Dhcpcd, Udhcpc
from firefox import Firefox
from networkmanager import NetworkManager

PROBING = (NetworkManager, Firefox, Chromium, ConnMan)
ASKING = (Dhcpcd, Udhcpc)  # the captive portal API, where they are told it
CLIENTS = (*PROBING, *ASKING)


def available():
    """Those of CLIENTS whose program is here."""
    return tuple(c for c in CLIENTS if c.program())
