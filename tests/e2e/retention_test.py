"""Retention that waits: it is announced, and an operator can confirm it."""
import json
import time
import unittest

from support import Case, run, wait_for

DAY = 86_400
CONFIG = "store:\n  retention: 10d\n"


class Retention(Case):
    def setUp(self):
        super().setUp()
        now = int(time.time())
        lines = "".join(f"audit n={day}i {(now - day * DAY) * 10**9}\n" for day in range(40))
        source = self.path("rows.lp")
        with open(source, "w", encoding="utf-8") as file:
            file.write(lines)
        imported = run("import", "--db", self.path("data"), "--format", "lp", source)
        self.assertEqual(imported.returncode, 0, imported.stderr)

    def health(self, server):
        return json.loads(server.get("/health")[1])["message"]

    def alerts(self, server):
        return [row["state"] for row in server.rows(
            'from alerts | where rule == "RetentionWaits" | sort time | keep state')]

    def test_a_shortened_retention_waits_and_is_confirmed_on_the_server(self):
        server = self.serve(CONFIG)
        wait_for("the announcement", lambda: "retention waits" in self.health(server))
        self.assertIn("of audit", self.health(server))
        self.assertIn("tocsin retention confirm", server.log())
        wait_for("the alert", lambda: self.alerts(server) == ["firing"])
        self.assertEqual(server.value("from audit | stats n = count()"), 40)

        busy = run("retention", "confirm", "--db", self.path("data"))
        self.assertEqual(busy.returncode, 1)
        self.assertIn("--url", busy.stderr)
        confirmed = run("retention", "confirm", "--url", server.url)
        self.assertEqual((confirmed.returncode, confirmed.stdout),
                         (0, "confirmed: deleting old days of audit\n"), confirmed.stderr)
        self.assertLessEqual(server.value("from audit | stats n = count()"), 11)
        self.assertNotIn("retention waits", self.health(server))
        self.assertGreaterEqual(server.log().count("retention: dropped"), 29)
        wait_for("the end of the alert", lambda: self.alerts(server) == ["firing", "resolved"])
        again = run("retention", "confirm", "--url", server.url)
        self.assertEqual(again.stdout, "nothing waits for a confirmation\n")

    def test_a_confirmation_without_a_server_holds_for_the_next_one(self):
        server = self.serve(CONFIG)
        wait_for("the announcement", lambda: "retention waits" in self.health(server))
        self.assertEqual(server.stop(), 0)
        confirmed = run("retention", "confirm", "--db", self.path("data"))
        self.assertEqual(confirmed.stdout, "confirmed: deleting old days of audit\n", confirmed.stderr)
        server = self.serve(CONFIG)
        wait_for("the old days to go", lambda: server.value("from audit | stats n = count()") <= 11)

    def test_a_grace_of_zero_does_not_wait(self):
        server = self.serve(CONFIG + "  retention_grace: 0s\n")
        wait_for("the old days to go", lambda: server.value("from audit | stats n = count()") <= 11)
        self.assertNotIn("retention waits", server.log())


if __name__ == "__main__":
    unittest.main()
