"""The real program when a system call fails: `import` and `serve` lose nothing that they have acknowledged.

The shim of tests/db is preloaded before the C library (LD_PRELOAD). It makes the n-th write, sync, truncation, mapping,
rename or removal of a database file fail or stop short, or kills the program there. A few values of n are tried, chosen by
TOCSIN_SEED; with TOCSIN_LONG set, every n that the workload reaches.
"""
import collections
import concurrent.futures
import os
import random
import shutil
import subprocess
import tempfile
import unittest

from support import Case, Server, run, wait_for

SHIM = os.environ["TOCSIN_FAULT_SHIM"]
EVERY = "TOCSIN_LONG" in os.environ
SEED = int(os.environ.get("TOCSIN_SEED", "1"))
KINDS = ("EIO", "ENOSPC", "SHORT", "KILL", "TEAR")
KILLS = ("KILL", "TEAR")
FEW = 3  # faults of each kind
AT_ONCE = 6  # most of them wait for the second that a store pauses after an error
SIGKILL = 9


def lines(ids, size=0):
    padding = "x" * size
    return "".join(f'm,source=s{i % 3} id={i}i,text="row {i} {padding}"\n' for i in ids)


class Fault:
    """One fault, and a folder for it."""

    def __init__(self, parent, at, kind):
        self.at, self.kind = at, kind
        self.folder = tempfile.mkdtemp(prefix=f"{kind}-{at}-", dir=parent)
        self.data = os.path.join(self.folder, "data")
        self.count_path = os.path.join(self.folder, "count")

    def environment(self):
        return {**os.environ, "LD_PRELOAD": SHIM, "TOCSIN_FAULT_AT": str(self.at), "TOCSIN_FAULT_KIND": self.kind,
                "TOCSIN_FAULT_FOLDER": self.data, "TOCSIN_FAULT_COUNT": self.count_path}

    def count(self):
        with open(self.count_path, "rb") as file:
            return int.from_bytes(file.read(8), "little")

    def check(self, holds, *what):
        if not holds:
            raise AssertionError(f"{self.kind} at call {self.at}: {what}")

    def check_code(self, code, *allowed):
        allowed = (*allowed, -SIGKILL) if self.kind in KILLS else allowed
        self.check(code in allowed, "exit code", code)

    def stored(self):
        """The ids in the database, after verifying it; none if there is no database yet."""
        verified = run("verify", "--db", self.data)
        if "no database" in verified.stderr:
            return []
        self.check(verified.returncode == 0, "verify", verified.stdout, verified.stderr)
        asked = run("query", "--db", self.data, "--format", "csv", "from m | keep id")
        if "no measurement" in asked.stderr:
            return []
        self.check(asked.returncode == 0, "query", asked.stderr)
        return [int(line) for line in asked.stdout.split()[1:]]

    def check_stored(self, acknowledged, sent):
        stored = self.stored()
        self.check(len(stored) == len(set(stored)), "duplicate rows",
                   [i for i, n in collections.Counter(stored).items() if n > 1][:5])
        self.check(set(acknowledged) <= set(stored), "lost rows", sorted(set(acknowledged) - set(stored))[:5])
        self.check(set(stored) <= set(sent), "rows that were never sent")


class FaultTest(Case):
    def try_all(self, trial):
        """Runs `trial` without a fault, then with each kind of fault at every call or at a few."""
        calls = trial(Fault(self.folder, 0, "NONE"))
        self.assertGreater(calls, 10)
        chosen = random.Random(SEED)
        faults = [(at, kind) for kind in KINDS for at in sorted(
            range(1, calls + 1) if EVERY else chosen.sample(range(1, calls + 1), FEW))]
        print(f"{self.id()}: {calls} calls, {len(faults)} faults, seed {SEED}")

        def run_trial(fault):
            fault = Fault(self.folder, *fault)
            trial(fault)
            shutil.rmtree(fault.folder)

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for result in [pool.submit(run_trial, fault) for fault in faults]:
                result.result()

    def test_import(self):
        first = self.write("first.lp", lines(range(1000)))
        second = self.write("second.lp", lines(range(1000, 1300)) + lines(range(1300, 1400), 12_000))
        os.mkdir(self.path("whole"))
        run("import", "--db", self.path("whole/data"), "--time", "now", first)

        def trial(fault):
            shutil.copytree(self.path("whole/data"), fault.data)
            result = run("import", "--db", fault.data, "--time", "now", second, env=fault.environment())
            fault.check_code(result.returncode, 0, 1)
            fault.check(result.returncode != 1 or "tocsin: " in result.stderr, "no reason", result.stderr)
            sure = range(1400) if result.returncode == 0 else range(1000)
            fault.check_stored(sure, range(1400))
            again = run("import", "--db", fault.data, "--time", "now", first)
            fault.check(again.returncode == 0, "import after the fault", again.stderr)
            return fault.count()

        self.try_all(trial)

    def test_import_into_a_new_database(self):
        path = self.write("rows.lp", lines(range(1000)) + lines(range(1000, 1100), 12_000))

        def trial(fault):
            result = run("import", "--db", fault.data, "--time", "now", path, env=fault.environment())
            fault.check_code(result.returncode, 0, 1)
            fault.check(result.returncode != 1 or "tocsin: " in result.stderr, "no reason", result.stderr)
            fault.check_stored(range(1100) if result.returncode == 0 else (), range(1100))
            other = self.path("other.lp")
            again = run("import", "--db", fault.data, "--format", "lp", other)
            fault.check(again.returncode == 0, "import after the fault", again.stderr)
            return fault.count()

        self.write("other.lp", "other n=1i 1764000000000000000\n")
        self.try_all(trial)

    def test_serve(self):
        config = self.write("rules/none.yml", "groups: []\n")
        config = f"store: {{commit_interval: 5ms}}\nrules: {{files: [{config}]}}\n"

        def trial(fault):
            sent, acknowledged = [], []
            server = self.start(fault, config)
            for batch in range(8):
                ids = range(batch * 100, batch * 100 + 100)
                sent.extend(ids)
                # Some are large enough to go to a file directly; each adds a column.
                body = lines(ids, 12_000 if batch % 3 == 2 else 0) + f"other,source=s c{batch}={batch}i\n"
                server, stored = self.post(fault, config, server, body)
                if stored:
                    acknowledged.extend(ids)
            server.process.terminate()
            fault.check_code(server.process.wait(60), 0)
            server.process.stdout.close()
            fault.check_stored(acknowledged, sent)
            return fault.count()

        self.try_all(trial)

    def start(self, fault, config):
        """Starts the server with the fault, or without it if the fault prevents the start."""
        try:
            return Server(fault.folder, config, environment=fault.environment())
        except AssertionError as error:
            killed = fault.kind in KILLS
            fault.check(killed or "tocsin: " in str(error), "no reason", error)
        return Server(fault.folder, config)

    def post(self, fault, config, server, body):
        """Posts until the rows are acknowledged or the server is killed. Returns the server, restarted if it was killed, and
        whether the rows were acknowledged."""
        def ask():
            try:
                status, text = server.post("/write", body)
            except OSError:
                return "killed"
            fault.check(status in (204, 503), "/write", status, text)
            return "stored" if status == 204 else None
        if wait_for("an answer", ask) == "stored":
            return server, True
        fault.check_code(server.process.wait(60))
        server.process.stdout.close()
        return Server(fault.folder, config), False


if __name__ == "__main__":
    unittest.main()
