# SPDX-License-Identifier: GPL-2.0-or-later
"""Chromium's captive portal detector, the browser itself, headless.

The detector runs when a page of https has a certificate that Chromium does not trust.  Such a page is served here, by the
namespace itself on its loopback, since a portal resets strangers' https: what it sets off, the probe of an address beyond
the portal and the verdict, is Chromium's own.  It shows "Connect to network" if it found a portal, and its warning
otherwise; what the probe was answered is in its log.
"""
import http.server
import re
import socket
import ssl
import subprocess
import threading

import client
from cdp import Browser, BrowserError
from models import NOTHING, ONLINE, PORTAL
from namespace import open_socket, wait_until

TRIES = 3  # it shows the warning if the detector's answer takes 3 s: a busy machine
CHECK_MAX = 60.0  # seconds
ANSWER = re.compile(r"captive portal result response code: (-?\d+) content_length: (-?\d+)")
CONNECT, WARNING = "Connect to network", "Privacy error"  # titles


class Untrusted(http.server.ThreadingHTTPServer):
    """A page with a certificate that is signed by itself, on the loopback of a namespace."""

    def __init__(self, namespace, cert, key):
        super().__init__(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = open_socket(namespace, socket.AF_INET, socket.SOCK_STREAM)
        self.server_bind()
        self.server_activate()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
        self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # Chromium hangs up


class Chromium(client.Client):
    name = "Chromium"
    hosts = ("www.gstatic.com", "connectivitycheck.gstatic.com")
    sheet = "http://www.gstatic.com/generate_204"
    server = browser = None

    @classmethod
    def program(cls):
        return client.find("chromium")

    def start(self):
        cert, key = self.path("cert.pem"), self.path("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "30", "-subj", "/CN=untrusted", "-keyout", key, "-out", cert], check=True, capture_output=True)
        self.server = Untrusted(self.namespace, cert, key)
        self.url = f"https://127.0.0.1:{self.server.server_port}/"
        self.browser = Browser(self.namespace, self.program(), self.path("log"), prefix=self.inside([]),
                               options=["--enable-logging=stderr", "--vmodule=captive_portal_detector=1",
                                        "--disable-features=AsyncDns"])

    def open(self):
        """Opens the untrusted page: (the detector's answer, title)."""
        seen = len(ANSWER.findall(self.read("log")))
        try:
            self.browser.open(self.url)
        except BrowserError as e:
            if "ERR_CERT_AUTHORITY_INVALID" not in str(e):
                raise
        answers = wait_until(lambda: ANSWER.findall(self.read("log"))[seen:], CHECK_MAX, "the detector has an answer")
        title = self.browser.wait("document.title", "there is a title", CHECK_MAX)
        return tuple(map(int, answers[0])), title

    def look(self, family):
        """In a new profile each time: the detector waits for minutes before it asks the same again."""
        self.lead(family)
        for _ in range(TRIES):
            profile = self.browser.fresh_profile()
            answer, title = self.open()
            self.browser.drop_profile(profile)
            if title == CONNECT:
                return PORTAL
            if answer[0] == 204 or (answer[0] == 200 and 0 <= answer[1] <= 1):
                return ONLINE
        return NOTHING

    def close(self):
        if self.browser:
            self.browser.close()
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        super().close()
