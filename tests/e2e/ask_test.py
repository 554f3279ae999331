"""`tocsin query` and `tocsin shell`, on files and over HTTP, in a pipe and at a terminal."""
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import unittest

from support import TOCSIN, Case, PATIENCE, run

LINES = """audit,service=pay,status=OK ms=10i 1000000000
audit,service=web,status=FAILED ms=20i 2000000000
audit,service=pay,status=FAILED ms=30i 3000000000
"""


class Terminal:
    """A shell on a pseudo-terminal."""

    def __init__(self, *arguments, environment=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # libedit leaks two key names when it ends, which LeakSanitizer would report.
            os.execve(TOCSIN, [TOCSIN, "shell", *arguments],
                      dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8", ASAN_OPTIONS="detect_leaks=0",
                           **(environment or {})))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        self.text = ""

    def send(self, text):
        os.write(self.fd, text.encode())

    def expect(self, part):
        """Waits for new output that contains `part`; returns the output up to its end."""
        deadline = time.monotonic() + PATIENCE
        while part not in self.plain():
            if time.monotonic() > deadline or not self.read():
                raise AssertionError(f"no {part!r} in {self.plain()!r}")
        seen = self.plain()
        at = seen.index(part) + len(part)
        self.text = seen[at:]
        return seen[:at]

    def plain(self):
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r", "", self.text)

    def read(self):
        if not select.select([self.fd], [], [], PATIENCE)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def quit(self, farewell="\x04"):
        """Sends Ctrl-D; returns the exit code."""
        self.send(farewell)
        while self.read():
            pass
        if select.select([self.fd], [], [], 0)[0]:  # the terminal is closed
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError("the shell did not quit: " + repr(self.plain()))


