"""Matching alerts with labels is strict about kind, service and time."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/match_alerts.py")
UNTIL = "2026-11-24T12:00:00Z"


def anomaly(kind="FAILURE_RATE_SPIKE", service="pay", start="10:00", end="10:40"):
    return {"kind": kind, "service": service,
            "start": f"2026-11-24T{start}:00Z", "end": f"2026-11-24T{end}:00Z"}


def rows(start, end=None, kind="FAILURE_RATE_SPIKE", service="pay", instance="1"):
    """The rows of one alert, which is still firing if there is no end."""
    row = {"rule": "R", "type": kind, "service": service, "severity": "HIGH", "fingerprint": instance}
    result = [dict(row, state="firing", time=f"2026-11-24T{start}:00.000000000Z")]
    if end:
        result.append(dict(row, state="resolved", time=f"2026-11-24T{end}:00.000000000Z"))
    return result


class MatchTest(unittest.TestCase):
    def check(self, anomalies, alert_rows, expected, since=()):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("labels", "alerts")]
            for path, lines in zip(paths, (anomalies, alert_rows)):
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines(json.dumps(line) + "\n" for line in lines)
            result = subprocess.run([sys.executable, SCRIPT, *paths, UNTIL, *since], capture_output=True,
                                    text=True, check=True)
        self.assertEqual(result.stdout.splitlines()[-1], expected, result.stdout)

    def test_an_alert_of_the_same_kind_service_and_time_is_explained_and_finds(self):
        self.check([anomaly()], rows("10:15", "11:00"), "alerts=1 injected=1 found=1 explained=1")

    def test_a_label_that_does_not_count_explains_but_is_neither_found_nor_missed(self):
        weak = dict(anomaly(), counts=False, reason="weak")
        self.check([weak], rows("10:15", "11:00"), "alerts=1 injected=0 found=0 explained=1")
        self.check([weak], [], "alerts=0 injected=0 found=0 explained=0")

    def test_an_anomaly_that_begins_before_the_start_explains_but_does_not_count(self):
        self.check([anomaly()], rows("10:15", "11:00"), "alerts=1 injected=0 found=0 explained=1",
                   since=["2026-11-24T10:01:00Z"])
        self.check([anomaly()], [], "alerts=0 injected=1 found=0 explained=0",
                   since=["2026-11-24T10:00:00Z"])

    def test_a_quiet_label_explains_nothing(self):
        quiet = dict(anomaly(), quiet=True)
        del quiet["kind"]
        self.check([quiet], rows("10:15", "11:00"), "alerts=1 injected=0 found=0 explained=0")

    def test_another_kind_or_service_does_not(self):
        self.check([anomaly()], rows("10:15", "11:00", kind="LOG_VOLUME_ANOMALY"),
                   "alerts=1 injected=1 found=0 explained=0")
        self.check([anomaly()], rows("10:15", "11:00", service="cart"),
                   "alerts=1 injected=1 found=0 explained=0")

    def test_the_time_must_overlap_the_anomaly_or_the_half_hour_after_it(self):
        self.check([anomaly()], rows("09:30", "10:00"), "alerts=1 injected=1 found=0 explained=0")
        self.check([anomaly()], rows("09:30", "10:01"), "alerts=1 injected=1 found=1 explained=1")
        self.check([anomaly()], rows("11:09", "11:30"), "alerts=1 injected=1 found=1 explained=1")
        self.check([anomaly()], rows("11:10", "11:30"), "alerts=1 injected=1 found=0 explained=0")

    def test_one_anomaly_may_explain_several_alerts_but_is_found_once(self):
        self.check([anomaly()], rows("10:15", "10:30") + rows("10:20", "10:40", instance="2"),
                   "alerts=2 injected=1 found=1 explained=2")

    def test_firing_again_is_another_alert_but_a_change_while_firing_is_not(self):
        self.check([anomaly()], rows("10:15", "10:30") + rows("10:50", "10:55"),
                   "alerts=2 injected=1 found=1 explained=2")
        self.check([anomaly()], rows("10:15") + rows("10:20", "10:30"),
                   "alerts=1 injected=1 found=1 explained=1")

    def test_an_unfinished_anomaly_is_not_counted_but_explains(self):
        self.check([anomaly(start="11:50", end="12:20")], rows("11:55"),
                   "alerts=1 injected=0 found=0 explained=1")

    def test_alerts_about_tocsin_itself_are_ignored(self):
        self.check([anomaly()], rows("10:15", kind="SELF"), "alerts=0 injected=1 found=0 explained=0")


if __name__ == "__main__":
    unittest.main()
