# SPDX-License-Identifier: GPL-2.0-or-later
"""curl and openssl as guests that speak TLS with the portal."""
import re

from authority import NAME
from guest import bracket
from namespace import seconds

OTHER = "other.test"


class Browser:
    """curl in a guest's namespace; the portal's names are the gateway's address of one family."""

    def __init__(self, guest, authority, family, names=(NAME, OTHER)):
        self.guest = guest
        address = guest.gateway[family]
        self.options = ["--cacert", authority.path("ca.pem"), "--connect-timeout", seconds(5), "-m", seconds(10), "-s", "-i"]
        for name in names:
            for port in (80, 443):
                self.options += ["--resolve", f"{name}:{port}:{bracket(address)}"]

    def run(self, url, *args):
        return self.guest.run(["curl", *self.options, *args, url])

    def get(self, url, *args):
        """(status, header lines in lower case, body)"""
        done = self.run(url, *args)
        assert done.returncode == 0, f"{url}: curl {done.returncode}"
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        return int(head.split()[1]), head.lower(), body

    def send(self, page, name=NAME, action=None):
        """Fills in and sends the form of a page, "login" or "logout", to its address or another."""
        status, _, text = self.get(f"https://{name}/{page}")
        assert status == 200
        token = re.search(r'name="token" value="([^"]+)"', text).group(1)
        assert f'action="/{action or page}"' in text
        return self.get(f"https://{name}/{action or page}", "-d", f"token={token}", "-d", "accept=yes")


def s_client(guest, family, *options):
    """openssl s_client, connected to the portal of the guest's zone and closed at once; stdout and stderr together."""
    done = guest.run(["sh", "-c", 'exec openssl s_client "$@" </dev/null 2>&1', "sh", "-connect",
                      f"{bracket(guest.gateway[family])}:443", *options])
    return done.stdout


def shown(guest, family, *options):
    """The name on the certificate that the portal shows."""
    found = re.search(r"^subject=CN = (\S+)$", s_client(guest, family, *options), re.MULTILINE)
    return found and found.group(1).strip('"')