class AskTest(Case):
    def setUp(self):
        super().setUp()
        self.database = self.path("data")
        result = run("import", "--db", self.database, "-", text=LINES)
        self.assertEqual(result.returncode, 0, result.stderr)

    def ask(self, *arguments, **options):
        return run("query", "--db", self.database, *arguments, **options)

    def test_formats(self):
        query = "from audit | keep service, ms | limit 2"
        expected = {
            "table": "service  ms\npay      10\nweb      20\n",
            "csv": "service,ms\r\npay,10\r\nweb,20\r\n",
            "ndjson": '{"service":"pay","ms":10}\n{"service":"web","ms":20}\n',
        }
        for name, text in expected.items():
            result = subprocess.run([TOCSIN, "query", "--db", self.database, "--format", name, query],
                                    capture_output=True, timeout=PATIENCE, check=False)
            self.assertEqual(result.returncode, 0)
            self.assertTrue(result.stdout.decode().startswith(text), result.stdout)
        self.assertEqual(self.ask(query).stdout, expected["table"])
        self.assertIn('"rows":[\n["pay",10],', self.ask("--format", "json", query).stdout)
        self.assertIn("ms=10i 1000000000\n", self.ask("--format", "lp", "from audit | limit 1").stdout)

    def test_query_from_file_and_standard_input(self):
        path = self.write("count.tq", "# how many\nfrom audit\n| stats n = count() where ms > $least\n")
        expected = "n\n2\n"
        self.assertEqual(self.ask("@" + path, "--param", "least=15").stdout, expected)
        self.assertEqual(self.ask("-", "--param", "least=15",
                                  text="from audit | stats n = count() where ms > $least").stdout, expected)
        self.assertEqual(self.ask("--now", "1970-01-01T00:00:03Z",
                                  "from audit last 1s | stats n = count()").stdout, "n\n1\n")

    def test_explain_shows_the_stages(self):
        lines = self.ask("explain from audit | where ms > 15 | stats n = count() by service").stdout.splitlines()
        self.assertRegex(lines[0], r"^stage +rows +time +bytes")
        self.assertRegex(lines[2], r"^where ms > 15 +2 ")
        self.assertRegex(lines[3], r"^stats n = count\(\) by service .* 2 ")

    def test_exit_codes(self):
        self.assertEqual(self.ask("from audit | where nosuch > 1").returncode, 1)
        self.assertEqual(self.ask("@" + self.path("nothing")).returncode, 1)
        for wrong in (["--now", "yesterday", "from audit"], ["--param", "x", "from audit"], [],
                      ["--zone", "Nowhere/City", "from audit"]):
            with self.subTest(wrong):
                self.assertEqual(self.ask(*wrong).returncode, 2)

    def test_shell_reads_a_script_and_stops_at_the_first_error(self):
        script = "from audit\n| stats n = count()\nfrom audit |\n  keep ms |\n  limit 1;\n.format csv\nfrom audit | keep ms | limit 1\n"
        result = run("shell", "--db", self.database, text=script)
        self.assertEqual((result.returncode, result.stdout), (0, "n\n3\nms\n10\nms\n10\n"), result.stderr)
        result = run("shell", "--db", self.database, text="from audit | limit x\nfrom audit\n")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("from audit | limit x\n                          ^", result.stderr)
        self.assertIn("stopped at line 1", result.stderr)
        self.assertEqual(run("shell", "--db", self.path("nothing"), text="").returncode, 1)
        self.assertEqual(run("shell", "--url", "http://127.0.0.1:9", text="").returncode, 1)

    def terminal(self, *arguments):
        state = self.path("state")
        os.makedirs(state, exist_ok=True)
        return Terminal(*(arguments or ("--db", self.database)), environment={"XDG_STATE_HOME": state})

    def test_terminal_completes_shows_and_remembers(self):
        terminal = self.terminal()
        terminal.expect("tocsin> ")
        terminal.send("fr\tau\t| stats n = count() by ser\t\n")
        shown = terminal.expect("2 rows in")
        self.assertIn("service  n\npay      2\nweb      1\n", shown)
        terminal.expect("tocsin> ")
        terminal.send(".plot\n")
        terminal.expect("pay 2 █")
        terminal.send("from audit |\n")
        terminal.expect("-> ")
        terminal.send("keep nosuch\n")
        terminal.expect("^^^^^^")
        terminal.send("from audit | where service == \"w\t\n")  # the value, its quote, and a blank
        terminal.expect("1 row in")
        terminal.send("half a line\x03")
        terminal.expect("^C")
        terminal.expect("tocsin> ")
        self.assertEqual(terminal.quit(), 0)
        history = self.path("state", "tocsin", "history")
        self.assertEqual(os.stat(history).st_mode & 0o777, 0o600)
        with open(history, encoding="utf-8") as file:
            self.assertIn("count()", file.read())

    def test_ctrl_c_cancels_a_query_on_a_server(self):
        self.ask_a_busy_server(typed_ahead="")

    def test_ctrl_d_may_arrive_while_a_query_runs(self):
        self.ask_a_busy_server(typed_ahead="\x04")

    def ask_a_busy_server(self, typed_ahead):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            disconnected = threading.Event()
            terminals = []

            def serve():
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.settimeout(PATIENCE)
                        request = connection.recv(65536)
                        if b"/api/complete" in request:
                            body = b'{"start":0,"end":0,"suggestions":[]}'
                            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " +
                                               str(len(body)).encode() + b"\r\n\r\n" + body)
                            continue
                        # Leaves the query unanswered until the client disconnects.
                        terminals[0].send(typed_ahead)
                        os.kill(terminals[0].pid, signal.SIGINT)
                        while connection.recv(65536):
                            pass
                        disconnected.set()
                        return

            threading.Thread(target=serve, daemon=True).start()
            terminal = self.terminal("--url", "http://127.0.0.1:%d" % listener.getsockname()[1])
            terminals.append(terminal)
            terminal.expect("tocsin> ")
            terminal.send("from m\n")
            terminal.expect("cancelled")
            self.assertTrue(disconnected.wait(PATIENCE))
            if not typed_ahead:
                terminal.expect("tocsin> ")
            self.assertEqual(terminal.quit(farewell="" if typed_ahead else "\x04"), 0)


if __name__ == "__main__":
    unittest.main()
