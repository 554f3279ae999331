"""A full disk stops writes with a clear error, but not queries; writing resumes by itself, and nothing is lost.

The disk is a tmpfs of 64 MiB in separate mount and user namespaces. If they are not available, the test is skipped with
exit code 77, which ctest shows.
"""
import json
import os
import socket
import subprocess
import sys
import unittest

from support import Case, run, wait_for

DISK = 64 << 20
SKIPPED = 77
NAMESPACE = "TOCSIN_TEST_NAMESPACE"
QUIET = 0.3  # seconds without an answer that count as no answer


def enter_namespace():
    """Runs this script again in namespaces in which it may mount, and whose mounts end with it."""
    if NAMESPACE in os.environ:
        return
    for flags in (["--mount"], ["--mount", "--user", "--map-root-user"]):
        unshare = ["unshare", *flags]
        probe = [*unshare, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]
        try:
            probed = subprocess.run(probe, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            break
        if probed.returncode == 0:
            os.environ[NAMESPACE] = "1"
            os.execvp("unshare", [*unshare, sys.executable, *sys.argv])
    print("SKIPPED: cannot mount a tmpfs, neither as root nor in a user namespace; nothing was tested")
    sys.exit(SKIPPED)


def lines(measurement, ids):
    return "".join(f'{measurement},source=test id={i}i,text="the text of row {i}, {i * 7919} bytes"\n' for i in ids)


class Disk:
    """A small disk, and a file that fills it."""

    def __init__(self, folder):
        os.mkdir(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], check=True)
        self.folder = folder
        self.ballast = os.path.join(folder, "ballast")

    def fill(self):
        with open(self.ballast, "wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while file.write(bytes(size)) > 0:
                        pass
                except OSError:
                    pass

    def make_room(self):
        os.remove(self.ballast)

    def close(self):
        subprocess.run(["umount", "--lazy", self.folder], check=True)


class AcknowledgedLines:
    """A shipper on the TCP port that has enabled acknowledgements."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.tcp_port))
        self.socket.sendall(b"# tocsin ack=on\n")
        self.sent = 1
        self.acknowledged = 0
        self.buffer = b""

    def send(self, text):
        self.socket.sendall(text.encode())
        self.sent += text.count("\n")

    def read(self, seconds):
        """Reads the answers that arrive within that time."""
        self.socket.settimeout(seconds)
        try:
            self.buffer += self.socket.recv(1 << 16)
        except TimeoutError:
            pass
        *answers, self.buffer = self.buffer.split(b"\n")
        for answer in answers:
            word, number = answer.decode().split()
            if word != "+OK" or int(number) < self.acknowledged:
                raise AssertionError(f"answer {answer} after {self.acknowledged}")
            self.acknowledged = int(number)

    def close(self):
        self.socket.close()


class DiskFullTest(Case):
    def setUp(self):
        super().setUp()
        self.disk = Disk(self.path("data"))
        self.addCleanup(self.disk.close)

    def post_until(self, server, wanted):
        """Posts rows until a request gets the wanted status; records the acknowledged rows."""
        for _ in range(2000):
            ids = range(self.next_id, self.next_id + 50)
            self.next_id += 50
            status, text = server.post("/write", lines("posted", ids))
            if status == 204:
                self.acknowledged.extend(ids)
            elif status != 503:
                raise AssertionError(f"/write answered {status}: {text}")
            if status == wanted:
                return text
        raise AssertionError(f"/write never answered {wanted}")

    def check_rows(self, server, measurement, expected):
        stored = sorted(row["id"] for row in server.rows(f"from {measurement} | keep id"))
        self.assertEqual(stored, list(expected))

    def test_serving(self):
        self.next_id, self.acknowledged = 0, []
        followed = self.write("logs/followed/app.json", "")
        server = self.serve(f"store:\n  commit_interval: 10ms\ntail:\n  - paths: [{self.path('logs/*/*.json')}]\n")
        shipper = AcknowledgedLines(server)
        self.addCleanup(shipper.close)
        self.post_until(server, 204)
        shipper.send(lines("shipped", range(100)))
        wait_for("the acknowledgement", lambda: shipper.read(1) or shipper.acknowledged == shipper.sent)

        self.disk.fill()
        message = self.post_until(server, 503)
        self.assertIn("No space left on device", message)
        self.assertIn("make room, writing resumes by itself", message)
        before = shipper.acknowledged
        for first in range(100, 3000, 100):
            # The formats alternate.
            shipper.send(lines("shipped", range(first, first + 99)))
            shipper.send(json.dumps({"measurement": "shipped", "id": first + 99}) + "\n")
        with open(followed, "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"id": i}) + "\n" for i in range(500))

        with self.subTest("while it is full, writes are refused and queries are answered"):
            for path in ("/write", "/api/v2/write", "/insert/jsonline?measurement=posted"):
                status, text = server.post(path, '{"id":-1}\n' if "json" in path else "posted id=-1i\n")
                self.assertEqual(status, 503, text)
                self.assertIn("make room", text)
            status, text = server.get("/health")
            self.assertEqual(status, 503)
            self.assertEqual(json.loads(text)["status"], "fail")
            self.assertIn("No space left on device", text)
            self.check_rows(server, "posted", self.acknowledged)
            self.check_rows(server, "shipped", range(100))
            shipper.read(QUIET)
            self.assertEqual(shipper.acknowledged, before)
        self.disk.make_room()
        with self.subTest("when there is space again, writing resumes by itself"):
            wait_for("a write", lambda: server.post("/write", lines("later", [0]))[0] == 204)
            self.post_until(server, 204)
            wait_for("the shipper's lines", lambda: shipper.read(1) or shipper.acknowledged == shipper.sent)
            self.assertEqual(server.get("/health")[0], 200)
            self.assertIn("has resumed", server.log())
            wait_for("the followed file", lambda: server.value(
                'from * | where measurement == "followed" | stats n = count()') == 500)
        server.kill()
        result = run("verify", "--db", self.disk.folder)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        server = self.serve()
        self.check_rows(server, "posted", self.acknowledged)
        self.check_rows(server, "shipped", range(3000))
        self.check_rows(server, "followed", range(500))
        self.assertEqual(server.stop(), 0)

    def test_killed_while_it_is_full(self):
        """Rows acknowledged before the kill are stored, even while the disk fills up and is freed."""
        self.next_id, self.acknowledged = 0, []
        server = self.serve("store:\n  commit_interval: 10ms\n")
        shipper = AcknowledgedLines(server)
        self.addCleanup(shipper.close)
        for round_number in range(2):
            self.post_until(server, 204)
            self.disk.fill()
            self.post_until(server, 503)
            first = round_number * 1000
            for start in range(first, first + 1000, 100):
                shipper.send(lines("shipped", range(start, start + 99)))
                shipper.send(json.dumps({"measurement": "shipped", "id": start + 99}) + "\n")
            self.disk.make_room()
            target = shipper.sent - 500  # the kill comes before the last answers
            wait_for("some acknowledgements", lambda: shipper.read(1) or shipper.acknowledged >= target)
            if round_number == 0:
                wait_for("all", lambda: shipper.read(1) or shipper.acknowledged == shipper.sent)
        self.disk.fill()
        server.kill()
        self.disk.make_room()
        result = run("verify", "--db", self.disk.folder)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        server = self.serve()
        self.check_rows(server, "posted", self.acknowledged)
        stored = sorted(row["id"] for row in server.rows("from shipped | keep id"))
        self.assertEqual(len(stored), len(set(stored)))
        self.assertLessEqual(set(range(shipper.acknowledged - 1)), set(stored))

    def test_importing(self):
        path = self.write("rows.lp", lines("audit", range(200_000)))
        first = self.write("first.lp", lines("audit", range(1000)))
        data = self.disk.folder
        count = ["query", "--db", data, "--format", "csv", "from audit | stats n = count()"]
        self.assertEqual(run("import", "--db", data, "--time", "now", first).returncode, 0)
        self.disk.fill()
        result = run("import", "--db", data, "--time", "now", path)
        self.assertEqual(result.returncode, 1)
        self.assertIn("No space left on device", result.stderr)
        self.assertEqual(run(*count).stdout.split(), ["n", "1000"])
        self.disk.make_room()
        self.assertEqual(run("verify", "--db", data).returncode, 0)
        self.assertEqual(run("import", "--db", data, "--time", "now", path).returncode, 0)
        self.assertEqual(run(*count).stdout.split(), ["n", "201000"])
        self.assertEqual(run("verify", "--db", data).returncode, 0)


if __name__ == "__main__":
    enter_namespace()
    unittest.main()
