#!/usr/bin/env python3
"""Times queries over HTTP: imports rows, starts a server, runs each query of workload.py several times, and compares the
results with those of SQLite on the same rows. Prints medians next to DuckDB's on the same machine and the targets.

    tools/bench/query_bench.py                              20,000 generated rows: a test of the results
    tools/bench/query_bench.py --data 10m.ilp --db DIR      line protocol of the reference data set

The exit code is 0 if all results are correct; times do not affect it.
"""
import argparse
import http.client
import json
import math
import os
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import workload

HERE = os.path.dirname(os.path.abspath(__file__))
LARGE_START = 1793577600  # 2026-11-02T00:00:00Z, the start of the reference data set
SMALL_START = 1730678400  # 2024-11-04T00:00:00Z: in the past for every clock


class Server:
    """`tocsin serve` on a free port, with its memory observed."""

    def __init__(self, tocsin, database):
        self.process = subprocess.Popen([tocsin, "serve", "--db", database, "--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ready = self.process.stdout.readline()
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)", ready).group(1))
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        self.anonymous_peak = 0  # KiB
        self.watching = True
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()

    def _watch(self):
        while self.watching:
            try:
                with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
                    found = re.search(r"RssAnon:\s*(\d+)", file.read())
            except OSError:
                return
            self.anonymous_peak = max(self.anonymous_peak, int(found.group(1)) if found else 0)
            time.sleep(0.01)

    def ask(self, text, parameters="remember=off"):
        """The parsed answer, an object with `rows` or `error`, and the milliseconds until its last byte."""
        begun = time.perf_counter()
        self.connection.request("POST", "/api/query?time=ns&" + parameters, text.encode())
        response = self.connection.getresponse()
        body = response.read()
        elapsed = (time.perf_counter() - begun) * 1000
        return json.loads(body), elapsed

    def cpu_ms(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.watching = False
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.process.stdout.close()


def evict(folder):
    """Drops the files' pages from the page cache."""
    for parent, _, names in os.walk(folder):
        for name in names:
            handle = os.open(os.path.join(parent, name), os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def expected_answers(rows, questions):
    """SQLite's result of each query."""
    connection = sqlite3.connect("")  # a temporary file that SQLite keeps in memory while it is small
    names = ", ".join(f'"{name}"' for name in workload.COLUMNS)
    connection.execute(f"CREATE TABLE logs ({names})")
    connection.executemany(f"INSERT INTO logs VALUES ({', '.join('?' * len(workload.COLUMNS))})", rows)
    return {question.key: connection.execute(question.sql).fetchall() for question in questions}


def stored_answers(path, data, questions):
    """expected_answers, kept in `path` because they take minutes for a large file."""
    if path and os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            answers = json.load(file)
        if answers.keys() == {question.key for question in questions}:
            return answers
    with open(data, encoding="utf-8") as file:
        answers = expected_answers(map(workload.row_of, file), questions)
    if path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(answers, file)
    return answers


def equal(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return a is not None and b is not None and math.isclose(a, b, rel_tol=1e-9)
    return a == b


def differences(expected, answer):
    """Describes what is wrong with the result, or returns nothing if it is correct. Ties may come in any order."""
    if "error" in answer:
        return answer["error"].splitlines()[0]
    rows = answer["rows"]
    if len(expected) != len(rows):
        return f"{len(rows)} rows instead of {len(expected)}"
    for want, got in zip(sorted(map(list, expected), key=repr), sorted(rows, key=repr)):
        if len(want) != len(got) or not all(map(equal, want, got)):
            return f"{got} instead of {want}"
    return ""


def median_ms(server, question, runs, parameters):
    """Median wall-clock time and mean CPU time of the server, over `runs` queries after one to warm up."""
    server.ask(question.text, parameters)
    cpu = server.cpu_ms()
    times = [server.ask(question.text, parameters)[1] for _ in range(runs)]
    return statistics.median(times), (server.cpu_ms() - cpu) / runs


def number(value):
    return "" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def measure(arguments, database, questions, answers):
    """Prints the table; returns the number of wrong results."""
    cold = {}
    if arguments.cold:
        for question in questions:  # each in its own process, so that none warms up another
            evict(database)
            with Server(arguments.tocsin, database) as server:
                cold[question.key] = server.ask(question.text)[1]
    wrong = 0
    with Server(arguments.tocsin, database) as server:
        print("| question | median ms | remembering | CPU ms | target | DuckDB | cold | DuckDB cold | answer |\n|---|" + "---|" * 8)
        for question in questions:
            fault = differences(answers[question.key], server.ask(question.text)[0])
            wrong += fault != ""
            elapsed, cpu = median_ms(server, question, arguments.runs, "remember=off")
            remembering = median_ms(server, question, arguments.runs, "remember=on")[0]
            cells = [f"{question.key} {question.title}", number(elapsed), number(remembering), number(cpu), question.target_ms,
                     number(question.peer_ms), number(cold.get(question.key)), question.peer_cold_ms, fault or "right"]
            print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
    print(f"\npeak RssAnon {server.anonymous_peak / 1024:.0f} MiB")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tocsin", default=os.environ.get("TOCSIN", os.path.join(HERE, "../../build/release/tools/tocsin")))
    parser.add_argument("--data", help="line protocol; by default, rows are generated")
    parser.add_argument("--rows", type=int, default=20_000, help="number of rows to generate")
    parser.add_argument("--db", help="the database's folder; data is imported if it does not exist [default: temporary]")
    parser.add_argument("--expected", help="file that keeps the expected results between runs")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--cold", action="store_true", help="also time the first run after a restart with evicted pages")
    parser.add_argument("--only", help="keys of queries to run, like 1,8b")
    arguments = parser.parse_args()

    clock = workload.Clock(LARGE_START if arguments.data else SMALL_START)
    questions = workload.questions(clock)
    with tempfile.TemporaryDirectory() as folder:
        database = arguments.db or os.path.join(folder, "db")
        data = arguments.data
        if data:
            answers = stored_answers(arguments.expected, data, questions)
        else:
            data = os.path.join(folder, "rows.lp")
            rows = workload.small_rows(arguments.rows, clock)
            answers = expected_answers(rows, questions)
            with open(data, "w", encoding="utf-8") as file:
                file.writelines(map(workload.line_of, rows))
        if not os.path.exists(database):
            subprocess.run([arguments.tocsin, "import", "--db", database, data], check=True, stdout=subprocess.DEVNULL)
        if arguments.only:
            questions = [question for question in questions if question.key in arguments.only.split(",")]
        sys.exit(1 if measure(arguments, database, questions, answers) else 0)


if __name__ == "__main__":
    main()
