"""kill -9 during ingestion, ten times in a row, neither loses nor duplicates anything."""
import json
import os
import random
import threading
import time
import unittest

from support import Case, wait_for

ROUNDS = 10
BATCH = 20
BATCHES_BEFORE_KILL = (5, 25)

CONFIG = """
store:
  commit_interval: 50ms
tail:
  - paths: [{folder}/logs/*/*.json]
rules:
  files: [{folder}/rules.yml]
  delay: 0s
forwarders:
  - name: test
    url: {webhook}
"""

# Three instances, which fire while the server is killed again and again.
RULES = """
groups:
  - name: test
    interval: 2s
    rules:
      - alert: Busy
        type: BUSY
        expr: |
          from followed last 2s
          | stats n = count() by service
          | where n > 0
        value: n
        severity: [HIGH]
"""


class Writer:
    """Posts batches of line protocol, each once; records the acknowledged rows."""

    def __init__(self):
        self.next_id = 0
        self.acknowledged = []

    def write_until(self, server, stop):
        while not stop.is_set():
            ids = range(self.next_id, self.next_id + BATCH)
            self.next_id += BATCH
            body = "".join(f"posted,source=test id={i}i\n" for i in ids)
            try:
                status, text = server.post("/write", body)
            except OSError:
                continue  # the server was killed: not acknowledged
            if status == 204:
                self.acknowledged.extend(ids)
            elif status != 503:
                raise AssertionError(f"/write answered {status}: {text}")


class Logger:
    """Appends JSON lines to a followed file, in pieces that may end in the middle of a line."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.path = path
        self.count = 0

    def log_until(self, stop):
        with open(self.path, "ab", buffering=0) as file:
            while not stop.is_set():
                text = ""
                for _ in range(random.randrange(1, 40)):
                    text += json.dumps({"log_timestamp": time.time_ns(), "id": self.count,
                                        "service": f"s{self.count % 3}"}) + "\n"
                    self.count += 1
                data = text.encode()
                cut = random.randrange(len(data))
                file.write(data[:cut])
                stop.wait(0.002)
                file.write(data[cut:])
                stop.wait(0.005)


class KillTest(Case):
    def test_ten_kills_in_a_row(self):
        receiver = self.receive()
        self.write("rules.yml", RULES)
        config = CONFIG.format(folder=self.folder, webhook=receiver.url)
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        random.seed(seed)
        writer = Writer()
        logger = Logger(self.path("logs/followed/app.json"))

        for _ in range(ROUNDS):
            server = self.serve(config)
            self.ingest_and_kill(server, writer, logger)
        server = self.serve(config)

        with self.subTest("every acknowledged row is stored, exactly once"):
            stored = [row["id"] for row in server.rows("from posted | keep id")]
            self.assertGreater(len(writer.acknowledged), ROUNDS * BATCH)
            self.assertEqual(len(stored), len(set(stored)))
            self.assertLessEqual(set(writer.acknowledged), set(stored))
        with self.subTest("every line of the followed file is stored exactly once"):
            wait_for("the followed file", lambda: server.value(
                "from followed | stats n = count()") >= logger.count)
            stored = sorted(row["id"] for row in server.rows("from followed | keep id"))
            self.assertEqual(stored, list(range(logger.count)))
        with self.subTest("every alert reaches the webhook"):
            def fired():
                return {row["fingerprint"] for row in server.rows(
                    'from alerts | where state == "firing" | keep fingerprint')}
            wait_for("the missed windows", lambda: len(fired()) == 3)
            wait_for("the webhook", lambda: fired() <= {
                alert["fingerprint"] for alert in receiver.alerts()})
        self.assertEqual(server.stop(), 0)

    def ingest_and_kill(self, server, writer, logger):
        stop = threading.Event()
        threads = [threading.Thread(target=writer.write_until, args=(server, stop)),
                   threading.Thread(target=logger.log_until, args=(stop,))]
        for thread in threads:
            thread.start()
        wanted = len(writer.acknowledged) + random.randrange(*BATCHES_BEFORE_KILL) * BATCH
        wait_for("acknowledged rows", lambda: len(writer.acknowledged) >= wanted)
        server.kill()
        stop.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    unittest.main()
