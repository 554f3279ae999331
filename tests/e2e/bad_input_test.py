"""Bad input is reported with its place and a remedy, and never affects the rest."""
import itertools
import os
import socket
import unittest

from support import Case, Server, run, wait_for

GOOD_RULES = """
groups:
  - name: good
    interval: 1m
    rules:
      - alert: Good
        expr: from audit last 1m | stats n = count() by service | where n > 1000
"""
BROKEN_RULES = GOOD_RULES.replace("good", "broken").replace("Good", "Broken").replace("count()", "cuont()")


class BadInputTest(Case):
    def test_a_malformed_line_over_http_does_not_affect_others(self):
        server = self.serve()
        status, text = server.post("/write", "audit,service=a n=1i\naudit,service=a n=\naudit,service=a n=3i\n")
        self.assertEqual(status, 400)
        self.assertIn("partial write", text)
        self.assertIn("line 2", text)
        self.assertEqual(server.value("from audit | stats n = count()"), 2)

    def test_a_malformed_line_over_tcp_is_kept_in_rejected(self):
        server = self.serve()
        with socket.create_connection(("127.0.0.1", server.tcp_port)) as connection:
            connection.sendall(b'audit,service=a n=1i\n{"measurement":"audit","n":\naudit,service=a n=3i\n')
        wait_for("the good lines", lambda: "audit" in server_measurements(server)
                 and server.value("from audit | stats n = count()") == 2)
        (rejected,) = server.rows("from rejected")
        self.assertIn('{"measurement":"audit"', rejected["line"])
        self.assertTrue(rejected["reason"])
        self.assertIn("127.0.0.1", rejected["source"])

    def test_a_conflicting_type_names_column_and_types(self):
        server = self.serve()
        self.assertEqual(server.post("/write", "audit n=1i\n")[0], 204)
        status, text = server.post("/write", 'audit n="many"\naudit n=2i\n')
        self.assertEqual(status, 400)
        self.assertIn("field type conflict", text)
        self.assertIn("`n`", text)
        self.assertEqual(server.value("from audit | stats n = count()"), 2)

    def test_a_broken_rule_file_leaves_the_others_running(self):
        self.write("rules/good.yml", GOOD_RULES)
        self.write("rules/broken.yml", BROKEN_RULES)
        server = self.serve(f"rules:\n  files: [{self.path('rules/*.yml')}]\n")
        self.assertIn("broken.yml:", server.log())
        self.assertIn("did you mean count", server.log().replace("`", ""))
        self.assertIn("1 rule\n", server.ready)
        self.assertEqual(server.post("/write", "audit,service=a n=1i\n")[0], 204)
        status, text = server.post("/-/reload", "")
        self.assertEqual(status, 200, text)
        self.assertIn("1 in total", text)

    def test_rule_files_that_are_empty_or_cannot_be_read_leave_the_others_running(self):
        self.write("rules/good.yml", GOOD_RULES)
        self.write("rules/empty.yml", "")
        self.write("rules/folder.yml/inside", "")
        os.symlink(self.path("nowhere"), self.path("rules/dangling.yml"))
        server = self.serve(f"rules:\n  files: [{self.path('rules/*.yml')}]\n")
        self.assertIn("1 rule\n", server.ready)
        firing = server.rows('from alerts | where rule == "RuleFileBroken" | keep summary, state')
        self.assertEqual([row["state"] for row in firing], ["firing", "firing"])
        for name in ("folder.yml", "dangling.yml"):
            self.assertEqual(sum(name in row["summary"] for row in firing), 1, firing)
        self.write("rules/good.yml", GOOD_RULES.replace("Good", "Better"))
        wait_for("the reload", lambda: "added Better, removed Good" in server.log())
        result = run("rules", "check", self.path("rules/empty.yml"), self.path("rules/folder.yml"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("folder.yml: Is a directory", result.stderr)

    def test_a_rule_file_that_is_being_written_is_not_read(self):
        path = self.write("rules/good.yml", GOOD_RULES.replace("1m", "1s"))
        server = self.serve(f"rules:\n  files: [{path}]\n  delay: 0s\n")
        before = evaluations(server)  # the server checks the files after each
        lengths = itertools.count()

        def checked_while_it_changes():
            self.write("rules/good.yml", "#" * next(lengths))  # no rules yet
            return evaluations(server) > before + 3

        wait_for("checks of a file that keeps changing", checked_while_it_changes)
        self.assertNotIn("removed", server.log())
        self.write("rules/good.yml", GOOD_RULES.replace("Good", "Better"))
        wait_for("the reload", lambda: "added Better, removed Good" in server.log())
        self.assertEqual(server.log().count("removed"), 1)

    def test_a_glob_that_matches_nothing_is_reported_once(self):
        path = self.write("rules/good.yml", GOOD_RULES.replace("1m", "1s"))
        server = self.serve(f"rules:\n  files: [{self.path('rules/*.yml')}]\n  delay: 0s\n")
        os.remove(path)
        wait_for("the error", lambda: "no rule file matches" in server.log())
        before = evaluations(server)  # the server checks the files after each
        wait_for("further checks of the files", lambda: evaluations(server) > before + 2)
        self.assertEqual(server.log().count("no rule file matches"), 1)
        self.write("rules/good.yml", GOOD_RULES.replace("Good", "Better"))
        wait_for("the reload", lambda: "added Better, removed Good" in server.log())

    def test_a_rule_file_that_is_broken_at_start_is_reported_to_forwarders(self):
        receiver = self.receive()
        self.write("rules/broken.yml", BROKEN_RULES)
        self.serve(f"rules:\n  files: [{self.path('rules/*.yml')}]\n"
                   f"forwarders:\n  - name: pager\n    url: {receiver.url}\n")
        (alert,) = wait_for("the alert", receiver.alerts)
        self.assertEqual(alert["labels"]["alertname"], "RuleFileBroken")

    def test_rules_check_names_file_and_line(self):
        path = self.write("rules/broken.yml", BROKEN_RULES)
        result = run("rules", "check", path)
        self.assertEqual(result.returncode, 1)
        self.assertIn(path + ":", result.stderr + result.stdout)
        self.assertEqual(run("rules", "check", self.write("good.yml", GOOD_RULES)).returncode, 0)

    def test_rules_check_warns_of_a_rule_that_never_fires(self):
        path = self.write("silent.yml", """groups:
  - name: g
    rules:
      - alert: Silent
        expr: from audit last 5m | stats n = count() by service | where n == 0
""")
        result = run("rules", "check", path)
        self.assertEqual((result.returncode, result.stdout), (0, "ok: 1 rule in 1 file\n"))
        self.assertIn(f"warning: {path}:5: Silent: no row passes: `n == 0` is never true",
                      result.stderr)
        self.assertEqual(run("rules", "check", self.write("good.yml", GOOD_RULES)).stderr, "")

    def test_rules_list_shows_valid_rules_and_fails_for_invalid_ones(self):
        good = self.write("rules/good.yml", GOOD_RULES)
        wrong_query = self.write("rules/query.yml", BROKEN_RULES)
        wrong_key = self.write("rules/key.yml", GOOD_RULES.replace("alert:", "alarm:"))
        self.assertEqual(run("rules", "list", good).returncode, 0)
        for path in (wrong_query, wrong_key):
            result = run("rules", "list", good, path)
            self.assertEqual(result.returncode, 1, result.stdout)
            self.assertIn(path + ":", result.stderr)
            self.assertIn("Good", result.stdout)

    def test_a_rule_file_that_matches_several_globs_is_read_once(self):
        path = self.write("rules/good.yml", GOOD_RULES)
        result = run("rules", "check", path, self.path("rules/g*.yml"), self.path("rules/../rules/*"))
        self.assertEqual(result.stdout, "ok: 1 rule in 1 file\n", result.stderr)

    def test_an_unknown_config_key_names_line_and_nearest_key(self):
        path = self.write("tocsin.yml", "store:\n  direktory: x\n")
        result = run("serve", "--config", path)
        self.assertEqual(result.returncode, 1)
        self.assertIn("tocsin.yml:2:3", result.stderr)
        self.assertIn("directory", result.stderr)

    def test_a_port_in_use_is_named(self):
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            port = busy.getsockname()[1]
            result = run("serve", "--db", self.path("other"), "--tcp", f"127.0.0.1:{port}",
                         "--http", "127.0.0.1:0")
        self.assertEqual(result.returncode, 1)
        self.assertIn(str(port), result.stderr)
        self.assertIn("in use", result.stderr)

    def test_a_second_writer_is_refused_with_the_pid_of_the_first(self):
        server = self.serve()
        result = run("import", "--db", self.path("data"), "-", text="audit n=1i 1764000000000000000\n")
        self.assertEqual(result.returncode, 1)
        self.assertIn(str(server.process.pid), result.stderr)
        with self.assertRaises(AssertionError):
            Server(self.folder)

    def test_a_query_error_points_at_its_place(self):
        server = self.serve()
        server.post("/write", "audit duration_ms=1\n")
        result = run("query", "--url", server.url, "from audit | where durtion_ms > 1")
        self.assertEqual(result.returncode, 1)
        self.assertIn("durtion_ms", result.stderr)
        self.assertIn("duration_ms", result.stderr)
        self.assertIn("^", result.stderr)

    def test_wrong_usage_exits_with_code_two(self):
        for arguments in ([], ["qurey"], ["query", "from a"], ["generate", "--days", "many"],
                          ["query", "--db", "x", "--format", "xml", "from a"]):
            with self.subTest(arguments):
                self.assertEqual(run(*arguments).returncode, 2)

    def test_a_missing_database_is_reported(self):
        result = run("query", "--db", self.path("nothing"), "from audit")
        self.assertEqual(result.returncode, 1)
        self.assertIn("nothing", result.stderr)


def evaluations(server):
    """The number of windows evaluated by all rules."""
    lines = server.get("/metrics")[1].splitlines()
    return sum(int(line.split()[-1]) for line in lines
               if line.startswith("tocsin_rule_evaluations_total{"))


def server_measurements(server):
    return {row["measurement"] for row in server.rows("from * | stats n = count() by measurement")}


if __name__ == "__main__":
    unittest.main()
