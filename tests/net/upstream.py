#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The "internet" of the test network: upstream.py CERT KEY ADDRESS...

  TCP 80, 443 (TLS)   /            a small page
                      /bytes/N     N bytes
                      /slow        a download that does not end, about 1.6 MB/s
                      the probes of GENUINE, by Host and path, as their owners' servers answer them
                      /files/PATH  what the folder files, beside CERT, has there; a folder's index.html
  TCP 22              a greeting, as an SSH server sends it
  UDP 7, 53, 123, 443 every datagram is sent back
  UDP 9000            "stream": numbered datagrams, 200 a second, back to the sender until it sends "stop"
"""
import http.server
import os
import select
import socket
import socketserver
import ssl
import sys
import threading
import time

from namespace import SLOW

ECHO_PORTS = (7, 53, 123, 443)
STREAM_PORT = 9000
STREAM_INTERVAL = 0.005
STREAM_MAX = 60.0 * SLOW  # seconds
TYPES = {".html": "text/html", ".json": "application/json"}
PAGE = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Upstream</title></head>
<body><h1>The open internet</h1></body></html>
"""


GENUINE = {  # (host, path): status, headers, body
    ("captive.apple.com", "/hotspot-detect.html"):
        (200, {}, b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"),
    ("connectivitycheck.gstatic.com", "/generate_204"): (204, {}, b""),
    ("www.gstatic.com", "/generate_204"): (204, {}, b""),
    ("www.google.com", "/generate_204"): (204, {}, b""),
    ("www.msftconnecttest.com", "/connecttest.txt"): (200, {}, b"Microsoft Connect Test"),
    ("ipv6.msftconnecttest.com", "/connecttest.txt"): (200, {}, b"Microsoft Connect Test"),
    ("spectrum.s3.amazonaws.com", "/kindle-wifi/wifistub.html"): (200, {}, b"81ce4465-7167-4dcb-835b-dcc9e44c112a"),
    ("conntest.nintendowifi.net", "/"): (200, {"X-Organization": "Nintendo"}, b"ok"),
    ("detectportal.firefox.com", "/canonical.html"):
        (200, {}, b'<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'),
    ("detectportal.firefox.com", "/success.txt?ipv4"): (200, {}, b"success\n"),
    ("detectportal.firefox.com", "/success.txt?ipv6"): (200, {}, b"success\n"),
    ("ipv4.connman.net", "/online/status.html"): (200, {"X-ConnMan-Status": "online"}, b""),
    ("ipv6.connman.net", "/online/status.html"): (200, {"X-ConnMan-Status": "online"}, b""),
    ("network-test.debian.org", "/nm"): (200, {}, b"NetworkManager is online\n"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/slow":
            return self.slow()
        if self.path.startswith("/files/"):
            return self.file()
        if (self.headers["Host"], self.path) in GENUINE:
            return self.genuine(*GENUINE[self.headers["Host"], self.path])
        body = bytes(int(self.path[7:])) if self.path.startswith("/bytes/") else PAGE
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def genuine(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def file(self):
        folder = os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), "files")
        path = os.path.normpath(os.path.join(folder, self.path[len("/files/"):].partition("?")[0]))
        if os.path.isdir(path):
            path = os.path.join(path, "index.html")
        if not path.startswith(folder + "/") or not os.path.isfile(path):
            return self.genuine(404, {}, b"no such file\n")
        kind = TYPES.get(os.path.splitext(path)[1], "application/octet-stream")
        with open(path, "rb") as f:
            return self.genuine(200, {"Content-Type": kind}, f.read())

    def slow(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        while True:
            self.wfile.write(bytes(8192))
            time.sleep(0.005)

    def log_message(self, format, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 128
    tls = None

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "upstream", self.server_address[1]

    def finish_request(self, request, client_address):
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass  # clients that are cut off are the point of many tests


class Greeting(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"SSH-2.0-upstream\r\n")


class GreetingServer(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True


def stream(sock, peer, running):
    number, end = 0, time.monotonic() + STREAM_MAX
    while running.get(peer) and time.monotonic() < end:
        try:
            sock.sendto(b"%d" % number, peer)
        except OSError:
            pass
        number += 1
        time.sleep(STREAM_INTERVAL)
    running.pop(peer, None)


def serve_udp(addresses):
    socks = {}
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port in (*ECHO_PORTS, STREAM_PORT):
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.bind((address, port))
            socks[sock] = port
    running = {}
    while True:
        for sock in select.select(list(socks), [], [])[0]:
            try:
                data, peer = sock.recvfrom(65536)
                if socks[sock] != STREAM_PORT:
                    sock.sendto(data, peer)
                elif data == b"stop":
                    running[peer] = False
                elif not running.get(peer):
                    running[peer] = True
                    threading.Thread(target=stream, args=(sock, peer, running), daemon=True).start()
            except OSError:
                pass  # an ICMP error for an earlier datagram


def main():
    cert, key, *addresses = sys.argv[1:]
    secure = Server(("::", 443), Handler)
    secure.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.tls.load_cert_chain(cert, key)
    for server in (Server(("::", 80), Handler), secure, GreetingServer(("::", 22), Greeting)):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    serve_udp(addresses)


if __name__ == "__main__":
    main()
