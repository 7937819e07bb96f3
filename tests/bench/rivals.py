# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured: each rival is started in a Network's gateway, on the gateway's core, and answers strangers' port 80.

RIVALS is the table: one line makes a rival.  The web servers answer with the page and the headers of portald's answer, nginx
with the link to what the guest asked for as well: less would be less work.
"""
import os
import shutil
import subprocess
import time

from topology import GATEWAY, GATEWAY_CORE, HERE, addresses

REDIRECT = """
table inet bench {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "guest0" tcp dport 80 redirect to :8080
	}
}
"""
NGINX = """
daemon off;
user nobody nogroup;
pid {folder}/nginx.pid;
error_log stderr;
worker_processes 1;
events {{ worker_connections 16384; multi_accept on; }}
http {{
	access_log off;
	keepalive_timeout 0;
	server_tokens off;
	default_type text/html;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	charset utf-8;
	add_header Cache-Control no-store always;
	add_header Referrer-Policy no-referrer always;
	add_header X-Content-Type-Options nosniff always;
	server {{
		listen 8080 backlog=4096;
		return 511 '{page4}';
	}}
	server {{
		listen [::]:8080 backlog=4096;
		return 511 '{page6}';
	}}
}}
"""
PAGE = os.path.join(HERE, "../../portal/pages/divert.html")
PORTALD = """
run-dir = "{folder}/run"
state-dir = "{folder}/state"
workers = 1
zone "guest" {{
	interface = "guest0"
	connection-limit = {limit}
	{ceilings}
	{lines}
}}
"""
NO_CEILINGS = "connection-ceiling = 1000000 packet-ceiling = 1000000"
OPENNDS = """
GatewayInterface guest0
GatewayName bench
MaxClients 5000
debuglevel 0
use_outdated_mhd 1
checkinterval 60
FirewallRuleSet authenticated-users {
	FirewallRule allow all
}
FirewallRuleSet users-to-router {
	FirewallRule allow udp port 53
	FirewallRule allow tcp port 80
}
"""
# openNDS has its paths built in, so it sees the unpacked packages in place.  It edits /etc/dnsmasq.conf and restarts
# services: it gets a copy of /etc, and commands that do nothing.  Nothing of the host changes.
IN_PLACE = """
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/bin /mnt/tmp
for name in systemctl service logger; do
	ln -s /bin/true /mnt/bin/$name
done
for name in iptables ip6tables; do
	ln -s /usr/sbin/xtables-legacy-multi /mnt/bin/$name
