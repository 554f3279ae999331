"""`tocsin rules test` and `tocsin rules backtest` with the real binary: exit codes, reports, errors."""
import csv
import io
import json
import os
import signal
import subprocess
import time
import unittest
import xml.etree.ElementTree

from support import TOCSIN, Case, PATIENCE, run

RULES = """
groups:
  - name: g
    interval: 5m
    rules:
      - alert: Failures
        expr: |
          from audit last 10m
          | stats failed = count() where status == "FAILED" by service
          | where failed >= $least
        value: failed
        annotations: {summary: "{{ service }}: {{ failed }}"}
"""

TEST = """
rule_files: [rules.yml]
tests:
  - name: one fails
    params: {least: 3}
    events:
      - generate: {measurement: audit, tags: {service: pay, status: FAILED}, every: 1m, for: 1h}
    alert_rule_test:
      - eval_time: 30m
        alertname: Failures
        exp_alerts:
          - exp_labels: {service: %s}
  - name: none fails
    params: {least: 3}
    alert_rule_test: [{eval_time: 1h, alertname: Failures, exp_alerts: []}]
"""

# Two incidents on 2026-01-02, of 30 and of 5 failures.
EVENTS = "".join(f"audit,service=pay,status=FAILED ms=1 {1767312000 + second}000000000\n"
                 for second in [*range(3600, 5400, 60), *range(40000, 40300, 60)])
RANGE = ["--from", "2026-01-02T00:00:00Z", "--to", "2026-01-03T00:00:00Z"]


class TestCommand(Case):
    def setUp(self):
        super().setUp()
        self.write("rules.yml", RULES)

    def test_exit_codes_say_whether_all_tests_passed(self):
        good, bad = self.write("good.yml", TEST % "pay"), self.write("bad.yml", TEST % "web")
        passed = run("rules", "test", good)
        self.assertEqual((passed.returncode, passed.stderr), (0, ""))
        self.assertIn("2 tests passed", passed.stdout)
        failed = run("rules", "test", good, bad)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("tocsin: 1 of 4 tests failed", failed.stderr)
        self.assertIn('firing {service="web"}', failed.stdout)
        self.assertIn(f"{bad}:9:9: Failures at +30m", failed.stdout)
        self.assertEqual(run("rules", "test").returncode, 2)
        self.assertEqual(run("rules", "test", "--run", "(", good).returncode, 2)
        self.assertEqual(run("rules", "test", "--run", "none", bad).returncode, 0)
        self.assertEqual(run("rules", "test", "--run", "zzz", good).returncode, 1)
        self.assertEqual(run("rules", "test", self.write("wrong.yml", "tests: 3")).returncode, 1)

    def test_a_report_for_ci_lists_every_test(self):
        report = self.path("report.xml")
        run("rules", "test", self.write("bad.yml", TEST % "web"), "--junit", report)
        suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("2", "1"))
        self.assertEqual([case.get("name") for case in suite.iter("testcase")], ["one fails", "none fails"])
        self.assertIn("firing", suite.find("testcase/failure").text)
        self.assertEqual(run("rules", "test", self.path("bad.yml"), "--junit", self.path("no", "x")).returncode, 1)

    def test_an_update_makes_the_test_pass(self):
        path = self.write("bad.yml", TEST % "web")
        self.assertEqual(run("rules", "test", "--update", path).returncode, 1)
        self.assertEqual(run("rules", "test", path).returncode, 0)
        self.assertEqual(sorted(os.listdir(self.path())), ["bad.yml", "rules.yml"])


class CheckCommand(Case):
    def test_a_check_with_a_database_shows_what_rules_would_alert_about_now(self):
        rules = self.write("rules.yml", RULES.replace("$least", "3").replace("last 10m", "last 365d"))
        database = self.path("data")
        now = int(time.time())
        events = "".join(f"audit,service=pay,status=FAILED ms=1 {now - 86400 - i}000000000\n" for i in range(5))
        self.assertEqual(run("import", "--db", database, "--format", "lp", "-", text=events).returncode, 0)
        checked = run("rules", "check", "--db", database, rules)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.assertIn("MEDIUM pay: 5", checked.stdout)
        self.assertEqual(run("rules", "check", "--db", self.path("none"), rules).returncode, 1)

    def test_advice_does_not_fail_a_check(self):
        rules = self.write("rules.yml", RULES.replace("$least", "3").replace("last 10m", "last 1m"))
        checked = run("rules", "check", rules)
        self.assertEqual(checked.returncode, 0)
        self.assertIn("advice: ", checked.stderr)
        self.assertIn("the other 4m of each are never seen", checked.stderr)


