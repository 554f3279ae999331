"""The queries of the benchmark, in Tocsin's language and in SQL, and a small data set for them."""
import datetime
import random

SPAN_HOURS = 169  # seven days of history and the queried hour
SOURCE = "audit, bpm, performance"


class Clock:
    """The times used in the queries, in seconds since the epoch."""

    def __init__(self, start):
        self.start = start
        self.hour = start + 168 * 3600  # the start of the last hour
        self.now = self.hour + 3600
        self.week = self.now - 7 * 86400


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def source(start, end):
    return f"from {SOURCE} between {rfc3339(start)} and {rfc3339(end)} "


class Question:
    """One query; `peer_ms` and `peer_cold_ms` are the medians of DuckDB, `target_ms` is the target."""

    def __init__(self, key, title, text, sql, peer_ms, peer_cold_ms, target_ms):
        self.key, self.title, self.text, self.sql = key, title, text, sql
        self.peer_ms, self.peer_cold_ms, self.target_ms = peer_ms, peer_cold_ms, target_ms


def quantiles_sql(since):
    """percentile_cont(0.95) and (0.99) of duration_ms per service, in SQL that SQLite supports."""
    parts = []
    for q in (0.95, 0.99):
        parts.append(f"sum(CASE WHEN r = CAST({q} * (n - 1) AS INTEGER) THEN d * (1 - ({q} * (n - 1) - CAST({q} * (n - 1) AS INTEGER))) "
                     f"WHEN r = CAST({q} * (n - 1) AS INTEGER) + 1 THEN d * ({q} * (n - 1) - CAST({q} * (n - 1) AS INTEGER)) END)")
    return (f"SELECT service, {parts[0]}, {parts[1]} FROM (SELECT service, duration_ms AS d, "
            "row_number() OVER (PARTITION BY service ORDER BY duration_ms) - 1 AS r, count(*) OVER (PARTITION BY service) AS n "
            f"FROM logs WHERE time >= {since}) GROUP BY service ORDER BY service")


def questions(clock):
    """Queries 1 to 8b. Times in SQL are in nanoseconds."""
    start, hour, now, week = (f"{t}000000000" for t in (clock.start, clock.hour, clock.now, clock.week))
    failed = 'if(status != "SUCCESS", 1.0, 0.0)'
    failed_sql = "CASE WHEN status <> 'SUCCESS' THEN 1.0 ELSE 0.0 END"
    quantiles = "| stats p95 = p95(duration_ms), p99 = p99(duration_ms) by service | sort service"
    last = source(clock.week, clock.now)
    return [
        Question("1", "count per service, 7 d", last + "| stats n = count() by service | sort service",
                 f"SELECT service, count(*) FROM logs WHERE time >= {week} GROUP BY service ORDER BY service", 26.5, 215, 3),
        Question("2", "failure rate per service, last hour and 7 d before",
                 source(clock.start, clock.now) + f"| stats a = mean({failed}) where time >= {rfc3339(clock.hour)}, "
                 f"b = mean({failed}) where time < {rfc3339(clock.hour)} by service | sort service",
                 f"SELECT service, avg(CASE WHEN time >= {hour} THEN {failed_sql} END), "
                 f"avg(CASE WHEN time < {hour} THEN {failed_sql} END) FROM logs GROUP BY service ORDER BY service", 47.0, 88, 15),
        Question("3", "P95 and P99 per service, last hour", source(clock.hour, clock.now) + quantiles, quantiles_sql(hour), 6.7, 12, 2),
        Question("4", "P95 and P99 per service, 7 d", last + quantiles, quantiles_sql(week), 492, 604, 100),
        Question("5", "last seen per service, 7 d", last + "| stats seen = max(time) by service | sort service",
                 f"SELECT service, max(time) FROM logs WHERE time >= {week} GROUP BY service ORDER BY service", 37.1, 38, 3),
        Question("6", "incomplete transactions per service, 7 d",
                 last + '| where event in ("START", "END") | stats s = count() where event == "START", e = count() where event == "END", '
                 "service = first(service) by transaction_id | where s > 0 and e == 0 | stats n = count() by service | sort service",
                 f"SELECT service, count(*) FROM (SELECT transaction_id, min(service) AS service FROM logs WHERE time >= {week} AND event IN ('START','END') "
                 "GROUP BY transaction_id HAVING sum(event = 'START') > 0 AND sum(event = 'END') = 0) GROUP BY service ORDER BY service", 672, 1345, 250),
        Question("7", "hourly counts per service, 7 d", last + "| stats n = count() by service, time(1h) | sort service, time",
                 f"SELECT service, time / 3600000000000 * 3600000000000 AS h, count(*) FROM logs WHERE time >= {week} GROUP BY service, h ORDER BY service, h",
                 94.3, 111, 15),
        Question("8", "FAILED and message contains `timeout`, 7 d",
                 last + '| where status == "FAILED" and message contains "timeout" | stats n = count()',
                 f"SELECT count(*) FROM logs WHERE time >= {week} AND status = 'FAILED' AND instr(message, 'timeout') > 0", 175, 342, 20),
        Question("8b", "last 100 rows of one service",
                 source(clock.start, clock.now) + '| where service == "svc-10" | sort -time | limit 100 | keep time, transaction_id, duration_ms, bytes, message',
                 "SELECT time, transaction_id, duration_ms, bytes, message FROM logs WHERE service = 'svc-10' ORDER BY time DESC LIMIT 100", 12.3, 17, 2),
    ]


