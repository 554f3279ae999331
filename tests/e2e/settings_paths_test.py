"""A configured zone or limit holds on every path; net/README.md has the table."""
import json
import socket
import unittest
import urllib.parse

from support import Case, run, wait_for

NOON = 1_793_620_800_000_000_000  # 2026-11-02T12:00:00Z: 21:00 in Tokyo, 13:00 in Berlin
HOUR = "from audit | let h = hour(time) | keep time, h"
DAY = "from evening between 2026-11-02 and 2026-11-03 | stats n = count()"  # there is a row at 01:00 in Tokyo
# Much work in little memory: a sum needs one number per column, and a query on a server has 256 MiB.
SLOW = ("from audit | let " + ", ".join(f'a{i} = length(replace(upper(text), "E", "{i}"))' for i in range(160)) +
        " | stats " + ", ".join(f"s{i} = sum(a{i})" for i in range(160)))


class SettingsPathsTest(Case):
    def answer(self, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.split("\n")[1].split(",")[-1]

    def test_the_zone_of_the_settings_holds_on_every_path(self):
        config = "rules:\n  time_zone: Asia/Tokyo\n"
        server = self.serve(config)
        evening = NOON + 4 * 3600 * 10**9
        self.assertEqual(server.post("/write", f"audit n=1i {NOON}\nevening n=1i {evening}\n")[0], 204)
        on_server = ["--url", server.url, "--format", "csv"]
        on_folder = ["--db", self.path("data"), "--format", "csv"]
        with_config = [*on_folder, "--config", self.write("tokyo.yml", config)]
        zone = ["--zone", "Europe/Berlin"]
        expected = [(on_server, "21"), (on_server + zone, "13"), (with_config, "21"),
                    (with_config + zone, "13"), (on_folder + zone, "13"), (on_folder, "12")]
        for where, hour in expected:
            for command in ("query", "export") if "--db" in where else ("query",):
                with self.subTest(command, where=where):
                    text = self.answer(command, *where, *(["--measurement", "x"] * (command == "export")),
                                       HOUR)
                    self.assertEqual(text, hour)
            with self.subTest("shell", where=where):
                result = run("shell", *where, text=HOUR + "\n")
                self.assertEqual(result.stdout.split("\n")[1].split(",")[-1], hour, result.stderr)
        for parameters, hour in (("", 21), ("&zone=Europe/Berlin", 13)):
            status, text = server.get(f"/api/query?q={urllib.parse.quote(HOUR)}{parameters}")
            self.assertEqual((status, json.loads(text)["rows"][0][1]), (200, hour))
            status, text = server.post("/api/query?x".replace("?x", "?format=json" + parameters), HOUR)
            self.assertEqual((status, json.loads(text)["rows"][0][1]), (200, hour))
        # Dates, also those of `now`, are read in the zone.
        self.assertEqual(self.answer("query", *on_server, DAY), "0")
        self.assertEqual(self.answer("query", *on_server, "--zone", "UTC", DAY), "1")
        for where in (on_server, with_config):
            for now, count in (("2026-11-03", "1"), ("2026-11-02T21:30:00+09:00", "1"),
                               ("2026-11-02T21:30:00Z", "0")):
                with self.subTest(now=now, where=where):
                    text = self.answer("query", *where, "--now", now,
                                       "from audit last 4h | stats n = count()")
                    self.assertEqual(text, count)
            # 2026-11-03 begins in Tokyo 3 hours after the row, in UTC 12 hours after it.
            text = self.answer("query", *where, "--zone", "UTC", "--now", "2026-11-03",
                               "from audit last 4h | stats n = count()")
            self.assertEqual(text, "0")
        status, text = server.get("/api/query?zone=Nowhere&q=from+audit")
        self.assertEqual(status, 400)
        self.assertIn("Nowhere", text)

    def test_the_zone_of_the_settings_holds_in_rules(self):
        rules = self.write("rules.yml", """
groups:
  - name: zone
    interval: 1s
    rules:
      - alert: Hour
        expr: from audit last 1h | stats n = count(), h = max(hour(time)) by service
        annotations:
          summary: "hour {{ h }}"
""")
        server = self.serve(f"rules:\n  files: [{rules}]\n  delay: 0s\n  time_zone: Asia/Tokyo\n")
        self.assertEqual(server.post("/write", "audit,service=a n=1i\n")[0], 204)
        wait_for("the alert", lambda: server.rows("from alerts | keep rule"))
        alert = server.rows("from alerts | keep summary")[0]
        hour = server.value("from audit | let h = hour(time) | keep h")
        utc = server.rows("from audit | keep time")[0]["time"]
        self.assertEqual(alert["summary"], f"hour {hour}")
        self.assertEqual(hour, (int(utc[11:13]) + 9) % 24)

    def test_the_time_limit_of_queries_holds_on_every_path(self):
        text = "".join(f'audit,service=s{i % 7} text="event {i} of many" {NOON + i}\n'
                       for i in range(300_000))
        self.answer_of_import = run("import", "--db", self.path("data"), self.write("a.lp", text))
        self.assertEqual(self.answer_of_import.returncode, 0)
        config = "listen:\n  query_timeout: 1s\n"
        path = self.write("limit.yml", config)
        result = run("query", "--db", self.path("data"), "--config", path, SLOW)
        self.assertIn("within 1s", result.stderr)
        result = run("export", "--db", self.path("data"), "--config", path, "--measurement", "x",
                     SLOW + " | let time = now()")
        self.assertEqual(result.returncode, 1)
        self.assertIn("within 1s", result.stderr)
        server = self.serve(config)
        self.assertEqual(server.post("/api/query", SLOW)[0], 504)
        self.assertIn("within 1s", run("query", "--url", server.url, SLOW).stderr)
        result = run("shell", "--url", server.url, text=SLOW + "\n")
        self.assertEqual(result.returncode, 1)
        self.assertIn("within 1s", result.stderr)

    def test_the_retention_and_future_of_the_settings_hold_for_every_input(self):
        tail = self.write("logs/app/a.json", '{"time":1100000000,"n":1}\n')
        limits = "store:\n  retention: 2d\n  future_max: 1h\n"
        server = self.serve(limits + f"tail:\n  - paths: [{self.path('logs/*/*.json')}]\n")
        old, future = "audit n=1i 1000\n", f"audit n=1i {4_000_000_000}\n"
        self.assertEqual(server.post("/write?precision=s", old + future)[0], 400)
        self.assertEqual(server.post("/insert/jsonline", '{"time":1100000000,"n":1}\n')[0], 400)
        with socket.create_connection(("127.0.0.1", server.tcp_port)) as connection:
            connection.sendall(b"# tocsin ack=on\n" + b"audit n=1i 1000\n")
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        self.assertIn(b"-ERR", answer)
        wait_for("the followed file", lambda: server.value(
            f'from rejected | where source == "{tail}" | stats n = count()') == 1)
        self.assertIn("0 stored\n5 rejected again", run("rejected", "retry", "--url", server.url).stdout)
        server.stop()
        config = self.write("limits.yml", limits)
        data = ["--db", self.path("data"), "--config", config]
        self.assertIn("0 stored\n5 rejected again", run("rejected", "retry", *data).stdout)
        result = run("import", *data, tail)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("imported 0 events", result.stdout)

    def test_config_is_refused_with_a_server(self):
        path = self.write("tocsin.yml", "")
        result = run("query", "--url", "http://127.0.0.1:1", "--config", path, "from audit")
        self.assertEqual(result.returncode, 2)


if __name__ == "__main__":
    unittest.main()
