"""Shared by the end-to-end tests: the real binary in a temporary folder, on free loopback ports."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOCSIN = os.environ.get("TOCSIN", os.path.join(SOURCE, "build/release/tools/tocsin"))
PATIENCE = 60  # seconds; only a failing test waits that long

os.environ["TZ"] = "UTC"  # the default of rules.time_zone, whatever the machine's is

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def wait_for(what, condition, seconds=PATIENCE):
    """Returns the first true value of condition()."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"gave up waiting for {what}")
        time.sleep(0.05)


def run(*arguments, text="", **options):
    """Runs the binary; returns its CompletedProcess with text output."""
    return subprocess.run([TOCSIN, *arguments], input=text, capture_output=True, text=True,
                          timeout=PATIENCE, check=False, **options)


class Server:
    """A running `tocsin serve`. `folder` keeps the database across restarts."""

    def __init__(self, folder, config=None, arguments=(), environment=None):
        self.log_path = os.path.join(folder, "server.log")
        command = [TOCSIN, "serve", "--db", os.path.join(folder, "data"),
                   "--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0", *arguments]
        if config is not None:
            path = os.path.join(folder, "tocsin.yml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(config)
            command += ["--config", path]
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True,
                                            env=environment)
        self.ready = self.process.stdout.readline()
        if " is ready" not in self.ready:
            self.kill()
            raise AssertionError(f"the server did not start: {self.ready!r}\n{self.log()}")
        self.tcp_port = int(re.search(r"tcp 127\.0\.0\.1:(\d+)", self.ready).group(1))
        self.url = re.search(r"http://127\.0\.0\.1:\d+", self.ready).group(0)

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def post(self, path, body):
        """Returns status and text of the response. Raises OSError if there is none."""
        return self._ask(urllib.request.Request(self.url + path, data=body.encode(), method="POST"))

    def get(self, path):
        """Like post()."""
        return self._ask(urllib.request.Request(self.url + path))

    def _ask(self, request):
        try:
            with opener.open(request, timeout=PATIENCE) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def rows(self, query):
        """The rows of the result, as dictionaries."""
        result = run("query", "--url", self.url, "--format", "ndjson", query)
        if result.returncode != 0:
            raise AssertionError(f"{query}\n{result.stderr}")
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        return [line for line in lines if "stats" not in line]

    def value(self, query):
        """The value of a result with one row and one column."""
        (row,) = self.rows(query)
        (value,) = row.values()
        return value

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """Stops the server; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()
        return code


class Receiver:
    """The webhook receiver of tools/, and the bodies that it has received."""

    def __init__(self):
        script = os.path.join(SOURCE, "tools/webhook_receiver.py")
        self.process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.bodies = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.bodies.append(json.loads(line))

    def alerts(self):
        return [alert for body in list(self.bodies) for alert in body["alerts"]]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


class Case(unittest.TestCase):
    """A test with a separate folder. Its servers and receivers end with it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tocsin-e2e-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def serve(self, config=None, arguments=()):
        server = Server(self.folder, config, arguments)
        self.addCleanup(lambda: server.process.poll() is None and server.kill())
        return server

    def receive(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        return receiver
