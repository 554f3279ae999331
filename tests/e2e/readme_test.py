"""Runs the first five minutes of the README as they are written, except that the ports are replaced by free ones."""
import json
import os
import re
import signal
import socket
import subprocess
import unittest

from support import SOURCE, TOCSIN, Case, PATIENCE

SECTION = "## The first five minutes"
PORTS = ("8094", "8086", "9099")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def parts_of_section():
    """(kind, text) of each fenced block, by its language, and of each link to the web page ("url")."""
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
        text = file.read()
    section = text.split(SECTION + "\n", 1)[1].split("\n## ", 1)[0]
    parts = re.finditer(r"^```(\w+)\n(.*?)^```$|<(http://[^>]+)>", section, re.MULTILINE | re.DOTALL)
    return [(part[1], part[2]) if part[1] else ("url", part[3]) for part in parts]


def open_page(url):
    return f"curl -sS --fail {url} | grep '<title>Tocsin</title>' || exit 1\n"


def masked(line):
    """Replaces everything that varies between runs: numbers, ids, spaces."""
    return re.sub(r"\s+", " ", re.sub(r"[0-9a-f]{16}|\d+(\.\d+)?", "#", line)).strip(" |")


class ReadmeTest(Case):
    def kill_group(self, process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def test_the_first_five_minutes_do_what_they_say(self):
        script, shown = "", ""
        for kind, text in parts_of_section():
            if kind == "sh" and "cmake" not in text:  # it is built already
                script += text + "\n"
            elif kind == "url":
                script += open_page(text)
            elif kind == "text":
                shown += text
        self.assertIn("<title>Tocsin", script)
        ports = {port: free_port() for port in PORTS}
        for port, free in ports.items():
            script = script.replace(port, free)
        script = script.replace("tocsin serve", "tocsin serve --tcp 127.0.0.1:" + ports["8094"] +
                                " --http 127.0.0.1:" + ports["8086"])
        # A person waits for the line that says that the server is ready; a busy machine may need more than a second.
        until_ready = f"until curl -s http://127.0.0.1:{ports['8086']}/ping; do sleep 0.1; done\n"
        script, starts = re.subn(r"(?m)^(tocsin serve .*&\n)sleep 1\n", lambda match: match[1] + until_ready, script)
        self.assertEqual(starts, 2, script)
        os.symlink(os.path.join(SOURCE, "tools"), self.path("tools"))
        environment = dict(os.environ, PATH=os.path.dirname(TOCSIN) + ":" + os.environ["PATH"],
                           no_proxy="*")
        process = subprocess.Popen(["bash", "-eu", "-c", script], cwd=self.folder, text=True,
                                   env=environment, start_new_session=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = process.communicate(timeout=2 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill_group(process)
            output, _ = process.communicate()
            self.fail(f"the script did not end:\n{output}")
        self.kill_group(process)  # after an error, its background jobs are still running
        self.assertEqual(process.returncode, 0, output)
        lines = {masked(line) for line in output.splitlines()}
        for line in shown.splitlines():
            self.assertIn(masked(line), lines, f"the README shows\n{line}\nbut the run showed\n{output}")
        self.assertNotRegex(output, "(?m)^[0-9TZ:.-]+ (warning|error): ")
        requests = [json.loads(line) for line in output.splitlines() if line.startswith('{"')]
        self.assertEqual([request["status"] for request in requests], ["firing", "resolved"], output)


if __name__ == "__main__":
    unittest.main()
