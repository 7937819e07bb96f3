# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a guest's namespace: many TLS connections with requests under way, until it is ended with SIGTERM.

    tls_client.py CA-FILE NAME CONNECTIONS ADDRESS...

Each connection is one line for its handshake, "H START SERIAL", and one for its end, "C START END REQUESTS"; what fails is
"F TEXT".  Times are of the monotonic clock, which all namespaces share.
"""
import asyncio
import signal
import ssl
import sys
import time

PATHS = ("/style.css", "/api", "/status")  # the last two ask the engine
HANDSHAKE_MAX = 60.0


async def ask(reader, writer, name, path):
    """One request; whether the connection may have another."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nAccept: */*\r\n\r\n".encode())
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    if " 200 " not in head.partition("\r\n")[0]:
        raise ValueError(f"{path}: {head.partition(chr(13))[0]}")
    await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
    return "connection: close" not in head


async def connect_once(number, address, name, context):
    start = time.monotonic()
    reader, writer = await asyncio.wait_for(
        asyncio.open_connection(address, 443, ssl=context, server_hostname=name), HANDSHAKE_MAX)
    try:
        print("H", start, writer.get_extra_info("peercert")["serialNumber"], flush=True)
        requests, more = 0, True
        while more and (number % 2 == 0 or requests < 5):  # one half for as long as the server lets them
            more = await ask(reader, writer, name, PATHS[requests % len(PATHS)])
            requests += 1
            await asyncio.sleep(0.1)
        print("C", start, time.monotonic(), requests, flush=True)
    finally:
        writer.close()


async def connect_again_and_again(number, address, name, context, stopped):
    while not stopped.is_set():
        try:
            await connect_once(number, address, name, context)
        except (OSError, ssl.SSLError, ValueError, EOFError, asyncio.TimeoutError) as e:
            print("F", address, type(e).__name__, e, flush=True)


async def main(ca, name, count, *addresses):
    context = ssl.create_default_context(cafile=ca)
    stopped = asyncio.Event()
    tasks = [asyncio.create_task(connect_again_and_again(i, addresses[i // 2 % len(addresses)], name, context, stopped))
             for i in range(int(count))]
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await asyncio.gather(*tasks)


asyncio.run(main(*sys.argv[1:]))
