#!/usr/bin/env python3
"""Silences and acknowledgements on a running server: the commands, and amtool of Debian's prometheus-alertmanager.

The tests with amtool are skipped if it is not installed (`tools/setup --all` installs it).
"""
import json
import shutil
import subprocess
import time
import unittest

from support import PATIENCE, Case, run, wait_for

needs_amtool = unittest.skipUnless(shutil.which("amtool"),
                                   "amtool is not installed; `tools/setup --all` installs it")
RULES = """
groups:
  - name: mine
    interval: 1s
    rules:
      - alert: Events
        expr: from audit last 10m | stats n = count() by service | where n >= 1
        severity: [HIGH when n >= 5, LOW]
        annotations:
          summary: "{{ service }}: {{ n }} events"
"""
FILE_SILENCE = """
silences:
  - {name: quiet, matchers: ['service="quiet"'], from: 2020-01-01, until: 2100-01-01, comment: never}
"""


class SilenceTest(Case):
    def setUp(self):
        super().setUp()
        self.receiver = self.receive()
        self.rules = self.write("rules.yml", RULES + FILE_SILENCE)
        self.server = self.serve(f"""
forwarders: [{{name: hook, url: "{self.receiver.url}"}}]
rules: {{files: [{self.rules}], delay: 0s}}
""")

    def command(self, *arguments, code=0):
        result = run(*arguments, "--url", self.server.url)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout if code == 0 else result.stderr

    def amtool(self, *arguments, code=0):
        result = subprocess.run(["amtool", "--alertmanager.url", self.server.url, *arguments], capture_output=True,
                                text=True, timeout=PATIENCE, check=False)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout if code == 0 else result.stderr

    def events(self, service, count=1):
        self.assertEqual(self.server.post("/write", f"audit,service={service} n=1i\n" * count)[0], 204)

    def wait_stored(self, service, where):
        return wait_for(f"the alert of {service}", lambda: self.server.rows(
            f'from alerts | where service == "{service}" and {where} | sort time'))

    def sent(self, service):
        return [(alert["status"], alert["labels"]["severity"]) for alert in self.receiver.alerts()
                if alert["labels"]["service"] == service]

    def test_a_silence_of_the_command_holds_back_and_releases(self):
        silence = self.command("silence", "add", "service=~pay|web", "--for", "1h", "--owner", "ada", "--comment",
                               "new disk").strip()
        self.events("pay")
        self.events("quiet")
        self.events("other")
        stored = self.wait_stored("pay", 'state == "firing"')
        self.assertEqual(stored[0]["silenced_by"], silence)
        self.assertEqual(self.wait_stored("quiet", 'state == "firing"')[0]["silenced_by"], "file:quiet")
        wait_for("the alert that is not silenced", lambda: self.sent("other"))
        self.assertEqual(self.sent("pay") + self.sent("quiet"), [])

        listed = self.command("silence", "list")
        self.assertIn('service=~"pay|web"', listed)
        self.assertIn("ada: new disk", listed)
        self.assertIn("file:quiet  active", listed)
        self.assertIn("rules.yml", self.command("silence", "expire", "file:quiet", code=1))
        self.assertIn("no silence", self.command("silence", "expire", "nothing", code=1))
        self.assertIn("must end", self.command("silence", "add", "a=b", code=1))

        self.server.kill()
        self.server = self.serve(f"""
forwarders: [{{name: hook, url: "{self.receiver.url}"}}]
rules: {{files: [{self.rules}], delay: 0s}}
""")
        self.assertIn(silence, self.command("silence", "list"))  # also after kill -9
        self.command("silence", "expire", silence)
        wait_for("the alert after its silence", lambda: self.sent("pay"))
        self.assertNotIn(silence, self.command("silence", "list"))
        self.assertIn(silence, self.command("silence", "list", "--expired"))

    def test_an_acknowledged_alert_is_not_sent_again(self):
        self.events("pay")
        fingerprint = self.wait_stored("pay", 'state == "firing"')[0]["fingerprint"]
        wait_for("the first alert", lambda: self.sent("pay"))
        self.assertIn("acknowledged by ada", self.command("alerts", "ack", fingerprint, "--by", "ada", "--note",
                                                          "on it"))
        self.assertIn("no alert", self.command("alerts", "ack", "0123", "--by", "ada", code=1))
        self.events("pay", 9)
        risen = self.wait_stored("pay", 'severity == "HIGH"')
        self.assertEqual(risen[0]["acknowledged_by"], "ada")
        time.sleep(1)
        self.assertEqual(self.sent("pay"), [("firing", "LOW")])
        status, text = self.server.get("/api/v1/alerts")
        self.assertEqual(status, 200)
        (alert,) = json.loads(text)["data"]["alerts"]
        self.assertEqual(alert["status"]["acknowledgedBy"], "ada")
        self.assertEqual(alert["status"]["state"], "suppressed")

    @needs_amtool
    def test_amtool(self):
        silence = self.amtool("silence", "add", "service=pay", "--duration", "1h", "--author", "bob", "--comment",
                              "by amtool").strip()
        self.assertRegex(silence, r"^[0-9a-f-]{36}$")
        self.events("pay")
        self.events("other")
        self.assertEqual(self.wait_stored("pay", 'state == "firing"')[0]["silenced_by"], silence)
        self.wait_stored("other", 'state == "firing"')
        self.assertIn("by amtool", self.amtool("silence", "query"))
        self.assertIn(silence, self.amtool("silence", "query", "-q", "service=pay"))
        self.assertNotIn(silence, self.amtool("silence", "query", "-q", "service=web"))
        alerts = json.loads(self.amtool("alert", "query", "-o", "json"))
        self.assertEqual([alert["labels"]["service"] for alert in alerts], ["other"])
        alerts = json.loads(self.amtool("alert", "query", "--silenced", "-o", "json"))
        self.assertEqual([(alert["labels"]["service"], alert["status"]["silencedBy"]) for alert in alerts],
                         [("pay", [silence])])
        before = json.loads(self.server.get("/api/v2/silence/" + silence)[1])["endsAt"]
        self.amtool("silence", "update", "--duration", "3h", silence)
        self.assertGreater(json.loads(self.server.get("/api/v2/silence/" + silence)[1])["endsAt"], before)
        self.amtool("silence", "expire", silence)
        self.assertNotIn(silence, self.amtool("silence", "query"))
        self.assertIn(silence, self.amtool("silence", "query", "--expired", "-q"))
        wait_for("the alert after its silence", lambda: self.sent("pay"))
        self.assertIn("status 409", self.amtool("silence", "expire", "file:quiet", code=1))


if __name__ == "__main__":
    unittest.main()
