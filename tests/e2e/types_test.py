"""A column whose events disagree about its type, from the write to the alert: every value is found under its name."""
import json
import signal
import subprocess
import time
import unittest

from support import TOCSIN, Case, PATIENCE, run, wait_for

RULES = """
groups:
  - name: api
    interval: 1s
    rules:
      - alert: Loud
        expr: from app last 1h | where level > 20 | stats n = count()
        annotations: {summary: "{{ n }} loud"}
      - alert: Levels
        expr: from app last 1h | stats n = count() by level
        annotations: {summary: "{{ level }}: {{ n }}"}
"""
ERRORS = """
      - alert: Errors
        expr: from app last 1h | where level == "error" | stats n = count()
        annotations: {summary: "{{ n }} errors"}
"""


def pino(level, message):
    """A line as pino writes it, with the current time."""
    return json.dumps({"level": level, "time": time.time_ns() // 1_000_000, "name": "api", "msg": message}) + "\n"


class TypesTest(Case):
    def test_a_server_groups_compares_and_alerts_on_values_of_every_type(self):
        receiver = self.receive()
        rules = self.write("rules.yml", RULES)
        server = self.serve(f"""
forwarders: [{{name: hook, url: "{receiver.url}"}}]
rules: {{files: [{rules}], delay: 0s}}
""")

        def post(*lines):
            self.assertEqual(server.post("/insert/jsonline?measurement=app&ack=on", "".join(lines))[0], 204)

        def summaries(name):
            return {alert["annotations"]["summary"] for alert in receiver.alerts()
                    if alert["labels"]["alertname"] == name and alert["status"] == "firing"}

        post(pino(30, "listening"))
        wait_for("the alert of the number", lambda: "30: 1" in summaries("Levels"))
        post(pino("error", "refused"), pino(2**64 - 1, "full"))
        wait_for("the alerts of the other types",
                 lambda: {"error: 1", f"{2**64 - 1}: 1"} <= summaries("Levels"))
        self.assertTrue(summaries("Loud"))

        # A rule that was valid before the text came stays valid, and now the text can be compared too.
        self.write("rules.yml", RULES + ERRORS)
        server.process.send_signal(signal.SIGHUP)
        wait_for("the rules", lambda: "rules: 3 in total, added Errors" in server.log())
        wait_for("the new rule's alert", lambda: "1 errors" in summaries("Errors"))
        alerts = server.rows('from alerts | where rule == "Levels" | keep labels')
        self.assertEqual({json.loads(alert["labels"])["level"] for alert in alerts}, {"30", "error", str(2**64 - 1)})

        self.assertEqual(server.rows("from app | stats n = count() by level"),
                         [{"level": "30", "n": 1}, {"level": "error", "n": 1}, {"level": str(2**64 - 1), "n": 1}])
        self.assertEqual(server.rows("from app | where level == 30 | keep level, msg"),
                         [{"level": 30, "msg": "listening"}])
        self.assertEqual(server.rows('from app | where level == "error" | keep level, msg'),
                         [{"level": "error", "msg": "refused"}])
        self.assertEqual(server.rows("from app | where level > 30 | keep level"), [{"level": 2**64 - 1}])
        self.assertEqual(server.rows("from app | where level != 30 | keep msg"), [{"msg": "refused"}, {"msg": "full"}])
        self.assertEqual(server.stop(), 0)

    def test_an_export_restores_every_value_and_type(self):
        database, copy = self.path("data"), self.path("copy")
        lines = pino(30, "listening") + pino("error", "refused") + pino(2**64 - 1, "full") + pino(True, "odd")
        imported = run("import", "--db", database, "--format", "json", "--measurement", "app", "-", text=lines)
        self.assertEqual(imported.returncode, 0, imported.stderr)

        def export(folder, kind):
            exported = subprocess.run([TOCSIN, "export", "--db", folder, "--format", kind, "--typed"],
                                      capture_output=True, timeout=PATIENCE, check=True)
            return exported.stdout

        for kind in ("json", "csv"):
            with self.subTest(kind):
                folder = copy + kind
                text = export(database, kind)
                restored = subprocess.run([TOCSIN, "import", "--db", folder, "-"], input=text, capture_output=True,
                                          timeout=PATIENCE, check=False)
                self.assertEqual(restored.returncode, 0, restored.stderr)
                self.assertEqual(export(folder, kind), text)
                self.assertIn("i64 + string, tag + u64 + bool", run("info", "--db", folder, "--columns").stdout)
                self.assertEqual(run("verify", "--db", folder).returncode, 0)


if __name__ == "__main__":
    unittest.main()
