"""The README's first five minutes, run as they are written; only the ports are replaced by free ones."""
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


def blocks_of_section():
    """(language, text) of each fenced block."""
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
        text = file.read()
    section = text.split(SECTION + "\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def masked(line):
    """What changes from run to run does not matter: numbers, ids, spaces."""
    return re.sub(r"\s+", " ", re.sub(r"[0-9a-f]{16}|\d+(\.\d+)?", "#", line)).strip(" |")


class ReadmeTest(Case):
    def test_the_first_five_minutes_do_what_they_say(self):
        blocks = blocks_of_section()
        script = "\n".join(text for language, text in blocks if language == "sh"
                           and "cmake" not in text)  # it is built already
        shown = "".join(text for language, text in blocks if language == "text")
        ports = {port: free_port() for port in PORTS}
        for port, free in ports.items():
            script = script.replace(port, free)
        script = script.replace("tocsin serve", "tocsin serve --tcp 127.0.0.1:" + ports["8094"] +
                                " --http 127.0.0.1:" + ports["8086"])
        os.symlink(os.path.join(SOURCE, "tools"), self.path("tools"))
        environment = dict(os.environ, PATH=os.path.dirname(TOCSIN) + ":" + os.environ["PATH"],
                           no_proxy="*")
        process = subprocess.Popen(["bash", "-eu", "-c", script], cwd=self.folder, text=True,
                                   env=environment, start_new_session=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = process.communicate(timeout=2 * PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            self.fail(f"did not end:\n{output}")
        self.assertEqual(process.returncode, 0, output)
        lines = {masked(line) for line in output.splitlines()}
        for line in shown.splitlines():
            self.assertIn(masked(line), lines, f"the README shows\n{line}\nbut the run showed\n{output}")


if __name__ == "__main__":
    unittest.main()
