"""Rejected lines are kept with what is needed to store them after a fix: `tocsin rejected`."""
import json
import socket
import unittest

from support import Case, run, wait_for

NULS = "\0" * 300
TORN = ('{"time":"2026-11-02T08:15:04Z","n":1}\n' + NULS +
        '{"time":"2026-11-02T08:15:05Z","n":2}\n{"time":"2026-11-02T08:15:06Z","n":3}\n')


class RejectedTest(Case):
    def succeed(self, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def listed(self, *where):
        text = self.succeed("rejected", "list", "--format", "ndjson", *where)
        return [row for row in map(json.loads, text.splitlines()) if "stats" not in row]

    def send(self, server, text):
        with socket.create_connection(("127.0.0.1", server.tcp_port)) as connection:
            connection.sendall(b"# tocsin ack=on\n" + text.encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass

    def test_lines_around_nul_bytes_are_stored_on_every_path(self):
        tail = self.write("logs/app/a.json", TORN)
        server = self.serve(f"tail:\n  - paths: [{self.path('logs/*/*.json')}]\n")
        self.send(server, TORN)
        status, text = server.post("/insert/jsonline?measurement=web", TORN)
        self.assertEqual(status, 204, text)
        wait_for("the followed file", lambda: "app" in
                 {row["measurement"] for row in server.rows("from * | keep measurement")})
        for measurement in ("app", "logs", "web"):
            self.assertEqual([row["n"] for row in server.rows(f"from {measurement} | keep n")],
                             [1, 2, 3])
        server.stop()
        self.succeed("import", "--db", self.path("imported"), tail)
        text = self.succeed("query", "--db", self.path("imported"), "--format", "csv",
                            "from app | keep n")
        self.assertEqual(text, "n\n1\n2\n3\n")

    def test_a_line_records_where_it_came_in(self):
        server = self.serve()
        server.post("/write?precision=s", "audit n=\n")
        server.post("/insert/jsonline?measurement=web&_time_field=when&_stream_fields=a,b", '{"n":\n')
        self.send(server, '{"n":\n')
        lp, web, tcp = server.rows("from rejected | keep source, path, format, precision, "
                                   "default_measurement, tag_keys, time_keys, line, count, cut")
        self.assertEqual(lp, {"source": "http 127.0.0.1", "path": "/write", "format": "lp",
                              "precision": "s", "default_measurement": None, "tag_keys": None,
                              "time_keys": None, "line": "audit n=", "count": 1, "cut": False})
        self.assertEqual(web, lp | {"path": "/insert/jsonline", "format": "json", "precision": None,
                                    "default_measurement": "web", "tag_keys": "a,b",
                                    "time_keys": "when", "line": '{"n":'})
        self.assertEqual(tcp, web | {"source": "tcp 127.0.0.1", "path": None, "tag_keys": None,
                                     "default_measurement": "logs", "time_keys": None})

    def test_reasons_name_the_cause(self):
        server = self.serve()
        causes = {r'{"a":"x\x22y"}': "escape=json", '{"a":Infinity}': "no such number",
                  "{": "pretty-printed", '  "a": 1,': "pretty-printed", "}": "pretty-printed",
                  '{"a":"x': "cut", "{'a':1}": "double quotes"}
        for line, cause in causes.items():
            with self.subTest(line):
                self.send(server, line + "\n")
                found = server.rows("from rejected | sort -time, -id | limit 1 | keep line, reason")
                self.assertEqual(found[0]["line"], line)
                self.assertIn(cause, found[0]["reason"])

    def reject_old_rows(self):
        """Stops a server that has rejected three rows, because they are older than its retention."""
        server = self.serve("store:\n  retention: 2d\n")
        status, text = server.post("/write?precision=s", "audit n=1i 1100000000\naudit n=2i 1100001000\naudit n=\n")
        self.assertEqual(status, 400, text)
        self.send(server, '{"measurement":"audit","n":3,"time":1100002000}\n')
        self.assertEqual(sum(row["lines"] for row in self.listed("--url", server.url)), 4)
        server.stop()

    def check_stored_once(self, where):
        before = self.listed(*where)
        self.assertEqual([row["stored_later"] for row in before], [0] * len(before))
        out = self.succeed("rejected", "retry", *where, "--source", "tcp 127.0.0.1")
        self.assertEqual(out, "1 stored\n")
        out = self.succeed("rejected", "retry", *where)
        self.assertIn("2 stored\n1 rejected again\n  missing field value", out)
        self.assertIn("1 stored by an earlier retry\n", out)
        self.assertIn("0 stored\n", self.succeed("rejected", "retry", *where))
        after = self.listed(*where)
        self.assertEqual(sum(row["stored_later"] for row in after), 3)
        self.assertEqual(sum(row["lines"] for row in after), 4)
        self.assertEqual(self.listed(*where, "--reason", "nothing like it"), [])
        text = self.succeed("query", *where, "--format", "csv", "from audit | keep time, n")
        self.assertEqual(text, "time,n\n2004-11-09T11:33:20.000000000Z,1\n2004-11-09T11:50:00.000000000Z,2\n"
                               "2004-11-09T12:06:40.000000000Z,3\n")

    def test_retry_on_a_server_stores_what_is_good_after_a_fix_once(self):
        self.reject_old_rows()
        server = self.serve()
        self.check_stored_once(["--url", server.url])

    def test_retry_in_a_folder_stores_what_is_good_after_a_fix_once(self):
        self.reject_old_rows()
        self.check_stored_once(["--db", self.path("data")])

    def test_retry_of_an_imported_file_uses_its_header(self):
        path = self.write("orders/a.csv", "time,n,text\n1100000000,1,a\n1100000000,2\n")
        self.succeed("import", "--db", self.path("data"), path)
        (row,) = self.listed("--db", self.path("data"))
        self.assertEqual((row["source"], row["lines"], row["kept"]), ("import " + path, 1, 1))
        out = self.succeed("rejected", "retry", "--db", self.path("data"))
        self.assertIn("1 rejected again", out)
        self.assertIn("2 values", out)

    def test_a_folder_that_a_server_has_open_is_refused_with_advice(self):
        self.serve()
        result = run("rejected", "retry", "--db", self.path("data"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("--url", result.stderr)
        result = run("rejected", "retry", "--db", self.path("nothing"))
        self.assertEqual(result.returncode, 1)


if __name__ == "__main__":
    unittest.main()
