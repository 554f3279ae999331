#!/usr/bin/env python3
"""Makes a golden database of the current format: make_golden.py PROGRAM FOLDER.

PROGRAM is the `tocsin` of the commit whose format is to be kept; FOLDER gets the database `data` and its rows,
`expected.lp`. A golden database is made once and never again: it represents the databases that users have.

The database has two UTC days with sealed segments of every encoding (imports), a merge of sealed ones (compact), hot
segments, values of several types in one column, rejected lines, alerts with their rule state and outbox entries (a
rule that fires, a receiver that is not there), and the positions of a followed file.
"""
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

DAY_NS = 86_400_000_000_000
START_NS = 1_795_564_800_000_000_000  # 2026-11-25T00:00:00Z: the rows are of this day and the one before
SERVICES = ["payment", "login", "orders", "search"]


def line(measurement, tags, fields, time_ns):
    keys = "".join(f",{key}={value}" for key, value in tags.items())
    return f"{measurement}{keys} " + ",".join(f"{k}={v}" for k, v in fields.items()) + f" {time_ns}"


def numbers(rng, day):
    """Every number type, packed, repeated, decimal and raw; a bitmap and a list as null maps."""
    for i in range(130):
        fields = {
            "count": f"{rng.randrange(-500, 500)}i",
            "big": f"{rng.choice([-2**63, 2**63 - 1, 0])}i",
            "unsigned": f"{rng.randrange(2**64)}u",
            "connection": f"{rng.choice(CONNECTIONS)}u",
            "celsius": repr(1 / 3) if i % 20 == 0 else rng.randrange(-300, 400) / 10,
            "noise": repr(rng.gauss(0, 1)),
            "ok": rng.choice(["t", "f"]),
        }
        if i % 3 == 0:
            fields["often_null"] = f"{i}i"
        if i % 60 == 7:
            fields["rarely_set"] = repr(rng.random())
        yield line("numbers", {"host": rng.choice("abc")}, fields, day + i * 1_000_000_000 + rng.randrange(1000))


def texts(rng, day):
    """Dictionaries, templates with variables, ids, whole texts, and compressed blocks."""
    for i in range(130):
        user, milliseconds, code = rng.randrange(900), rng.randrange(5000), rng.randrange(2**32)
        message = rng.choice([f"user {user} logged in after {milliseconds} ms", f"request {code:08x} of user {user} failed",
                              f"cache miss for key item-{user:05d}", "shutting down"])
        if i % 40 == 0:
            message = f"no template: {''.join(rng.choices('abcdefghij ', k=12))}"
        fields = {
            "message": f'"{message}"',
            "transaction": f'"tx-{code:08x}"',
            "status": rng.choice(['"OK"', '"FAILED"']),
            "payload": '"' + "".join(rng.choices("abcdefghijklmnop ", k=20)) + '"',
        }
        if i % 5 == 0:
            fields["comment"] = rng.choice(['"a\\\\b"', '"Grüße"', '"a quote \\" inside"', '""'])
        yield line("texts", {"service": rng.choice(SERVICES), "region": "north"}, fields, day + i * 20_000_000_000)


def vectors(_rng, day):
    """More rows than are decoded at a time."""
    for i in range(2200):
        yield line("v", {}, {"even" if i % 2 == 0 else "odd": f"{i}i"}, day + i)


def mixed(day):
    """Columns with values of several types."""
    values = [30, "error", True, 2**64 - 1]
    for i in range(60):
        yield json.dumps({"measurement": "mixed", "time": day + i, "value": values[i % 4]})


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def post(port, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/write", data=body.encode(), method="POST")
    try:
        urllib.request.urlopen(request, timeout=10).read()
    except urllib.error.HTTPError:
        pass  # rejected lines: 400


def serve(program, work, database):
    """Hot segments, rejected lines, an alert, its outbox entry and the position of a followed file."""
    port, nobody = free_port(), free_port()
    (work / "logs" / "audit").mkdir(parents=True)
    (work / "rules.yml").write_text("""groups:
  - name: golden
    interval: 1s
    rules:
      - alert: PaymentsFail
        type: PAYMENTS_FAIL
        expr: |
          from audit last 1h
          | stats failures = count() where status == "FAILED" by service
          | where failures >= 3
        value: failures
        severity:
          - HIGH
        annotations:
          summary: "{{ service }}: {{ failures }} failures"
""")
    (work / "tocsin.yml").write_text(f"""store:
  directory: {database}
listen:
  tcp: off
  http: 127.0.0.1:{port}
tail:
  - paths: [{work}/logs/*/*.json]
forwarders:
  - name: nobody
    url: http://127.0.0.1:{nobody}/
rules:
  files: [{work}/rules.yml]
  delay: 1s
""")
    server = subprocess.Popen([program, "serve", "--config", work / "tocsin.yml"])
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        events = [{"service": "payment", "status": "FAILED", "duration_ms": 12.5 + i} for i in range(4)]
        (work / "logs" / "audit" / "today.json").write_text("".join(json.dumps(event) + "\n" for event in events))
        for i in range(3):  # three commits: three hot segments of each measurement
            rows = [line("numbers", {"host": "hot"}, {"count": f"{i}i", "celsius": i / 4}, START_NS + DAY_NS // 2 + i)]
            rows += [line("late", {}, {"value": f"{i}i"}, START_NS - DAY_NS + i)]
            post(port, "\n".join(rows))
        post(port, f'late value="no number" {START_NS}\nnot a line\n')
        time.sleep(8)
    finally:
        server.terminate()
        server.wait()


def main():
    program, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    rng = random.Random(1)
    global CONNECTIONS
    CONNECTIONS = [rng.randrange(2**50) for _ in range(12)]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        database = work / "data"
        for part, make in enumerate([numbers, texts, vectors]):
            for day in (START_NS,) if make is vectors else (START_NS - DAY_NS, START_NS):
                rows = list(make(rng, day))
                cut = len(rows) if make is vectors else len(rows) * 3 // 4
                for imported in filter(None, (rows[:cut], rows[cut:])):
                    (work / "rows.lp").write_text("\n".join(imported) + "\n")
                    subprocess.run([program, "import", "--db", database, work / "rows.lp"], check=True)
            if part == 0:
                subprocess.run([program, "compact", "--db", database], check=True)
        (work / "rows.json").write_text("\n".join(mixed(START_NS)) + "\n")
        subprocess.run([program, "import", "--db", database, work / "rows.json"], check=True)
        serve(program, work, database)
        # The copy has a compact catalog.
        shutil.rmtree(folder / "data", ignore_errors=True)
        subprocess.run([program, "backup", "--db", database, folder / "data"], check=True)
        # Line protocol cannot represent all of `mixed`, whose rows the test knows.
        subprocess.run([program, "export", "--db", folder / "data", "--own", "--lossy", "--output", folder / "expected.lp"],
                       check=True)
        for name in ("catalog.mdb-lock", "writer.lock"):
            (folder / "data" / name).unlink(missing_ok=True)


main()
