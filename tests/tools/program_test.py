"""Behaviour of the program itself rather than of a library."""
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
import unittest

TOCSIN = os.environ["TOCSIN"]
CMAKE = os.environ["CMAKE"]
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/version.cmake")
PATIENCE = 60  # seconds; only a failing test waits that long


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

    def test_the_error_says_why_a_query_file_cannot_be_read(self):
        with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
            nowhere = os.path.join(folder, "nowhere.tq")
            for path, reason in ((nowhere, "No such file or directory"), (folder, "Is a directory")):
                result = subprocess.run([TOCSIN, "query", "--db", folder, "@" + path], text=True,
                                        capture_output=True, timeout=PATIENCE, check=False)
                self.assertEqual(result.returncode, 1)
                self.assertEqual(result.stderr,
                                 f"tocsin: cannot read the query from {path}: {reason}\n")

    def run_words(self, *words):
        return subprocess.run([TOCSIN, *words], text=True, capture_output=True, timeout=PATIENCE, check=False)

    def test_an_unknown_command_is_answered_with_the_nearest_one(self):
        result = self.run_words("qurey", "--db", "x")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertEqual(result.stderr, "tocsin: unknown command `qurey`; did you mean `query`?\n")
        result = self.run_words("zzz")
        self.assertEqual(result.stderr, "tocsin: unknown command `zzz`; see `tocsin --help`\n")

    def test_unknown_options_and_subcommands_are_named(self):
        for words, message in (
                (["--verison"], "unknown option `--verison`; did you mean `--version`?"),
                (["-V"], "unknown option `-V`; see `tocsin --help`"),
                (["rejected", "lst"], "unknown command `lst`; did you mean `list`?"),
                (["rejected", "zzzzzz"], "unknown command `zzzzzz`; see `tocsin rejected --help`")):
            result = self.run_words(*words)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (2, "", f"tocsin: {message}\n"))

    def test_help_and_version_are_also_words(self):
        self.assertEqual(self.run_words("version").stdout, self.run_words("--version").stdout)
        self.assertEqual(self.run_words("help").stdout, self.run_words("--help").stdout)
        self.assertEqual(self.run_words("help", "query").stdout, self.run_words("query", "--help").stdout)
        result = self.run_words("help", "qurey")
        self.assertEqual((result.returncode, result.stderr),
                         (2, "tocsin: unknown command `qurey`; did you mean `query`?\n"))

    def test_version_shows_the_commit(self):
        result = subprocess.run([TOCSIN, "--version"], text=True, capture_output=True, timeout=PATIENCE, check=False)
        self.assertRegex(result.stdout, r"^tocsin \d+\.\d+\.\d+ \(commit ([0-9a-f]{12,}(-dirty)?|unknown)\)\n$")


class CommitTest(unittest.TestCase):
    """tools/version.cmake in a small checkout."""

    def setUp(self):
        folder = tempfile.mkdtemp(prefix="tocsin-commit-")
        self.addCleanup(shutil.rmtree, folder)
        self.checkout = os.path.join(folder, "checkout")
        self.output = os.path.join(folder, "commit.cpp")
        os.mkdir(self.checkout)

    def git(self, *arguments):
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", "-C", self.checkout, *identity, *arguments], text=True, capture_output=True,
                              timeout=PATIENCE, check=True).stdout.strip()

    def commit(self, text):
        with open(os.path.join(self.checkout, "file"), "w", encoding="utf-8") as file:
            file.write(text)
        self.git("add", "file")
        self.git("commit", "-m", text)

    def written(self, source=None, git=shutil.which("git")):
        """The commit in the file that the script writes."""
        subprocess.run([CMAKE, f"-DSOURCE={source or self.checkout}", f"-DOUTPUT={self.output}", f"-DGIT={git or ''}",
                        "-P", SCRIPT], timeout=PATIENCE, check=True)
        with open(self.output, encoding="utf-8") as file:
            return re.search(r'kBuildCommit = "(.*)";', file.read()).group(1)

    def test_without_git_or_a_checkout_the_commit_is_unknown(self):
        self.assertEqual(self.written(), "unknown")
        self.assertEqual(self.written(git=None), "unknown")

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_the_file_changes_only_with_the_commit(self):
        self.git("init")
        self.commit("one")
        first = self.written()
        self.assertEqual(first, self.git("rev-parse", "--short=12", "HEAD"))
        os.utime(self.output, (1, 1))
        self.assertEqual(self.written(), first)
        self.assertEqual(os.stat(self.output).st_mtime, 1)
        self.commit("two")
        self.assertNotEqual(self.written(), first)
        self.assertNotEqual(os.stat(self.output).st_mtime, 1)
        with open(os.path.join(self.checkout, "file"), "w", encoding="utf-8") as file:
            file.write("changed")
        self.assertTrue(self.written().endswith("-dirty"))

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_the_commit_of_a_surrounding_checkout_is_not_shown(self):
        self.git("init")
        self.commit("one")
        inner = os.path.join(self.checkout, "vendored")
        os.mkdir(inner)
        self.assertEqual(self.written(source=inner), "unknown")


if __name__ == "__main__":
    unittest.main()
