# SPDX-License-Identifier: GPL-2.0-or-later
"""The real clients, as client.py has them."""
from networkmanager import NetworkManager

CLIENTS = (NetworkManager,)


def available():
    """Those of CLIENTS whose program is here."""
    return tuple(c for c in CLIENTS if c.program())