done
cp {folder}/dhcp.leases /mnt/tmp
mount -t overlay overlay -o lowerdir={root}/usr:/usr /usr
mount -t overlay overlay -o lowerdir={folder}/etc:{root}/etc:/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc
mount --bind /mnt/tmp /tmp
PATH=/mnt/bin:$PATH
exec "$@"
"""


class Unusable(Exception):
    """A rival that cannot run here, and why."""


def page(family, original):
    """What portald says to a guest who asks for `original`, with no configuration of pages."""
    origin = f"http://[{GATEWAY[6]}]" if family == 6 else f"http://{GATEWAY[4]}"
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    for name, value in {"lang": "en", "dir": "ltr", "refresh": "0", "venue": "Guest network",
                        "link": f"{origin}/login?to={original}"}.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


class Rival:
    packages = ()
    families = (4, 6)
    expected = 511
    slow = False	# so slow that only a few exchanges can be waited for
    floods = True	# worth flooding

    def __init__(self, tools):
        self.tools = tools	# folder of our own programs, of unpacked packages, of scratch files; the build folder

    def start(self, net, guests, guarded=False):
        """guarded: with limits per guest as they are by default, if the rival has such."""
        raise NotImplementedError

    def folder(self, net):
        path = os.path.join(self.tools.scratch, net.prefix)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o755)
        return path

    def launch(self, net, argv, before=()):
        self.log = os.path.join(self.folder(net), "log")
        self.child = net.spawn([*before, *net.command("gw", argv, GATEWAY_CORE)], self.log)


class Portald(Rival):
    def __init__(self, tools, lines):
        super().__init__(tools)
        self.lines = lines

    def start(self, net, guests, guarded=False):
        program, config = os.path.join(self.tools.build, "portald"), os.path.join(self.folder(net), "portald.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(PORTALD.format(folder=self.folder(net), limit=20 if guarded else 1000000,
                                 ceilings="" if guarded else NO_CEILINGS, lines=self.lines))
        checked = subprocess.run(net.command("gw", [program, "-n", "-c", config], GATEWAY_CORE), text=True,
                                 capture_output=True, check=False)
        if checked.returncode != 0:
            raise Unusable(checked.stderr.strip().splitlines()[-1].replace(self.folder(net) + "/", ""))
        self.launch(net, [program, "-c", config])


class Nginx(Rival):
    packages = ("nginx", "nginx-common")

    def start(self, net, guests, guarded=False):
        config = os.path.join(self.folder(net), "nginx.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(NGINX.format(folder=self.folder(net), **{
                f"page{family}": page(family, "http://$host$request_uri") for family in (4, 6)}))
        net.check("gw", ["nft", "-f", "-"], input=REDIRECT)
        self.launch(net, [os.path.join(self.tools.unpacked, "usr/sbin/nginx"), "-p", self.folder(net), "-c", config])


class Microhttpd(Rival):
    def start(self, net, guests, guarded=False):
        net.check("gw", ["nft", "-f", "-"], input=REDIRECT)
        self.launch(net, [os.path.join(self.tools.programs, "mhd511"), "8080", page(4, "http://www.example.com/0")])


class Null(Rival):
    """No portal: the least that can answer, to show what the load generator can do."""

    floods = False

    def start(self, net, guests, guarded=False):
        self.launch(net, [os.path.join(self.tools.programs, "reflector"), "guest0"])


class OpenNds(Rival):
    packages = ("opennds-daemon", "opennds-daemon-common", "iptables", "libip6tc2", "libip4tc2", "libxtables12",
                "libnfnetlink0", "libnetfilter-conntrack3")
    families = (4,)
    expected = 307	# and the page after it
    slow = True
    floods = False

    def start(self, net, guests, guarded=False):
        folder = self.folder(net)
        os.makedirs(os.path.join(folder, "etc/opennds"), exist_ok=True)
        self._write(folder, "etc/opennds/opennds.conf", OPENNDS)
        self._write(folder, "dhcp.leases", "".join(
            f"{int(time.time()) + 86400} {mac} {v4} * *\n" for mac, v4, _ in map(addresses, range(guests))))
        script = self._write(folder, "in-place", IN_PLACE.format(
            root=self.tools.unpacked, folder=folder))
        self.launch(net, ["/usr/bin/opennds", "-f"], before=("unshare", "--mount", "sh", "-e", script))

    @staticmethod
    def _write(folder, name, text):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return path


RIVALS = {
    "portald queue": lambda tools: Portald(tools, 'divert = "queue"'),
    "portald redirect": lambda tools: Portald(tools, 'divert = "redirect"'),
    "nginx": Nginx,
    "libmicrohttpd": Microhttpd,
    "openNDS": OpenNds,
    "null": Null,
}
BASELINE = "nginx"	# ratios are to it


def unpack(packages, folder):
    """Debian packages, unpacked and not installed: no service starts, and nothing of the host changes."""
    os.makedirs(folder, exist_ok=True)
    for package in packages:
        done = os.path.join(folder, f".{package}")
        if os.path.exists(done):
            continue
        work = os.path.join(folder, ".download")
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        found = subprocess.run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package], cwd=work,
                               capture_output=True, text=True, check=False)
        if found.returncode != 0:
            raise Unusable(f"package {package}: {found.stderr.strip()}")
        for name in os.listdir(work):
            subprocess.run(["dpkg", "-x", os.path.join(work, name), folder], check=True)
        shutil.rmtree(work)
        with open(done, "w", encoding="ascii"):
            pass