class BacktestCommand(Case):
    def setUp(self):
        super().setUp()
        self.rules = self.write("rules.yml", RULES)
        self.database = self.path("data")
        self.assertEqual(run("import", "--db", self.database, "--format", "lp", "-", text=EVENTS).returncode, 0)

    def backtest(self, *arguments, least=3):
        parameter = [] if least is None else ["--param", f"least={least}"]
        return run("rules", "backtest", "--db", self.database, *RANGE, *parameter, *arguments, self.rules)

    def test_every_format_has_the_firings(self):
        table = self.backtest()
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertIn("1 rules, 288 windows, 2 firings, 14 pages a week", table.stdout)
        rows = list(csv.DictReader(io.StringIO(self.backtest("--format", "csv").stdout)))
        self.assertEqual([(row["group"], row["start"], row["worst_value"]) for row in rows],
                         [("service=pay", "2026-01-02T01:05:00Z", "10"), ("service=pay", "2026-01-02T11:10:00Z", "5")])
        report = json.loads(self.backtest("--format", "json").stdout)
        self.assertEqual([firing["end"] for firing in report["firings"]],
                         ["2026-01-02T01:40:00Z", "2026-01-02T11:20:00Z"])
        self.assertEqual(len(report["firings"][0]["samples"]), 3)
        self.assertEqual(self.backtest("--format", "csv", least=6).stdout.count("\n"), 2)

    def test_a_sweep_marks_the_best_value(self):
        label = {"kind": "FAILURES", "service": "pay", "start": "2026-01-02T01:00:00Z", "end": "2026-01-02T01:30:00Z"}
        labels = self.write("labels.jsonl", json.dumps(label))
        lines = self.backtest("--sweep", "least=2:8:3", "--labels", labels, least=None).stdout.splitlines()
        self.assertEqual([line.split()[:2] for line in lines[1:]], [["2", "2"], ["5", "2"], ["8", "1"]])
        self.assertEqual([line.endswith("best") for line in lines[1:]], [False, False, True])

    def test_two_sets_of_rules_are_compared(self):
        stricter = RULES.replace(">= $least", ">= 8").replace("Failures", "Many\n        type: FAILURES")
        other = self.write("other.yml", stricter)
        result = self.backtest("--against", other)
        self.assertIn("only new: 1; only in the files of --against: 0; in both: 1, 0 of them", result.stdout)

    def test_mistakes_are_named(self):
        for arguments, message in ((("--param", "lest=3"), "no rule uses `$lest`"),
                                   (("--sweep", "lest=1:2:1"), "no rule uses `$lest`"),
                                   (("--sweep", "least=1"), "expected NAME=FROM:TO:STEP"),
                                   (("--to", "2026-01-01T00:00:00Z"), "--from must be before --to")):
            with self.subTest(arguments):
                result = run("rules", "backtest", "--db", self.database, "--from", RANGE[1], *arguments, self.rules)
                self.assertEqual(result.returncode, 1)
                self.assertIn(message, result.stderr)
        self.assertEqual(run("rules", "backtest", "--db", self.path("none"), self.rules).returncode, 1)
        self.assertEqual(self.backtest("--format", "xml").returncode, 2)
        self.assertEqual(self.backtest("--param", "least").returncode, 2)

    def test_it_runs_beside_a_server_and_survives_its_death(self):
        server = self.serve()
        backtest = [TOCSIN, "rules", "backtest", "--db", self.database, *RANGE, "--param", "least=3", "--format", "csv",
                    self.rules]
        with subprocess.Popen(backtest, stdout=subprocess.PIPE, text=True) as process:
            server.kill()
            self.assertEqual(process.communicate(timeout=PATIENCE)[0].count("\n"), 3)
            self.assertEqual(process.returncode, 0)

    def test_an_interrupt_ends_it(self):
        endless = [TOCSIN, "rules", "backtest", "--db", self.database, "--from", "1980-01-01T00:00:00Z", "--param",
                   "least=3", self.rules]
        with subprocess.Popen(endless, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            self.assertIn("windows", process.stderr.readline())
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(PATIENCE), 1)
            self.assertIn("stopped", process.stderr.read())


if __name__ == "__main__":
    unittest.main()
