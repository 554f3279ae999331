"""Files of many formats are imported and followed as they are meant, or named with what to do."""
import gzip
import json
import os
import signal
import socket
import unittest

from support import Case, run, wait_for

TRAIL = ('{"Records": [{"time": "2026-11-02T08:15:04Z", "eventName": "PutObject", "errorCode": null}, '
         '{"time": "2026-11-02T08:15:06Z", "eventName": "GetObject", "errorCode": "AccessDenied"}]}\n')
PLAIN = """2026-11-02 08:15:04,250 ERROR [worker-3] billing: card declined for order 8123
  at Billing.pay(Billing.java:41)
2026-11-02 08:15:05,000 INFO [worker-1] billing: took 12 ms
"""
MANY = "".join(f"2026-11-02T08:15:{i:02d}Z took_ms={i}\n" for i in range(50))
LOGFMT = 'ts=2026-11-02T08:15:04Z level=info msg="server started" port=8080\n'


class FormatsTest(Case):
    def put(self, name, content):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def load(self, *arguments, text=""):
        return run("import", "--db", self.path("data"), *arguments, text=text)

    def loaded(self, *arguments):
        result = self.load(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr + result.stdout)
        return result

    def refused(self, *arguments):
        result = self.load(*arguments)
        self.assertEqual(result.returncode, 1, result.stdout)
        return result.stderr

    def ask(self, query):
        result = run("query", "--db", self.path("data"), "--format", "csv", query)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()[1:]

    def test_import_reads_arrays_and_compressed_files(self):
        self.loaded(self.put("trail/a.json", TRAIL), self.put("trail/b.json.gz", gzip.compress(TRAIL.encode())),
                    self.put("trail/c.json", TRAIL.encode("utf-16")))
        self.assertEqual(self.ask("from trail | stats n = count() by time, eventName | sort time"),
                         ["2026-11-02T08:15:04.000000000Z,PutObject,3", "2026-11-02T08:15:06.000000000Z,GetObject,3"])

    def test_import_reads_plain_text_with_time_and_level(self):
        self.loaded(self.put("shop/app.log", PLAIN))
        self.assertEqual(self.ask('from shop | sort time | keep time, level, message | let message = replace(message, "\\n", "|")'),
                         ["2026-11-02T08:15:04.250000000Z,ERROR,[worker-3] billing: card declined for order 8123|"
                          "  at Billing.pay(Billing.java:41)",
                          "2026-11-02T08:15:05.000000000Z,INFO,[worker-1] billing: took 12 ms"])
        self.loaded(self.put("times/app.log", MANY))
        self.assertEqual(self.ask("from times | stats n = count()"), ["50"])
        self.loaded(self.put("fmt/app.log", LOGFMT))
        self.assertEqual(self.ask("from fmt | keep time, level, port"), ["2026-11-02T08:15:04.000000000Z,info,8080"])

    def test_import_refuses_rows_without_times_before_the_first_row(self):
        good = self.put("a/good.lp", "good n=1i 1764000000000000000\n")
        error = self.refused(good, self.put("a/b.json", '{"created":"2026-11-02T08:15:04Z","n":1}\n'))
        self.assertIn("b.json", error)
        self.assertIn("`created`, `n`; name the one with the time: --time KEY", error)
        self.assertFalse(os.path.exists(self.path("data")))
        self.loaded("--time", "created", self.path("a/b.json"))
        self.assertEqual(self.ask("from a | keep time"), ["2026-11-02T08:15:04.000000000Z"])
        self.loaded("--time", "now", "--measurement", "now", self.put("a/c.json", '{"n":1}\n'))
        self.assertEqual(self.ask("from now | stats n = count()"), ["1"])

    def test_import_of_which_nothing_is_stored_fails_and_says_so(self):
        for content in ('{"broken":\n', "# only a comment\n", "\n\n", b"\0" * 300, "[]"):
            with self.subTest(content):
                result = self.load(self.put("a/file", content))
                self.assertEqual(result.returncode, 1)
                self.assertIn("file: nothing was stored", result.stdout)
        self.assertEqual(self.load(self.put("a/empty", "")).returncode, 0)

    def test_import_names_formats_that_it_cannot_read(self):
        for content, parts in ((b"PAR1\x15\x04", ("Parquet", "convert")),
                               (b"x" * 257 + b"ustar\0", ("tar archive", "tar -xf")),
                               (b"\xfd7zXZ\0", ("xz", "xz -dc")),
                               (gzip.compress(b"x" * 257 + b"ustar\0"), ("tar archive in gzip",)),
                               ("2026-11-02T08:15:04Z,edge,200\n2026-11-02T08:15:05Z,edge,404\n", ("--no-header",))):
            error = self.refused(self.put("a/file", content))
            for part in parts:
                self.assertIn(part, error)
        self.loaded("--no-header", self.path("a/file"))
        self.assertEqual(self.ask("from a | sort time | keep time, column2, column3"),
                         ["2026-11-02T08:15:04.000000000Z,edge,200", "2026-11-02T08:15:05.000000000Z,edge,404"])

    def test_import_of_a_folder_names_what_it_passes_over(self):
        self.put("logs/a.log.1", PLAIN)
        self.put("logs/readme.md", "no log")
        self.put("logs/b.json", b"PAR1\x15\x04")
        result = self.loaded(self.path("logs"))
        self.assertIn("readme.md: the name does not end in", result.stderr)
        self.assertIn("Parquet", result.stderr)
        self.assertEqual(self.ask("from logs | stats n = count()"), ["2"])

    def test_an_export_with_odd_names_is_imported_again(self):
        lines = "2026-11-02 n=1i 1000000000\nlevel\\=info n=2i 2000000000\n"
        self.loaded("--format", "lp", self.put("a/odd.lp", lines))
        exported = run("export", "--db", self.path("data")).stdout
        self.assertEqual(sorted(exported.splitlines()), sorted(lines.splitlines()))
        copy = run("import", "--db", self.path("copy"), "-", text=exported)
        self.assertEqual(copy.returncode, 0, copy.stderr)
        self.assertEqual(run("export", "--db", self.path("copy")).stdout, exported)

    def test_followed_text_becomes_messages(self):
        self.put("shop/app.log", PLAIN)
        self.put("times/app.log", MANY)
        self.put("fmt/app.log", LOGFMT)
        packed = self.put("old/app.log.gz", gzip.compress(PLAIN.encode()))
        server = self.serve(f"tail:\n  - paths: [{self.path('*/*.log')}, {self.path('old/*.gz')}]\n")
        wait_for("all lines", lambda: server.get("/-/ready")[0] == 200)
        # The last event waits for its next line.
        wait_for("the last event", lambda: server.value("from shop | stats n = count()") == 2)
        self.assertEqual(server.rows("from shop | sort time | keep level, message"),
                         [{"level": "ERROR", "message": "[worker-3] billing: card declined for order 8123\n"
                                                        "  at Billing.pay(Billing.java:41)"},
                          {"level": "INFO", "message": "[worker-1] billing: took 12 ms"}])
        self.assertEqual(server.value("from times | stats n = count()"), 50)
        with open(self.path("shop/app.log"), "a", encoding="utf-8") as file:
            file.write("  at Shop.checkout(Shop.java:17)\n")
        wait_for("the line", lambda: server.value("from shop | stats n = count()") == 3)
        self.assertEqual(server.value('from shop | where message contains "Shop.java" | keep time'),
                         "2026-11-02T08:15:05.000000000Z")
        log = server.log()
        self.assertIn(f"{packed} is compressed and is not read", log)
        self.assertEqual(server.value("from fmt | keep port"), 8080)

    def test_a_tail_test_shows_rows_and_reasons_and_stores_nothing(self):
        plain = self.put("shop/app.log", PLAIN)
        shown = run("tail", "test", plain)
        self.assertEqual(shown.returncode, 0)
        self.assertIn("format text (recognised), events of several lines", shown.stderr)
        rows = [json.loads(line) for line in shown.stdout.splitlines()]
        self.assertEqual([(row["name"], row["tags"], row["timestamp"]) for row in rows],
                         [("shop", {"level": "ERROR"}, "2026-11-02T08:15:04.250000000Z"),
                          ("shop", {"level": "INFO"}, "2026-11-02T08:15:05.000000000Z")])
        self.assertTrue(rows[0]["fields"]["message"].endswith("\n  at Billing.pay(Billing.java:41)"))
        wrong = run("tail", "test", "--format", "access", plain)
        self.assertEqual(wrong.returncode, 1)
        self.assertEqual([json.loads(line)["number"] for line in wrong.stdout.splitlines()], [1, 2, 3])
        config = self.write("tail.yml", f"tail:\n  - {{paths: ['{self.path('shop/*.log')}'], measurement: sales, "
                            "static_tags: {env: prod}, multiline: off}\n")
        configured = run("tail", "test", "--config", config, plain)
        rows = [json.loads(line) for line in configured.stdout.splitlines()]
        self.assertEqual([(row["name"], row["tags"]["env"]) for row in rows], [("sales", "prod")] * 3)
        self.assertIn("no entry of `tail`", run("tail", "test", "--config", config, self.put("x/y.log", PLAIN)).stderr)
        self.assertFalse(os.path.exists(self.path("data")))

    def test_imported_rows_get_the_tags_that_are_named(self):
        self.loaded("--tag", "env=prod", "--tag", "zone=b", self.put("shop/app.log", PLAIN))
        self.assertEqual(self.ask("from shop | stats n = count() by env, zone"), ["prod,b,2"])

    def test_lines_that_end_with_a_carriage_return_alone_are_imported_and_not_followed(self):
        text = PLAIN.replace("\n", "\r")
        self.loaded(self.put("mac/app.log", text))
        self.assertEqual(self.ask("from mac | stats n = count()"), ["2"])
        followed = [self.put(f"follow/{name}.log", f"{name}\r{text}") for name in ("auto", "text")]
        server = self.serve("".join(("tail:\n", *(
            f"  - {{paths: ['{path}'], format: {form}, last_line_wait: 1ms}}\n"
            for path, form in zip(followed, ("auto", "text"))))))
        for path in followed:
            notice = f"{path} is text in lines that end with a carriage return alone and is not read"
            wait_for(notice, lambda notice=notice: notice in server.log())
        self.assertEqual(server.value("from * | stats n = count()"), 2)

    def test_colours_of_followed_text_hide_nothing_and_are_not_stored(self):
        self.put("shop/app.log", "".join(
            f"\x1b[2m{time}\x1b[0m \x1b[31m{level}\x1b[0m \x1b[1mup\x1b[0m\n"
            for time, level in (("2026-11-02T08:15:04Z", "INFO"), ("2026-11-02T08:15:05Z", "WARN"))))
        server = self.serve(f"tail:\n  - paths: ['{self.path('shop/*.log')}']\n")
        wait_for("all lines", lambda: server.get("/-/ready")[0] == 200)
        wait_for("the last event", lambda: server.value("from shop | stats n = count()") == 2)
        self.assertEqual(server.rows("from shop | sort time | keep time, level, message"),
                         [{"time": "2026-11-02T08:15:04.000000000Z", "level": "INFO", "message": "up"},
                          {"time": "2026-11-02T08:15:05.000000000Z", "level": "WARN", "message": "up"}])

    def test_a_duplicate_key_is_reported_and_has_its_last_value(self):
        server = self.serve()
        self.assertEqual(server.post("/write", "dup,h=a,h=b x=1,x=2\n")[0], 204)
        self.assertEqual(server.rows("from dup | keep h, x"), [{"h": "b", "x": 2}])
        self.assertIn("occurs twice: only its last value is stored", server.log())
        status, text = server.post("/write", "types x=1,x=\"text\"\n")
        self.assertEqual(status, 400)
        self.assertIn("field type conflict: column `x` of `types` is f64, got string `text`", text)

    def test_followed_lines_that_wrap_events_become_their_rows(self):
        self.put("trail/a.json", TRAIL)
        server = self.serve(f"tail:\n  - paths: [{self.path('trail/*.json')}]\n")
        wait_for("the events", lambda: server.value("from * | stats n = count()") == 2)
        self.assertEqual(server.rows("from trail | sort time | keep time, eventName"),
                         [{"time": "2026-11-02T08:15:04.000000000Z", "eventName": "PutObject"},
                          {"time": "2026-11-02T08:15:06.000000000Z", "eventName": "GetObject"}])
        self.assertIn("its rows are the elements of `Records`", server.log())

    def test_a_reload_changes_the_format_of_a_followed_file(self):
        path = self.put("shop/app.log", '2026-11-02T08:15:04Z up\n{"time":"2026-11-02T08:15:05Z","n":1}\n')
        tail = f"tail:\n  - {{paths: ['{self.path('shop/*.log')}'], format: FORMAT}}\n"
        server = self.serve(tail.replace("FORMAT", "auto"))
        expected = [{"message": "up", "n": None}, {"message": None, "n": 1}]
        for form, line, row in (("text", '2026-11-02T08:15:06Z {"n":2}', {"message": '{"n":2}', "n": None}),
                                ("json", '{"time":"2026-11-02T08:15:07Z","n":3}', {"message": None, "n": 3}),
                                ("auto", "2026-11-02T08:15:08Z down", {"message": "down", "n": None})):
            wait_for("the lines before", lambda: server.value("from * | stats n = count()") == len(expected))
            self.write("tocsin.yml", tail.replace("FORMAT", form))
            before = len(server.log())
            server.process.send_signal(signal.SIGHUP)
            wait_for("the reload", lambda: " in total" in server.log()[before:])
            with open(path, "a", encoding="utf-8") as file:
                file.write(line + "\n")
            expected.append(row)
        wait_for("the last line", lambda: server.value("from shop | stats n = count()") == len(expected))
        self.assertEqual(server.rows("from shop | sort time | keep message, n"), expected)
        self.assertEqual(server.value("from rejected | stats n = count()"), 0)

    def test_rejected_lines_of_a_text_file_are_stored_by_a_retry(self):
        old = '2004-11-09T11:33:20Z ERROR failed\n{"time":"2004-11-09T11:33:21Z","n":1}\n'
        self.put("shop/app.log", PLAIN + old)
        server = self.serve(f"store:\n  retention: 3650d\ntail:\n  - paths: [{self.path('shop/*.log')}]\n")
        wait_for("the old lines", lambda: server.value("from rejected | stats n = count()") == 2)
        self.assertEqual(server.rows("from rejected | sort id | keep format"), [{"format": "auto text"}] * 2)
        server.stop()
        result = run("rejected", "retry", "--db", self.path("data"))
        self.assertEqual(result.stdout, "2 stored\n", result.stderr)
        self.assertEqual(self.ask("from shop | sort time | limit 2 | keep time, level, message, n"),
                         ["2004-11-09T11:33:20.000000000Z,ERROR,failed,", "2004-11-09T11:33:21.000000000Z,,,1"])

    def test_text_on_the_line_port_and_over_http_is_rejected_with_advice(self):
        server = self.serve()
        status, text = server.post("/write", 'level=info msg="x"\naudit n=1i\n')
        self.assertEqual(status, 400)
        self.assertIn("looks like `key=value`, so this is probably a line of text", text)
        with socket.create_connection(("127.0.0.1", server.tcp_port)) as connection:
            connection.sendall(MANY.encode() + b"tcp n=1i\n")
        wait_for("the good line", lambda: server.get("/api/query?q=from+tcp")[0] == 200)
        self.assertEqual(server.value('from rejected | where reason contains "looks like a time" | stats n = count()'), 50)
        names = {row["measurement"] for row in server.rows("from * | stats n = count() by measurement")}
        self.assertEqual(names & {"audit", "tcp", "level=info"}, {"audit", "tcp"})

    def test_a_source_creates_at_most_a_hundred_odd_measurements_in_a_minute(self):
        server = self.serve()
        body = "".join(f'{{"measurement":"job={i}","n":1}}\n' for i in range(250))
        status, text = server.post("/insert/jsonline", body)
        self.assertEqual(status, 400)
        self.assertIn("has created 100 such measurements within a minute", text)
        stored = server.value("from * | stats n = count_distinct(measurement) where measurement contains \"job=\"")
        self.assertIn(stored, (100, 200))  # the minute may end in between
        self.assertEqual(server.post("/insert/jsonline", '{"measurement":"job=0","n":2}\n')[0], 204)


if __name__ == "__main__":
    unittest.main()