# ---- small data -----------------------------------------------------------------------------------

COLUMNS = ("time", "measurement", "service", "host", "transaction", "status", "level", "duration_ms", "bytes", "event",
           "transaction_id", "message")


def small_rows(row_count, clock, seed=1):
    """Rows like those of the large data set, with late rows and unfinished transactions, but a hundred times fewer kinds."""
    rng = random.Random(seed)
    step = SPAN_HOURS * 3600 * 10**9 // row_count
    open_transactions = {}
    rows = []
    for i in range(row_count):
        time = clock.start * 10**9 + i * step + rng.randrange(step)
        if rng.random() < 0.01:
            time = max(clock.start * 10**9 + i, time - rng.randrange(5 * 10**9))
        slot = rng.randrange(64)
        if slot not in open_transactions:
            service = min(int(rng.paretovariate(0.6)) - 1, 49)
            open_transactions[slot] = [rng.getrandbits(64), service, 3 + rng.randrange(3), 0, rng.random() < 0.02]
        identity, service, length, done, endless = state = open_transactions[slot]
        event = "START" if done == 0 else "END" if done == length - 1 and not endless else "STEP"
        state[3] += 1
        if state[3] == length:
            del open_transactions[slot]
        failed = rng.random() < 0.03
        status = rng.choice(("FAILED", "FAILED", "TIMEOUT")) if failed else "SUCCESS"
        if failed:
            message = rng.choice(("upstream timeout after {} ms", "rejected by backend {}", "lost lease {}")).format(rng.randrange(10**5))
        else:
            message = rng.choice(("accepted by worker {}", "persisted to shard {}", "matched {} rules")).format(rng.randrange(10**5))
        rows.append((time, rng.choice(("audit", "audit", "bpm", "performance")), f"svc-{service:02}", f"host-{service}.dc{service % 3}",
                     f"transaction_{rng.randrange(40)}", status, "ERROR" if failed else "INFO",
                     round(rng.lognormvariate(4.8, 0.8), 3), int(rng.lognormvariate(7, 1)), event, f"tx-{identity:016x}", message))
    return rows


def line_of(row):
    """A row as line protocol; no value here needs escaping."""
    time, measurement, service, host, transaction, status, level, duration, size, event, identity, message = row
    return (f"{measurement},service={service},host={host},transaction={transaction},status={status},level={level} "
            f'duration_ms={duration!r},bytes={size}i,event="{event}",transaction_id="{identity}",message="{message}" {time}\n')


def row_of(line):
    """The inverse of line_of, for data without escapes."""
    head, rest = line.split(" ", 1)
    fields, time = rest.rsplit(" ", 1)
    measurement, *tags = head.split(",")
    tag = dict(t.split("=", 1) for t in tags)
    numbers, texts = fields.split(",event=", 1)
    duration, size = (n.split("=", 1)[1] for n in numbers.split(","))
    _, event, _, identity, _, message, _ = texts.split('"')
    return (int(time), measurement, tag["service"], tag["host"], tag["transaction"], tag["status"], tag["level"],
            float(duration), int(size[:-1]), event, identity, message)
