# SPDX-License-Identifier: GPL-2.0-or-later
"""What the portal's TLS takes and what it refuses, probed with hellos made by hand and with openssl: old versions, weak
ciphers, compression, renegotiation, resumption, early data, and what is no TLS at all."""
import http.client
import os
import random
import re
import ssl
import struct
import subprocess

import pytest

import gateway
import hello as tls
from authority import NAME, Authority
from browser import Browser, s_client
from conftest import families
from guest import read_all
from namespace import wait_until

ECDSA = [0xc02b, 0xc02c, 0xcca9]  # ECDHE with AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305
RSA = [0xc02f, 0xc030, 0xcca8]
SUITES13 = [0x1301, 0x1302, 0x1303]
FILES = {"ec": ECDSA, "rsa": RSA}


class Place:
    def __init__(self, lab):
        self.lab = lab
        self.ca = Authority(os.path.join(lab.folder, "ca"))
        self.ca.issue("ec")
        self.ca.issue("rsa", kind=("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"))
        self.guest, self.other = lab.add_guest("g1"), lab.add_guest("g2")
        self.gw = gateway.Gateway(lab, globals_=self.ca.keys("ec"))
        self.gw.grant(self.guest)  # the limits of strangers are no matter of TLS
        self.file = "ec"

    def use(self, file):
        if file == self.file:
            return
        before = self.gw.globals
        self.gw.globals = before.replace(self.ca.keys(self.file), self.ca.keys(file))
        self.gw.write_config(gateway.ONE_ZONE)
        self.gw.reload_now()
        self.file = file
        wait_until(lambda: tls.offer(self.guest, 4, suites=FILES[file]).kind == "hello", what="all workers have the pair")


@pytest.fixture(scope="module")
def running(make_lab):
    return Place(make_lab())


@pytest.fixture
def place(running):
    """After the test the portal still serves, by the same processes."""
    before = running.gw.all_pids()
    yield running
    for family in (4, 6):
        assert Browser(running.other, running.ca, family).get(f"https://{NAME}/")[0] == 200
    assert running.gw.all_pids() == before and running.gw.process.alive()


both_keys = pytest.mark.parametrize("file", FILES)


@families
@both_keys
def test_versions(place, family, file):
    """TLS 1.2 and 1.3, and nothing older, by number or by the list of versions."""
    place.use(file)
    for version in (tls.TLS12, tls.TLS13):
        got = tls.offer(place.guest, family, version)
        assert (got.kind, got.version) == ("hello", version)
    for version in (tls.SSL3, tls.TLS10, tls.TLS11):
        assert tls.offer(place.guest, family, version).kind in ("alert", "closed"), hex(version)
        listed = tls.extension(43, tls.vector(tls.numbers([version]), 1))
        assert tls.offer(place.guest, family, tls.TLS12, more=listed).kind in ("alert", "closed"), hex(version)
    sslv2 = bytes.fromhex("802e0100020015000000100100800200800300800400800500800600400700c0") + os.urandom(16)
    assert tls.ask(place.guest, family, sslv2).kind in ("alert", "closed")


@families
@both_keys
def test_ciphers(place, family, file):
    """Of all that were ever assigned exactly these, in this order: no RSA key exchange, no CBC, RC4, 3DES, NULL, export,
    anonymous, finite fields."""
    place.use(file)
    assert tls.accepted(place.guest, family, tls.TLS12, tls.SUITES) == FILES[file]
    assert tls.accepted(place.guest, family, tls.TLS13, tls.SUITES) == SUITES13
    backwards = tls.offer(place.guest, family, suites=FILES[file][::-1])
    assert backwards.suite == FILES[file][0], "the server's order counts"


@both_keys
def test_groups_and_signatures(place, file):
    place.use(file)
    for version in (tls.TLS12, tls.TLS13):
        fine = {g for g in tls.GROUPS if tls.offer(place.guest, 4, version, groups=[g]).kind == "hello"}
        assert fine == {tls.X25519, tls.P256, tls.P384}
        assert tls.offer(place.guest, 4, version, signatures=tls.SHA1).kind in ("alert", "closed"), "SHA-1 signs nothing"


def test_no_downgrade(place):
    """A client that says it fell back from 1.3 is stopped (RFC 7507)."""
    place.use("ec")
    assert tls.offer(place.guest, 4, suites=ECDSA).kind == "hello"
    assert tls.offer(place.guest, 4, suites=ECDSA + [tls.FALLBACK]).kind in ("alert", "closed")


def test_what_a_hello_brings_back(place):
    """No compression, no heartbeat, no session ticket, no early data; secure renegotiation and the extended master secret."""
    more = b"".join(tls.extension(kind, data) for kind, data in ((15, b"\x01"), (35, b""), (23, b"")))
    got = tls.offer(place.guest, 4, compression=b"\x01\x40\x00", more=more)
    assert got.kind == "hello" and got.compression == 0
    assert set(got.extensions) >= {23, 0xff01} and not set(got.extensions) & {15, 35, 42}
    assert tls.offer(place.guest, 4, compression=b"\x01").kind in ("alert", "closed")


