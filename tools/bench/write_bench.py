#!/usr/bin/env python3
"""Times acknowledged writes of one row each on one connection, over HTTP and over TCP with `ack=on`, next to the
fdatasync calls that the same disk allows.

    tools/bench/write_bench.py                          a few writes: a test that all of them are stored
    tools/bench/write_bench.py --writes 2000 --dir DIR  on the disk of DIR

The exit code is 0 if every row is stored; times do not affect it.
"""
import argparse
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCK = bytes(4096)


def rate(count, work):
    """How often per second `work` ran, of `count` times in a row."""
    start = time.perf_counter()
    for number in range(count):
        work(number)
    return count / (time.perf_counter() - start)


def sync_rate(directory, count):
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        def append(_):
            file.write(BLOCK)
            os.fdatasync(file.fileno())
        return rate(count, append)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--writes", type=int, default=20)
    parser.add_argument("--dir", help="where the database is made (default: the temporary folder)")
    parser.add_argument("--tocsin", default=os.environ.get(
        "TOCSIN", os.path.join(HERE, "../../build/release/tools/tocsin")))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-", dir=options.dir) as folder:
        before = sync_rate(folder, options.writes)
        server = subprocess.Popen([options.tocsin, "serve", "--db", os.path.join(folder, "data"),
                                   "--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            ready = server.stdout.readline()
            port = int(re.search(r"http://127\.0\.0\.1:(\d+)", ready).group(1))
            tcp_port = int(re.search(r"tcp 127\.0\.0\.1:(\d+)", ready).group(1))
            web = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

            def post(number):
                web.request("POST", "/write", f"over_http n={number}i\n")
                response = web.getresponse()
                response.read()
                if response.status != 204:
                    raise RuntimeError(f"POST /write: {response.status}")

            http_rate = rate(options.writes, post)
            with socket.create_connection(("127.0.0.1", tcp_port), timeout=60) as line_port:
                answers = line_port.makefile("r")
                line_port.sendall(b"# tocsin ack=on\n")

                def send(number):
                    line_port.sendall(f"over_tcp n={number}i\n".encode())
                    while f"+OK {number + 2}\n" != (answer := answers.readline()):
                        if not answer.startswith("+OK"):
                            raise RuntimeError(f"line port: {answer!r}")

                tcp_rate = rate(options.writes, send)
            after = sync_rate(folder, options.writes)
            counts = {}
            for measurement in ("over_http", "over_tcp"):
                web.request("POST", "/api/query", f"from {measurement} | stats n = count()")
                ((counts[measurement],),) = json.loads(web.getresponse().read())["rows"]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
            server.stdout.close()
    syncs = (before + after) / 2
    print(f"fdatasync  {syncs:8.0f}/s ({before:.0f} before, {after:.0f} after)")
    print(f"HTTP       {http_rate:8.0f}/s ({http_rate / syncs:.2f} of the disk's)")
    print(f"ack=on     {tcp_rate:8.0f}/s ({tcp_rate / syncs:.2f} of the disk's)")
    if set(counts.values()) != {options.writes}:
        print(f"expected {options.writes} rows of each, found {counts}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
