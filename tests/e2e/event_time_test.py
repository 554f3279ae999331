"""Events get their own time on every way in, or it is said that they do not."""
import json
import socket
import unittest

from support import Case, run, wait_for

TIME = "2023-11-14T22:13:20.250Z"
# One event of each shape, all at TIME.
SHAPES = [
    {"time_iso8601": "2023-11-14T23:13:20.25+01:00", "request": "GET /cart"},
    {"time": "14/Nov/2023:23:13:20.25 +0100", "status": 200},
    {"asctime": "2023-11-14 22:13:20,250", "message": "card declined"},
    {"eventTime": TIME, "eventName": "AssumeRole"},
    {"@t": TIME, "@mt": "Paid {Amount}", "Amount": 12},
    {"instant": {"epochSecond": 1700000000, "nanoOfSecond": 250000000}, "message": "started"},
    {"timestamp": {"seconds": 1700000000, "nanos": 250000000}, "message": "mounted"},
    {"__REALTIME_TIMESTAMP": 1700000000250000, "MESSAGE": "as other programs write it"},
    {"StartUTC": TIME, "RouterName": "web"},
    {"time": "16:47", "unixtime": 1700000000.25, "power": 12.5},
    {"time": 0.111, "@timestamp": TIME},
]
LINES = "".join(json.dumps(event) + "\n" for event in SHAPES)


class EventTimeTest(Case):
    def times_of(self, database, measurement):
        result = run("query", "--db", database, "--format", "csv", f"from {measurement} | keep time")
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.split()[1:]

    def test_known_shapes_have_their_time_on_every_way_in(self):
        self.write("followed/a.log", LINES)
        self.write("imported/a.json", LINES)
        server = self.serve(f"tail: [{{paths: ['{self.path('followed/*.log')}']}}]\n")
        self.assertEqual(server.post("/insert/jsonline?measurement=http", LINES)[0], 204)
        with socket.create_connection(("127.0.0.1", server.tcp_port)) as connection:
            connection.sendall(LINES.encode())
        for measurement in ("http", "logs", "followed"):
            wait_for(measurement, lambda name=measurement: self.counts(server).get(name) == len(SHAPES))
            self.assertEqual({row["time"] for row in server.rows(f"from {measurement} | keep time")},
                             {"2023-11-14T22:13:20.250000000Z"})
        self.assertNotIn("recognisable time", server.log())
        server.stop()
        result = run("import", "--db", self.path("other"), self.path("imported"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("warning", result.stdout)
        self.assertEqual(set(self.times_of(self.path("other"), "imported")), {"2023-11-14T22:13:20.250000000Z"})

    def counts(self, server):
        return {row["measurement"]: row["n"] for row in
                server.rows("from * | stats n = count() by measurement")}

    def test_a_setting_names_key_layout_and_zone_on_every_way_in(self):
        line = '{"Datum":"14.11.2023 23:13","n":1}\n'
        time = "time: {key: Datum, layout: '%d.%m.%Y %H:%M', zone: Europe/Berlin}"
        self.write("followed/a.log", line)
        server = self.serve(f"listen: {{{time}}}\ntail: [{{paths: ['{self.path('followed/*.log')}'], {time}}}]\n")
        self.assertEqual(server.post("/insert/jsonline?measurement=http", line)[0], 204)
        with socket.create_connection(("127.0.0.1", server.tcp_port)) as connection:
            connection.sendall(line.encode())
        for measurement in ("http", "logs", "followed"):
            wait_for(measurement, lambda name=measurement: self.counts(server).get(name) == 1)
            self.assertEqual(server.rows(f"from {measurement} | keep time, n"),
                             [{"time": "2023-11-14T22:13:00.000000000Z", "n": 1}])
        server.stop()
        path = self.write("a.csv", "Datum,n\n14.11.2023 23:13,1\n")
        arguments = ["import", "--db", self.path("other"), "--measurement", "m", "--time", "Datum", path]
        result = run(*arguments, "--time-layout", "%d.%m.%Y %H:%M", "--time-zone", "Europe/Berlin")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.times_of(self.path("other"), "m"), ["2023-11-14T22:13:00.000000000Z"])
        result = run(*arguments, "--time-layout", "iso")
        self.assertEqual(result.returncode, 1)
        self.assertIn("unknown time layout `iso`", result.stderr)

    def test_a_wrong_layout_in_the_settings_is_an_error_before_anything_is_made(self):
        settings = self.write("tocsin.yml", "tail: [{paths: a, time: {layout: '%H:%M'}}]\n")
        result = run("serve", "--db", self.path("none"), "--config", settings)
        self.assertEqual(result.returncode, 1)
        self.assertIn("tail[1].time: the time layout `%H:%M` has no complete date", result.stderr)

    def test_an_import_says_which_keys_it_saw(self):
        path = self.write("a/a.json", '{"created_at":"2023-11-14","n":1}\n{"time":"16:47","n":2}\n')
        result = run("import", "--db", self.path("other"), "--time", "now", path)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"2 events without a recognisable time are stored with their time of arrival ({path}: "
                      "keys: created_at, n); name the right key with --time", result.stdout)


if __name__ == "__main__":
    unittest.main()
