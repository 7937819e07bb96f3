# SPDX-License-Identifier: GPL-2.0-or-later
"""The real clients, as client.py has them."""
from chromium import Chromium
from connman import ConnMan
from firefox import Firefox
from networkmanager import NetworkManager

CLIENTS = (NetworkManager, Firefox, Chromium, ConnMan)


def available():
    """Those of CLIENTS whose program is here."""
    return tuple(c for c in CLIENTS if c.program())
