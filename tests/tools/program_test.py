"""What no library does but the program itself."""
import os
import resource
import subprocess
import tempfile
import time
import unittest

TOCSIN = os.environ["TOCSIN"]
PATIENCE = 60  # seconds; only a failing test waits so long


def soft_and_hard_limit(pid):
    with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
        (line,) = (line for line in limits if line.startswith("Max open files"))
    return line.split()[3:5]


class ProgramTest(unittest.TestCase):
    def test_the_soft_limit_is_raised_to_the_hard_one(self):
        lower = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
        with tempfile.TemporaryDirectory(prefix="tocsin-") as folder, subprocess.Popen(
                [TOCSIN, "import", "--db", os.path.join(folder, "data"), "-"],
                stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=lower) as process:
            deadline = time.monotonic() + PATIENCE
            while (limits := soft_and_hard_limit(process.pid)) != ["300", "300"]:
                self.assertLess(time.monotonic(), deadline, limits)
                time.sleep(0.01)
            process.stdin.close()
            self.assertEqual(process.wait(PATIENCE), 0)

    def test_why_a_query_cannot_be_read_from_its_file(self):
        with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
            nowhere = os.path.join(folder, "nowhere.tq")
            for path, reason in ((nowhere, "No such file or directory"), (folder, "Is a directory")):
                result = subprocess.run([TOCSIN, "query", "--db", folder, "@" + path], text=True,
                                        capture_output=True, timeout=PATIENCE, check=False)
                self.assertEqual(result.returncode, 1)
                self.assertEqual(result.stderr,
                                 f"tocsin: the query cannot be read from {path}: {reason}\n")


if __name__ == "__main__":
    unittest.main()
