#!/usr/bin/env python3
"""Clients of Loki, OpenTelemetry and Elasticsearch send to the real program: curl, and the libraries of tests/e2e/clients.

The tests with the libraries are skipped if these are not installed (`tools/setup --all` installs them).
"""
import gzip
import json
import os
import socket
import subprocess
import unittest

from support import PATIENCE, SOURCE, Case, wait_for

CLIENTS = os.path.join(SOURCE, "tests/e2e/clients")
COUNT = 1_000  # events that each client sends
START = 1_700_000_000

needs_clients = unittest.skipUnless(os.path.isdir(os.path.join(CLIENTS, "node_modules")),
                                    "the client libraries are not installed; `tools/setup --all` installs them")


class SendersTest(Case):
    def curl(self, server, path, body, *headers):
        """Status and body of the answer."""
        command = ["curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code}", "--data-binary", "@-", server.url + path]
        for header in headers:
            command += ["-H", header]
        done = subprocess.run(command, input=body, capture_output=True, timeout=PATIENCE, check=True)
        text, _, status = done.stdout.decode().rpartition("\n")
        return int(status), text

    def test_curl_pushes_to_loki(self):
        server = self.serve()
        body = {"streams": [{"stream": {"app": "pay", "level": "warn"},
                             "values": [[f"{START}000000001", "one"], [f"{START}000000002", "two", {"user": "u1"}],
                                        ["soon", "bad"]]}]}
        status, text = self.curl(server, "/loki/api/v1/push", json.dumps(body).encode(),
                                 "Content-Type: application/json")
        self.assertEqual(status, 400)
        self.assertIn("record 3: the time is not a number", text)
        rows = server.rows("from logs | keep message, app, level, user")
        self.assertEqual(rows, [{"message": "one", "app": "pay", "level": "warn", "user": None},
                                {"message": "two", "app": "pay", "level": "warn", "user": "u1"}])
        self.assertEqual(server.value("from rejected | stats n = count(line)"), 1)

    def test_curl_exports_otlp_with_gzip(self):
        server = self.serve()
        body = {"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "pay"}}]},
                                  "scopeLogs": [{"logRecords": [
                                      {"timeUnixNano": f"{START}000000000", "severityNumber": 17,
                                       "body": {"stringValue": "declined"},
                                       "attributes": [{"key": "n", "value": {"intValue": "7"}}]}]}]}]}
        status, text = self.curl(server, "/v1/logs", gzip.compress(json.dumps(body).encode()),
                                 "Content-Type: application/json", "Content-Encoding: gzip")
        self.assertEqual((status, text.strip()), (200, "{}"))
        self.assertEqual(server.rows("from logs | keep service, level, message, n"),
                         [{"service": "pay", "level": "ERROR", "message": "declined", "n": 7}])

    def test_rejected_records_are_stored_after_a_fix_with_their_tags_and_types(self):
        server = self.serve("store:\n  retention: 2d\n")
        old = 1_100_000_000
        body = {"streams": [{"stream": {"app": "pay"}, "values": [[f"{old}000000007", "old", {"n": 5, "x": 1.0}]]}]}
        status, _ = self.curl(server, "/loki/api/v1/push", json.dumps(body).encode(), "Content-Type: application/json")
        self.assertEqual(status, 400)
        server.stop()
        server = self.serve()
        status, text = server.post("/api/rejected/retry", "")
        self.assertEqual((status, json.loads(text)["stored"]), (200, 1))
        self.assertEqual(server.rows("from logs | keep message, app, n, x"),
                         [{"message": "old", "app": "pay", "n": 5, "x": 1.0}])

    def test_entries_of_the_journal_over_tcp_and_http(self):
        server = self.serve()
        entry = {"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": f"{START}250000", "_HOSTNAME": "web",
                 "_SYSTEMD_UNIT": "shop.service", "PRIORITY": "4", "MESSAGE": [104, 105, 255]}
        line = json.dumps(entry) + "\n"
        with socket.create_connection(("127.0.0.1", server.tcp_port)) as connection:
            connection.sendall(line.encode())
        self.assertEqual(server.post("/insert/jsonline", line)[0], 204)
        self.assertEqual(server.post("/insert/jsonline?measurement=mine", line)[0], 204)
        row = {"time": "2023-11-14T22:13:20.250000000Z", "host": "web", "service": "shop", "level": "warning",
               "message": "hi\ufffd"}
        wait_for("both", lambda: server.rows("from journal | keep time, host, service, level, message") == [row, row])
        self.assertEqual(server.rows("from mine | keep time, host, service, level, message"), [row])

    def run_client(self, server, name):
        done = subprocess.run(["node", name + ".js", server.url, str(COUNT), str(START)], cwd=CLIENTS, text=True,
                              capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def check_each_event_once(self, server, source):
        """Events are numbered `n`, each with a message of its own."""
        self.assertEqual(server.rows(f"from {source} | stats c = count(), d = count_distinct(message), s = sum(n)"),
                         [{"c": COUNT, "d": COUNT, "s": COUNT * (COUNT - 1) // 2}])
        self.assertEqual(server.value("from rejected | stats n = count()") if server.rows("from rejected | limit 1")
                         else 0, 0)

    @needs_clients
    def test_opentelemetry_exports_json_and_protobuf(self):
        for kind in ("http", "proto"):
            with self.subTest(kind):
                server = self.serve()
                self.run_client(server, "otlp_" + kind)
                self.check_each_event_once(server, 'logs | where service == "shop"')
                row = server.rows('from logs | where n == 1 | keep level, severity_number, ok, ratio, scope')[0]
                self.assertEqual(row, {"level": "WARN", "severity_number": 13, "ok": True, "ratio": 0.5, "scope": "test"})
                server.stop()
                self.folder = os.path.join(self.folder, "next")
                os.makedirs(self.folder)

    @needs_clients
    def test_winston_pushes_protobuf_to_loki(self):
        server = self.serve()
        self.run_client(server, "loki")
        self.assertEqual(server.rows('from logs | stats c = count(), d = count_distinct(message) by app, level'),
                         [{"app": "shop", "level": "info", "c": COUNT, "d": COUNT}])

    @needs_clients
    def test_elasticsearch_bulk_helper(self):
        server = self.serve()
        self.run_client(server, "elastic")
        self.check_each_event_once(server, "shop")


if __name__ == "__main__":
    unittest.main()
