#!/usr/bin/env python3
"""Times acknowledged writes of one row each, one after the other on one connection: over HTTP, and over TCP with
`ack=on`. Compares them with how often the same disk can rewrite a page durably (pwrite and fdatasync of 4 KiB).

    tools/bench/write_bench.py                                     a test that every row is stored
    tools/bench/write_bench.py --rounds 7 --seconds 2 --dir DIR    measures, on the disk of DIR

Each round times the disk, HTTP and TCP in turn. Ratios are those within a round; the last line has the medians. A
commit of LMDB waits for the disk twice, so no ratio can exceed 0.5. The exit code is 0 if every row is stored; times
do not affect it.
"""
import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = bytes(4096)
PAGE_COUNT = 64


def rate(seconds, work):
    """How often per second `work` ran; at least once."""
    start = time.perf_counter()
    count = 0
    while True:
        work()
        count += 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return count / elapsed


class Disk:
    """Rewrites the pages of a file in place."""

    def __init__(self, directory):
        self.file = tempfile.TemporaryFile(dir=directory, buffering=0)
        self.file.write(PAGE * PAGE_COUNT)
        os.fsync(self.file.fileno())
        self.count = 0

    def write(self):
        os.pwrite(self.file.fileno(), PAGE, self.count % PAGE_COUNT * len(PAGE))
        os.fdatasync(self.file.fileno())
        self.count += 1


class Client:
    """Sends rows over a plain socket, which costs less time than http.client."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.count = 0

    def exchange(self, request, end):
        self.socket.sendall(request)
        answer = b""
        while not answer.endswith(end):
            received = self.socket.recv(4096)
            if not received:
                raise RuntimeError(f"the server closed the connection after {answer!r}")
            answer += received
        return answer


class HttpClient(Client):
    measurement = "over_http"

    def write(self):
        line = b"over_http n=%di\n" % self.count
        answer = self.exchange(b"POST /write HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
                               % (len(line), line), b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 204 "):
            raise RuntimeError(f"POST /write: {answer!r}")
        self.count += 1


class TcpClient(Client):
    measurement = "over_tcp"

    def __init__(self, port):
        super().__init__(port)
        self.exchange(b"# tocsin ack=on\n", b"+OK 1\n")

    def write(self):
        self.exchange(b"over_tcp n=%di\n" % self.count, b"+OK %d\n" % (self.count + 2))
        self.count += 1


def measure(options, folder, port, tcp_port):
    clients = [HttpClient(port), TcpClient(tcp_port)]
    disk = Disk(folder)
    rounds = []
    for number in range(options.rounds):
        rates = [rate(options.seconds, client.write) for client in (disk, *clients)]
        rounds.append((*rates, rates[1] / rates[0], rates[2] / rates[0]))
        show(f"round {number + 1}", rounds[-1])
    show("median", [statistics.median(column) for column in zip(*rounds)])
    return clients


def show(name, values):
    disk, http, tcp, http_ratio, tcp_ratio = values
    print(f"{name:8} disk {disk:6.0f}/s   HTTP {http:6.0f}/s ({http_ratio:.2f})   "
          f"TCP {tcp:6.0f}/s ({tcp_ratio:.2f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.1, help="for each of the three in a round [0.1]")
    parser.add_argument("--dir", help="where the database is made (default: the temporary folder)")
    parser.add_argument("--tocsin", default=os.environ.get(
        "TOCSIN", os.path.join(HERE, "../../build/release/tools/tocsin")))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-", dir=options.dir) as folder:
        server = subprocess.Popen([options.tocsin, "serve", "--db", os.path.join(folder, "data"),
                                   "--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            ready = server.stdout.readline()
            port = int(re.search(r"http://127\.0\.0\.1:(\d+)", ready).group(1))
            tcp_port = int(re.search(r"tcp 127\.0\.0\.1:(\d+)", ready).group(1))
            clients = measure(options, folder, port, tcp_port)
            stored = {}
            for client in clients:
                query = urllib.parse.urlencode({"q": f"from {client.measurement} | stats n = count()"})
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/query?{query}", timeout=60) as answer:
                    ((stored[client.measurement],),) = json.load(answer)["rows"]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
            server.stdout.close()
    sent = {client.measurement: client.count for client in clients}
    if stored != sent:
        print(f"stored {stored} rows, but sent {sent}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
