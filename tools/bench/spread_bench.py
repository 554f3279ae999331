#!/usr/bin/env python3
"""Times databases with many small segments: an import that is spread over many days, and `tocsin compact` of many
measurements with two small segments each.

    tools/bench/spread_bench.py                                             a few: a test of the row counts
    tools/bench/spread_bench.py --days 7300 --measurements 10000 --dir DIR  on the disk of DIR

The exit code is 0 if every row is stored; times do not affect it.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS_PER_DAY = 100
DAY = 86_400 * 10**9
START = 1_000_000_000 * 10**9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--measurements", type=int, default=30)
    parser.add_argument("--dir", help="where the databases are made (default: the temporary folder)")
    parser.add_argument("--tocsin", default=os.environ.get(
        "TOCSIN", os.path.join(HERE, "../../build/release/tools/tocsin")))
    options = parser.parse_args()

    def run(*arguments):
        """The output, and how long it took."""
        start = time.perf_counter()
        done = subprocess.run([options.tocsin, *arguments], capture_output=True, text=True, check=True)
        return done.stdout, time.perf_counter() - start

    def row_count(database):
        return int(run("query", "--db", database, "--format", "csv", "from * | stats n = count()")[0].split()[-1])

    with tempfile.TemporaryDirectory(prefix="tocsin-bench-", dir=options.dir) as folder:
        source = os.path.join(folder, "rows.lp")
        database = os.path.join(folder, "spread")
        rows = options.days * ROWS_PER_DAY
        with open(source, "w", encoding="utf-8") as file:
            for row in range(rows):
                file.write(f'audit,service=s{row % 7} n={row}i,message="request {row} took {row % 900} ms" '
                           f"{START + row * (DAY // ROWS_PER_DAY)}\n")
        took = run("import", "--db", database, "--format", "lp", source)[1]
        print(f"import over {options.days} days, {ROWS_PER_DAY} rows a day: {rows / took:,.0f} rows/s")
        found = row_count(database)

        database = os.path.join(folder, "many")
        for part in range(2):
            with open(source, "w", encoding="utf-8") as file:
                for number in range(options.measurements):
                    file.write(f"m{number} n={part}i {START + part}\n")
            run("import", "--db", database, "--format", "lp", source)
        took = run("compact", "--db", database)[1]
        print(f"compact of {options.measurements} measurements: {took:.2f} s")
        found += row_count(database)
    rows += 2 * options.measurements
    if found != rows:
        print(f"{found} of {rows} rows are stored", file=sys.stderr)
    return 0 if found == rows else 1


if __name__ == "__main__":
    sys.exit(main())
