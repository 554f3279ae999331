#!/usr/bin/env python3
"""Matches alerts with the labels of injected anomalies, and prints a summary.

    tools/match_alerts.py LABELS ALERTS UNTIL [SINCE]

LABELS  JSON lines from `tocsin generate --labels`: kind, service, start, end, and perhaps `counts`
ALERTS  the rows of `alerts` as JSON lines, sorted by time (`tocsin query --format ndjson`)
UNTIL   RFC 3339: the end of the evaluated time
SINCE   its start; anomalies that begin earlier can explain alerts, but do not count

The rules of matching:
  - An alert is one firing of one alert instance. It lasts from its `firing` row to its `resolved` row, or to
    UNTIL. Alerts about Tocsin itself (type SELF) are listed but otherwise ignored.
  - An anomaly explains an alert if kind and type are equal, the services are equal, and the time of the alert
    overlaps [start, end + TOLERANCE). The tolerance is the length of the longest window: a rule over the last
    30 minutes may begin to fire that long after an anomaly has ended.
  - An anomaly is found if it explains an alert. An anomaly that has not ended at UNTIL can explain alerts, but
    counts neither as found nor as missed. Neither does one with `"counts": false`.
  - Lines with `"quiet": true` say what must not alert, and explain nothing.

The last line is `alerts=N injected=N found=N explained=N`.
"""
import collections
import datetime
import json
import sys

TOLERANCE = datetime.timedelta(minutes=30)

Anomaly = collections.namedtuple("Anomaly", "kind service start end counts")
Alert = collections.namedtuple("Alert", "rule kind service severity start end")


def time_of(text):
    """Parses RFC 3339 with up to nine digits; drops digits below a microsecond."""
    head, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.datetime.fromisoformat(head + "." + (fraction + "000000")[:6])
    return moment.replace(tzinfo=datetime.timezone.utc)


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def read_anomalies(path):
    return [Anomaly(row["kind"], row["service"], time_of(row["start"]), time_of(row["end"]),
                    row.get("counts", True))
            for row in read_lines(path) if not row.get("quiet")]


def read_alerts(path, until):
    """Pairs the rows of each instance, which are sorted by time, into alerts. Leaves out those that were not sent."""
    rows = [row for row in read_lines(path) if "state" in row and not row.get("inhibited_by")]
    alerts, open_rows = [], {}

    def close(row, end):
        alerts.append(Alert(row["rule"], row["type"], row["service"] or "", row["severity"],
                            time_of(row["time"]), end))

    for row in rows:
        instance = row["fingerprint"]
        if row["state"] == "firing" and instance not in open_rows:
            open_rows[instance] = row
        elif row["state"] == "resolved" and instance in open_rows:
            close(open_rows.pop(instance), time_of(row["time"]))
    for row in open_rows.values():
        close(row, until)
    return sorted(alerts, key=lambda alert: alert.start)


def explains(anomaly, alert):
    return (anomaly.kind == alert.kind and anomaly.service == alert.service and
            alert.start < anomaly.end + TOLERANCE and alert.end > anomaly.start)


def print_table(anomalies, found, alerts, explained):
    print(f"  {'kind':<22}{'injected':>9}{'found':>7}{'missed':>8}{'alerts':>8}{'explained':>11}")
    kinds = sorted({a.kind for a in anomalies} | {a.kind for a in alerts})
    for kind in kinds + ["all"]:
        def count(items):
            return sum(kind in ("all", item.kind) for item in items)
        print(f"  {kind:<22}{count(anomalies):>9}{count(found):>7}"
              f"{count(anomalies) - count(found):>8}{count(alerts):>8}{count(explained):>11}")


def print_severities(alerts):
    print("\nalerts by kind and severity:")
    counts = collections.Counter((alert.kind, alert.severity) for alert in alerts)
    for (kind, severity), count in sorted(counts.items()):
        print(f"  {kind:<22}{severity:<10}{count:>6}")


def print_items(title, items):
    if not items:
        return
    print(f"\n{title}:")
    for item in items:
        rule = f"  ({item.rule})" if isinstance(item, Alert) else ""
        print(f"  {item.start:%Y-%m-%d %H:%M:%S} to {item.end:%m-%d %H:%M:%S}  {item.kind}  "
              f"{item.service}{rule}")


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    until = time_of(sys.argv[3])
    anomalies = read_anomalies(sys.argv[1])
    since = time_of(sys.argv[4] if len(sys.argv) == 5 else "0001-01-01T00:00:00Z")
    everything = read_alerts(sys.argv[2], until)
    alerts = [alert for alert in everything if alert.kind != "SELF"]

    explained = [alert for alert in alerts if any(explains(a, alert) for a in anomalies)]
    ended = [anomaly for anomaly in anomalies
             if since <= anomaly.start and anomaly.end <= until and anomaly.counts]
    found = [anomaly for anomaly in ended if any(explains(anomaly, a) for a in alerts)]

    print_severities(everything)
    print("\ninjected anomalies and the alerts that they explain:")
    print_table(ended, found, alerts, explained)
    print_items("missed anomalies", [anomaly for anomaly in ended if anomaly not in found])
    print_items("alerts not explained by an injected anomaly",
                [alert for alert in alerts if alert not in explained])
    print(f"\nalerts={len(alerts)} injected={len(ended)} found={len(found)} explained={len(explained)}")


if __name__ == "__main__":
    main()
