#!/usr/bin/env python3
"""What queries may cost a server: twenty that ask for far too much, alone and 50 at once.

Prints the peak of the server's memory (VmHWM) for each. With TOCSIN_LONG=ROWS, on that many rows instead of a few.
"""
import concurrent.futures
import os
import re
import sys
import time
import unittest

import support

ROWS = int(os.environ.get("TOCSIN_LONG", "40000"))
BIG_TEXTS = 24  # of nearly 1 MiB
MIB_PER_QUERY = 256
# What an idle server may keep of the memory that queries used: it gives the rest back within seconds.
MIB_KEPT = 100
QUERY_THREADS = 2
START = 1730678400  # 2024-11-04T00:00:00Z: in the past for every clock
RANGE = "between 2024-11-04 and 2024-11-05"


def doubled(times):
    """Definitions of a0 to aN, each twice as long as the one before."""
    return "let a0 = message, " + ", ".join(f"a{i} = concat(a{i - 1}, a{i - 1})" for i in range(1, times + 1))


TENFOLD = 'replace({}, "a", "aaaaaaaaaa")'
BOMB = "message"
for _ in range(8):
    BOMB = TENFOLD.format(BOMB)

# A name, a query, and what its answer must contain: `error` with that text, or rows.
QUERIES = [
    ("concat doubled 40 times", f"from ev | limit 1 | {doubled(40)} | let l = length(a40) | keep l", "1 MiB"),
    ("replace nested 8 times", f"from ev | limit 1 | let l = length({BOMB}) | keep l", "1 MiB"),
    ("constants nested 8 times", 'from ev | limit 1 | let l = length(' + BOMB.replace("message", '"aaaaaaaaaa"') + ")", "1 MiB"),
    ("a long text for every row", f"from ev | {doubled(13)} | stats n = sum(length(a13))", "memory"),
    ("a long text for every entry", f"from ev | let t = {TENFOLD.format(TENFOLD.format(TENFOLD.format('kind')))}, "
     "u = concat(t, t, t, t) | stats n = sum(length(u))", None),
    ("one text in all rows of the answer", f"from ev | let t = {TENFOLD.format(TENFOLD.format(TENFOLD.format('kind')))}, u = concat(t, t, t, t) | keep u",
     "memory"),
    ("samples of big texts", "from big | stats s = sample(message, 100) by id", None),
    ("samples of long texts", f"from ev | {doubled(8)} | stats s = sample(a8, 100) by id", "memory"),
    ("longest text per group", f"from ev | {doubled(8)} | stats s = max(a8) by id", "memory"),
    ("distinct long texts", f"from ev | {doubled(8)} | stats s = count_distinct(a8)", "memory"),
    ("group by long texts", f"from ev | {doubled(8)} | stats n = count() by a8 | sort -n", "memory"),
    ("distinct rows of long texts", f"from ev | {doubled(8)} | distinct a8", "memory"),
    ("sort by long texts", f"from ev | {doubled(8)} | sort -a8 | keep time", "memory"),
    ("top rows by long texts", f"from ev | {doubled(8)} | top 1000000 by a8", "memory"),
    ("fill 1 ns buckets", f"from ev {RANGE} | stats n = count() by time(1ns) | fill", "fill"),
    ("fill many groups", f"from ev {RANGE} | stats n = count() by id, time(1s) | fill", "fill"),
    ("baseline of many windows", "from ev between 2024-11-04T11:00:00Z and 2024-11-04T11:00:01Z "
     "| stats n = count(), a = max(message), l = last(message) by id | baseline 11h | where n == 0 and baseline(n, windows) > 0",
     None),
    ("baseline with now() in every window", "from ev between 2024-11-04T11:00:00Z and 2024-11-04T11:00:01Z "
     "| stats n = count() by id | let age = to_seconds(now() - to_time(\"2024-11-04\")) + n | baseline 11h "
     "| where baseline(age, median) > 0", "memory"),
    ("all medians", "from ev | stats a = median(value), b = mad(value), c = p99.9(value) by id", None),
    ("many patterns on big texts", "from big | where " +
     " or ".join(f'message =~ "(x|a|y)*{i}(a|b){{30}}c$"' for i in range(60)), None),
]


def memory_mib(process, name):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(re.search(rf"{name}:\s*(\d+)", file.read()).group(1)) / 1024


def reset_peak(process):
    with open(f"/proc/{process.pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


class QueryMemory(support.Case):
    def setUp(self):
        super().setUp()
        self.server = self.serve(config=f"listen:\n  query_thread_count: {QUERY_THREADS}\n  query_timeout: 20s\n")
        for first in range(0, ROWS, 20000):
            lines = []
            for i in range(first, min(first + 20000, ROWS)):
                time_ns = START * 10**9 + i * (12 * 3600 * 10**9 // ROWS)
                lines.append(f'ev,kind=aaaaaa{i % 7} id="id-{i * 2654435761 % 2**32:08x}",value={i % 977}.5,'
                             f'message="{"a" * 120} {i}" {time_ns}')
            self.store(lines)
        for i in range(BIG_TEXTS):
            self.store([f'big id="{i % 5}",message="{"a" * 1000000}{i}" {(START + i) * 10**9}'])
        support.wait_for("the rows", lambda: self.server.value("from ev | stats n = count()") == ROWS)

    def store(self, lines):
        status, answer = self.server.post("/write", "\n".join(lines))
        self.assertEqual(status, 204, answer)

    def ask(self, query):
        return self.server.post("/api/query", query)

    def check(self, name, expected, answer):
        status, text = answer
        if expected is None:
            self.assertTrue(status == 200 or "memory" in text or "did not finish" in text, f"{name}: {text[:300]}")
        else:
            self.assertIn(expected, text, name)

    def test_no_query_needs_more_than_its_share(self):
        idle = memory_mib(self.server.process, "VmHWM")
        print(f"idle: {idle:.0f} MiB, {ROWS} rows", file=sys.stderr)
        bound = idle + MIB_PER_QUERY * (QUERY_THREADS + 1)
        for name, query, expected in QUERIES:
            reset_peak(self.server.process)
            begun = time.monotonic()
            answer = self.ask(query)
            peak = memory_mib(self.server.process, "VmHWM")
            print(f"{peak:6.0f} MiB {time.monotonic() - begun:6.2f} s  {name}: {answer[0]} {answer[1][:60]!r}", file=sys.stderr)
            self.check(name, expected, answer)
            self.assertLess(peak, bound, name)

        reset_peak(self.server.process)
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            queries = [QUERIES[i % len(QUERIES)] for i in range(50)]
            for (name, _, expected), answer in zip(queries, pool.map(lambda each: self.ask(each[1]), queries)):
                self.check(name, expected, answer)
        peak = memory_mib(self.server.process, "VmHWM")
        print(f"{peak:6.0f} MiB {time.monotonic() - begun:6.2f} s  50 at once", file=sys.stderr)
        self.assertLess(peak, bound)
        support.wait_for("the memory to be given back", lambda: memory_mib(self.server.process, "VmRSS") < idle + MIB_KEPT)
        self.assertEqual(self.server.value("from ev | stats n = count()"), ROWS)


if __name__ == "__main__":
    unittest.main()
