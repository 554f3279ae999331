"""An acknowledged write is committed at once, to files that the database's path leads to."""
import os
import re
import shlex
import socket
import subprocess
import unittest

from support import PATIENCE, Case, run, wait_for

# Longer than any request of these tests may take.
CONFIG = "store:\n  commit_interval: 1m\n"
PROMPT = 20  # seconds


class Acknowledged(Case):
    def test_a_small_http_write_does_not_wait_for_the_commit_interval(self):
        server = self.serve(CONFIG)
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=PROMPT) as connection:
            body = b"audit n=1i\n"
            connection.sendall(b"POST /write HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
                               % (len(body), body))
            self.assertIn(b" 204 ", connection.recv(4096))
        self.assertEqual(server.value("from audit | stats n = count()"), 1)

    def test_a_line_with_ack_does_not_wait_for_the_commit_interval(self):
        server = self.serve(CONFIG)
        with socket.create_connection(("127.0.0.1", server.tcp_port), timeout=PROMPT) as connection:
            connection.sendall(b"# tocsin ack=on\naudit n=1i\n")
            answer = b""
            while b"+OK 2\n" not in answer:
                received = connection.recv(4096)
                self.assertTrue(received, answer)
                answer += received
        self.assertEqual(server.value("from audit | stats n = count()"), 1)

    def test_a_renamed_folder_stops_writing_until_it_is_back(self):
        server = self.serve()
        data, aside = self.path("data"), self.path("data.old")
        self.assertEqual(server.post("/write", "audit n=1i\n")[0], 204)
        for replaced in (False, True):
            os.rename(data, aside)
            if replaced:
                os.mkdir(data)
            status, text = server.post("/write", "audit n=2i\n")
            self.assertEqual(status, 503, text)
            status, text = server.get("/health")
            self.assertEqual(status, 503, text)
            self.assertIn("was replaced" if replaced else "was renamed", text)
            if replaced:
                os.rmdir(data)  # fails if anything was written there
            os.rename(aside, data)
            wait_for("the server to write again", lambda: server.get("/health")[0] == 200)
        self.assertEqual(server.post("/write", "audit n=3i\n")[0], 204)
        self.assertEqual(server.log().count(f"writing to {data} has resumed"), 2)
        self.assertEqual(sorted(row["n"] for row in server.rows("from audit | keep n")), [1, 3])

    def test_a_deleted_catalog_is_put_back_as_the_message_says(self):
        server = self.serve()
        self.assertEqual(server.post("/write", "audit n=1i\n")[0], 204)
        os.remove(self.path("data/catalog.mdb"))
        status, text = server.post("/write", "audit n=2i\n")
        self.assertEqual(status, 503, text)
        command = re.search("`(cp /proc/[^`]*)`", text)
        self.assertIsNotNone(command, text)
        subprocess.run(shlex.split(command[1]), check=True, timeout=PATIENCE)
        server.kill()
        server = self.serve()
        self.assertEqual(server.value("from audit | stats n = sum(n)"), 1)
        self.assertEqual(server.post("/write", "audit n=2i\n")[0], 204)

    def test_a_lost_catalog_is_repaired_as_the_message_says(self):
        server = self.serve()
        self.assertEqual(server.post("/write", "audit n=1i\n")[0], 204)
        server.kill()
        data = self.path("data")
        os.remove(os.path.join(data, "catalog.mdb"))
        result = run("serve", "--db", data, "--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0")
        self.assertEqual(result.returncode, 1)
        self.assertIn("tocsin repair", result.stderr)
        result = run("repair", "--db", data)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("lost: everything that was only in the catalog", result.stdout)
        server = self.serve()
        self.assertEqual(server.post("/write", "audit n=2i\n")[0], 204)


if __name__ == "__main__":
    unittest.main()