def interactive(place, version, *options, say=""):
    """openssl s_client with a typed line; everything it says until the server closes or `say` is answered."""
    script = f"({say} sleep 1) | exec openssl s_client -connect {place.guest.gateway[4]}:443 -servername {NAME} {version} " \
        + " ".join(options)
    return place.guest.run(["sh", "-c", script + " 2>&1"]).stdout


def test_no_renegotiation(place):
    """The second handshake of a connection does not come."""
    text = interactive(place, "-tls1_2", say="echo R;")
    assert text.count("\nCONNECTED") + text.startswith("CONNECTED") == 1 and "RENEGOTIATING" in text
    after = text.partition("RENEGOTIATING")[2]
    assert "verify return" not in after and "depth=" not in after and "Cipher is" not in after
    control = interactive(place, "-tls1_2", "-ign_eof", say="printf 'GET / HTTP/1.0\\r\\n\\r\\n';")
    assert "HTTP/1.1 303" in control or "HTTP/1.0 303" in control, "the same without R is served"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_no_resumption(place, version, tmp_path):
    """There is nothing to resume by: no ticket, however long the client listens, and no id that is known afterwards."""
    def visit(*options):
        return place.guest.run(["sh", "-c", "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -ign_eof -connect "
                                f"{place.guest.gateway[4]}:443 -servername {NAME} {version} {' '.join(options)} 2>&1"]).stdout

    kept = tmp_path / "session"
    first = visit("-sess_out", str(kept))
    again = visit("-sess_in", str(kept)) if kept.exists() else first  # openssl keeps what could be resumed
    for text in (first, again):
        assert "\nNew, TLSv1" in text and "Reused" not in text and "HTTP/1." in text
        assert "session ticket" not in text.lower().replace("no session ticket", "")


def test_alpn(place):
    """HTTP/1.1, and nothing that portald does not speak."""
    for offered, expected in (("http/1.1", "ALPN protocol: http/1.1"), ("h2,http/1.1", "ALPN protocol: http/1.1"),
                              ("h2", "No ALPN negotiated"), ("spdy/3", "No ALPN negotiated")):
        assert expected in s_client(place.guest, 4, "-alpn", offered)


@families
@pytest.mark.parametrize("name", [None, b"", b"a" * 300, b"a\0b", b"..", b"*", b"\xff\xfe", b"192.0.2.1", b"x" * 60000])
def test_strange_names(place, family, name):
    """SNI that is missing, or no name at all: the zone's own certificate, or an end; never another one."""
    got = tls.offer(place.guest, family, name=name)
    assert got.kind in ("alert", "closed") or got.suite == FILES[place.file][0]
    if name in (None, b"..", b"192.0.2.1"):
        assert got.kind == "hello"


@families
@pytest.mark.parametrize("size", [1, 20, 16384])
def test_a_hello_in_pieces(place, family, size):
    """Records as small as can be, and a message of several of the largest."""
    message = tls.hello(more=tls.extension(21, bytes(40000 if size == 16384 else 100)))
    assert tls.ask(place.guest, family, tls.records(message, size=size)).kind == "hello"


@families
def test_huge_hellos(place, family):
    """Beyond 64 KiB they end, before more of them is taken than sockets hold; and records that are too long."""
    length = (1 << 24) - 1
    with place.guest.connect(place.guest.gateway[family], 443, timeout=30.0) as sock, \
            pytest.raises((ConnectionResetError, BrokenPipeError)):
        sock.sendall(tls.records(b"\x01" + length.to_bytes(3, "big") + bytes(length)))
    assert tls.ask(place.guest, family, struct.pack("!BHH", 22, 0x0301, 65535) + bytes(65535)).kind in ("alert", "closed")


@families
def test_a_body_is_read_to_the_end(place, family, tmp_path):
    """More than a handshake may have."""
    (tmp_path / "body").write_bytes(bytes(1_000_000))
    status, _, _ = Browser(place.guest, place.ca, family).get(f"https://{NAME}/login", "-H", "Transfer-Encoding: chunked",
                                                              "-H", "Expect:", "-X", "POST", "-T", str(tmp_path / "body"))
    assert 400 <= status < 500


@families
def test_as_much_as_can_be_said(place, family):
    """A connection ends that has said 2 MiB, however nicely."""
    request = b"GET /style.css HTTP/1.1\r\nHost: " + NAME.encode() + b"\r\nX: " + bytes(8000).replace(b"\0", b"x") + b"\r\n\r\n"
    context, said = ssl.create_default_context(cafile=place.ca.path("ca.pem")), 0
    with place.guest.connect(place.guest.gateway[family], 443, timeout=30.0) as plain, \
            context.wrap_socket(plain, server_hostname=NAME) as sock, pytest.raises((OSError, http.client.HTTPException)):
        while said < 4 << 20:
            sock.sendall(request)
            response = http.client.HTTPResponse(sock)
            response.begin()
            assert response.status == 200 and response.read() and not response.will_close
            said += len(request)
    assert 1_900_000 < said < 2 << 20


