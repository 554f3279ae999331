"""Every command may have as many files open as the system's hard limit allows."""
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


class DescriptorLimitTest(unittest.TestCase):
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


if __name__ == "__main__":
    unittest.main()
