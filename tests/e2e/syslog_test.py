#!/usr/bin/env python3
"""Real senders of syslog: logger, rsyslogd and syslog-ng. Each event arrives once, with its types.

rsyslogd and syslog-ng are skipped if they are not unpacked (`tools/setup --all` does it).
"""
import os
import re
import shutil
import socket
import subprocess
import unittest

from support import PATIENCE, SOURCE, Case, run, wait_for

DEBIAN = os.path.join(SOURCE, "tests/e2e/clients/debian")
LIBRARIES = os.path.join(DEBIAN, "usr/lib/x86_64-linux-gnu")
COUNT = 1_000  # messages of each daemon

ALLOWED = """
listen:
  syslog_udp: 127.0.0.1:0
  syslog_tcp: 127.0.0.1:0
  syslog:
    unpack: [json]
"""


def daemon(name):
    return os.path.join(DEBIAN, "usr/sbin", name)


def needs(name):
    return unittest.skipUnless(os.access(daemon(name), os.X_OK),
                               f"{name} is not unpacked; `tools/setup --all` does it")


class SyslogTest(Case):
    def listen(self):
        """A server, and the ports of its syslog listeners."""
        server = self.serve(ALLOWED)
        ports = {kind: int(port) for kind, port in re.findall(r"syslog (udp|tcp) 127\.0\.0\.1:(\d+)", server.ready)}
        return server, ports["udp"], ports["tcp"]

    def logger(self, *arguments):
        if not shutil.which("logger"):
            self.skipTest("logger is not installed (package bsdutils)")
        subprocess.run(["logger", "--server", "127.0.0.1", *arguments], check=True, timeout=PATIENCE)

    def wait_for_rows(self, server, count, where="true"):
        """Waits until that many messages are stored; more are an error."""
        query = f"from syslog | where {where} | stats n = count()"

        def stored():
            # Before the first message there is no measurement.
            return run("query", "--url", server.url, query).returncode == 0 and server.value(query) >= count
        wait_for(f"{count} messages", stored)
        self.assertEqual(server.value(query), count)

    def start(self, command):
        environment = dict(os.environ, LD_LIBRARY_PATH=f"{LIBRARIES}:{DEBIAN}/usr/lib/syslog-ng")
        with open(self.path("daemon.log"), "w", encoding="utf-8") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def send_to_unix_socket(self, path, messages):
        wait_for(path, lambda: os.path.exists(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.connect(path)
            for message in messages:
                client.send(message)

    def check_daemon(self, server):
        """The messages of messages() arrived, each once. Daemons also report their own start."""
        self.wait_for_rows(server, COUNT + 2, 'service in ("shop", "json", "lines")')
        rows = server.rows("from syslog | where service == \"shop\" | keep pid, facility, level, message")
        numbers = sorted(int(row["message"].split()[1]) for row in rows)
        self.assertEqual(numbers, list(range(COUNT)))
        self.assertEqual({(row["pid"], row["facility"], row["level"]) for row in rows}, {(77, "local0", "warning")})
        self.assertEqual(server.rows("from syslog | where service == \"json\" | keep message, order, total, paid"),
                         [{"message": "sold", "order": 5, "total": 1.5, "paid": True}])
        (row,) = server.rows("from syslog | where service == \"lines\" | keep message")
        self.assertIn("second line", row["message"])
        self.assertEqual(server.rows("from rejected"), [])

    @staticmethod
    def messages():
        yield b"<132>Nov 24 10:00:00 json: {\"msg\": \"sold\", \"order\": 5, \"total\": 1.5, \"paid\": true}"
        yield b"<132>Nov 24 10:00:00 lines: first line\nsecond line"
        for i in range(COUNT):
            yield f"<132>Nov 24 10:00:00 shop[77]: order {i} caf\u00e9".encode()

    def test_logger_in_both_formats_over_udp_and_tcp(self):
        server, udp, tcp = self.listen()
        self.logger("--udp", "--port", str(udp), "--rfc3164", "-t", "old", "-p", "mail.err", "one")
        self.logger("--udp", "--port", str(udp), "--rfc5424", "-t", "new", "-p", "local7.debug", "--msgid", "ID47",
                    "--sd-id", "shop@32473", "--sd-param", "order=\"5\"", "two")
        self.logger("--tcp", "--port", str(tcp), "--rfc5424", "--octet-count", "-t", "counted", "--id=5", "three")
        self.logger("--tcp", "--port", str(tcp), "--rfc3164", "-t", "lines", "--id=6", "four")
        self.wait_for_rows(server, 4)
        rows = server.rows("from syslog | sort service | keep service, facility, level, pid, msgid, "
                           "`shop@32473.order`, message")
        order = "shop@32473.order"
        empty = {"facility": "user", "level": "notice", "pid": None, "msgid": None, order: None}
        self.assertEqual(rows, [
            {**empty, "service": "counted", "pid": 5, "message": "three"},
            {**empty, "service": "lines", "pid": 6, "message": "four"},
            {**empty, "service": "new", "facility": "local7", "level": "debug", "msgid": "ID47", order: "5",
             "message": "two"},
            {**empty, "service": "old", "facility": "mail", "level": "error", "message": "one"}])
        self.assertNotIn(None, {row["host"] for row in server.rows("from syslog | keep host")})
        self.assertEqual(server.value("from syslog last 1h | stats n = count()"), 4)

    @needs("rsyslogd")
    def test_rsyslogd_over_tcp_with_lengths(self):
        server, _, tcp = self.listen()
        self.write("rsyslog.conf", f"""
global(workDirectory="{self.folder}" parser.escapeControlCharactersOnReceive="off")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{self.path('log')}" RateLimit.Interval="0" UseSysTimeStamp="off")
*.* action(type="omfwd" target="127.0.0.1" port="{tcp}" protocol="tcp" TCP_Framing="octet-counted"
           template="RSYSLOG_SyslogProtocol23Format" queue.type="LinkedList" action.resumeRetryCount="-1")
""")
        self.start([daemon("rsyslogd"), "-n", "-f", self.path("rsyslog.conf"), "-i", self.path("pid"),
                    "-M", os.path.join(LIBRARIES, "rsyslog")])
        self.send_to_unix_socket(self.path("log"), self.messages())
        self.check_daemon(server)

    @needs("rsyslogd")
    def test_rsyslogd_over_udp_in_its_old_format(self):
        server, udp, _ = self.listen()
        self.write("rsyslog.conf", f"""
global(workDirectory="{self.folder}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{self.path('log')}" UseSysTimeStamp="off")
*.* @127.0.0.1:{udp};RSYSLOG_TraditionalForwardFormat
""")
        self.start([daemon("rsyslogd"), "-n", "-f", self.path("rsyslog.conf"), "-i", self.path("pid"),
                    "-M", os.path.join(LIBRARIES, "rsyslog")])
        self.send_to_unix_socket(self.path("log"), [b"<132>Nov 24 10:00:00 shop[77]: order 1"])
        self.wait_for_rows(server, 1, 'service == "shop"')
        (row,) = server.rows("from syslog | where service == \"shop\" | keep pid, facility, level, message")
        self.assertEqual(row, {"pid": 77, "facility": "local0", "level": "warning", "message": "order 1"})

    @needs("syslog-ng")
    def test_syslog_ng_over_tcp_with_lengths(self):
        server, _, tcp = self.listen()
        self.write("syslog-ng.conf", f"""@version: 3.38
options {{ stats-freq(0); }};
source s {{ unix-dgram("{self.path('log')}"); }};
destination d {{ syslog("127.0.0.1" port({tcp}) transport("tcp")); }};
log {{ source(s); destination(d); }};
""")
        self.start([daemon("syslog-ng"), "-F", "--no-caps", "-f", self.path("syslog-ng.conf"),
                    "-R", self.path("persist"), "-p", self.path("pid"), "-c", self.path("control"),
                    "--module-path", os.path.join(DEBIAN, "usr/lib/syslog-ng/3.38")])
        self.send_to_unix_socket(self.path("log"), self.messages())
        self.check_daemon(server)

    def test_a_killed_server_keeps_what_is_committed_and_messages_are_not_doubled(self):
        server, _, tcp = self.listen()
        with socket.create_connection(("127.0.0.1", tcp)) as connection:
            for i in range(100):
                connection.sendall(f"<13>1 2026-11-24T10:00:00Z h a - - - {i}\n".encode())
            self.wait_for_rows(server, 100)
            server.kill()
        server, _, _ = self.listen()
        self.wait_for_rows(server, 100)


if __name__ == "__main__":
    unittest.main()