@families
def test_plain_http_on_the_tls_port(place, family):
    for request in (b"GET / HTTP/1.1\r\nHost: portal.test\r\n\r\n", b"POST /login HTTP/1.0\r\n\r\n", b"\n", b"SSH-2.0-x\r\n"):
        got = tls.ask(place.guest, family, request + bytes(100))
        assert got.kind in ("alert", "closed")


def test_noise(place):
    """Random bytes, some of which begin like a record or a hello, and hellos of which some bytes are others."""
    rng = random.Random(7)
    good = tls.records(tls.hello(tls.TLS13))
    for i in range(300):
        data = bytearray(rng.randbytes(rng.randrange(1, 600)))
        if i % 3 == 1:
            data[:5] = struct.pack("!BHH", 22, 0x0303, max(len(data) - 5, 1))
        elif i % 3 == 2:
            data = bytearray(good)
            for _ in range(rng.randrange(1, 8)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        with place.guest.connect(place.guest.gateway[4 + i % 2 * 2], 443) as sock:
            sock.sendall(data)


def test_slow_handshakes(place):
    """One that stops, and one that sends a byte now and then, hold nobody up and are cut before they have said it all."""
    guest = place.guest
    data, sent = tls.records(tls.hello(suites=ECDSA, more=tls.extension(21, bytes(100)))), 0
    with guest.connect(guest.gateway[4], 443, timeout=90.0) as stopped, \
            guest.connect(guest.gateway[6], 443, timeout=0.5) as slow:
        stopped.sendall(data[:50])
        while True:
            try:
                slow.sendall(data[sent:sent + 1])
                sent += 1
                assert sent < len(data), "it may take as long as it likes"
                read_all(slow)
                break
            except TimeoutError:
                assert Browser(place.other, place.ca, 6).get(f"https://{NAME}/")[0] == 200
            except (ConnectionResetError, BrokenPipeError):
                break
        assert len(read_all(stopped)) < 10, "an alert at most"


CHECK = [
    ("future", 0, "certificate: it is not valid yet, browsers warn of the login page; look at the clock, or wait for 5 days"),
    ("expired", 0, "certificate: it has expired"),
    ("soon", 0, "certificate: it expires in 2 days; renew it"),
    ("unsorted", 1, "certificate: the certificates are not in order"),
    ("alone", 0, "certificate: an intermediate certificate is missing"),
    ("long", 1, "certificate: there are more than 10 certificates in it"),
    ("text", 1, "certificate: there is no certificate in PEM in it"),
    ("locked", 1, "certificate-key: there is no key in PEM, without a password, in it"),
    ("whole", 0, ""),
]


@pytest.fixture(scope="module")
def pairs(running):
    ca = running.ca
    aia = "authorityInfoAccess=caIssuers;URI:http://ca.test/i.cer\n"
    ca.issue_intermediate("middle")
    ca.issue("alone", more=aia, ca="middle")
    ca.join("whole", "alone", "middle")
    ca.join("unsorted", "middle", "alone")
    ca.issue("future", days=30, start=5)
    ca.issue("expired", days=-1)
    ca.issue("soon", days=2.5)
    ca.join("long", "ec", *["ca"] * 10)
    ca.join("text", "ec")
    ca.write("text.pem", "no certificate\n")
    ca.join("locked", "ec")
    ca.openssl("pkey", "-in", "ec.key", "-aes128", "-passout", "pass:secret", "-out", "locked.key")
    return ca


@pytest.mark.parametrize("file, status, text", CHECK, ids=[row[0] for row in CHECK])
def test_bad_certificates(running, pairs, file, status, text):
    """Each with its own message and line."""
    good = running.gw.globals
    running.gw.globals = good.replace(pairs.keys(running.file), pairs.keys(file))
    running.gw.write_config(gateway.ONE_ZONE)
    done = running.gw.check_config()
    running.gw.globals = good
    running.gw.write_config(gateway.ONE_ZONE)
    assert done.returncode == status, done.stderr
    assert re.search(rf"portald\.conf:\d+: {re.escape(text)}", done.stderr) if text else "certificate" not in done.stderr


def test_what_a_missing_intermediate_means(pairs):
    """Without it openssl does not trust the certificate, with it it does."""
    verify = ["openssl", "verify", "-CAfile", pairs.path("ca.pem")]
    alone = subprocess.run([*verify, pairs.path("alone.pem")], capture_output=True, check=False)
    whole = subprocess.run([*verify, "-untrusted", pairs.path("whole.pem"), pairs.path("alone.pem")], capture_output=True,
                           check=False)
    assert alone.returncode != 0 and whole.returncode == 0
