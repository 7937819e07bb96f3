# SPDX-License-Identifier: GPL-2.0-or-later
"""nginx as a caching proxy in a guest's namespace, between a browser and a portal: it keeps whatever it may, of any status.

Program: the one installed, or what scripts/common.sh unpacks of Debian's package, which installed would start a service.
"""
import http.client
import os
import shutil
import socket
import subprocess
import tempfile

import client
from device import bracket
from namespace import open_socket, wait_until

PORT = 8189  # of the guest's own loopback
CONFIGURATION = """
daemon off;
user root;
pid {folder}/pid;
error_log {folder}/log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/temp;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	proxy_cache_path {folder}/cache keys_zone=all:1m;
	server {{
		listen 127.0.0.1:{port};
		location / {{
			proxy_pass http://{address};
			proxy_set_header Host $http_host;
			proxy_cache all;
			proxy_cache_key $http_host$request_uri;
			proxy_cache_valid any 1h;
			add_header X-Cache $upstream_cache_status always;
		}}
	}}
}}
"""


def program():
    return client.find("nginx", "nginx/usr/sbin")


class Cache:
    """Use as a context manager."""

    def __init__(self, netns, address):
        self.netns = netns
        self.folder = tempfile.mkdtemp(prefix="portal-cache-")
        path = os.path.join(self.folder, "nginx.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(CONFIGURATION.format(folder=self.folder, port=PORT, address=bracket(address)))
        self.process = subprocess.Popen(["ip", "netns", "exec", netns, program(), "-p", self.folder, "-c", path],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(self._listens, what="nginx listens")
        except BaseException:
            self.close()
            raise

    def _connect(self):
        sock = open_socket(self.netns, socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(10.0)
        try:
            sock.connect(("127.0.0.1", PORT))
            return sock
        except OSError:
            sock.close()
            raise

    def _listens(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as f:
                raise RuntimeError(f"nginx has ended: {f.read()}")
        try:
            self._connect().close()
            return True
        except OSError:
            return False

    def get(self, host, path):
        """(status, what the cache says of it: MISS, HIT ..., body)"""
        connection = http.client.HTTPConnection(host)
        connection.sock = self._connect()
        try:
            connection.request("GET", path, headers={"Host": host, "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.headers.get("X-Cache"), answer.read()
        finally:
            connection.close()

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
