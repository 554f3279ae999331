"""Export and import with the real binary: through a pipe, to a file, and errors."""
import os
import subprocess
import unittest

from support import TOCSIN, Case, PATIENCE, run

LINES = """audit,service=pay,status=OK ms=10i,x=1.5,message="two
lines, \\"quoted\\"" 1000000000
audit,service=web,status=FAILED ms=20i 2000000000
audit,service=web,status=FAILED ms=20i 2000000000
bpm done=true 1500000000
bpm _=t 2500000000
"""


class ExportTest(Case):
    def setUp(self):
        super().setUp()
        self.database = self.fill("data", LINES)

    def fill(self, name, lines):
        result = run("import", "--db", self.path(name), "--format", "lp", "-", text=lines)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.path(name)

    def export(self, *arguments, database=None):
        """Returns the result with output in bytes, because newlines matter."""
        return subprocess.run([TOCSIN, "export", "--db", database or self.database, *arguments],
                              capture_output=True, timeout=PATIENCE, check=False)

    def test_a_pipe_carries_everything_in_every_format(self):
        whole = self.export()
        self.assertEqual((whole.returncode, whole.stderr), (0, b""))
        self.assertEqual(sorted(whole.stdout.decode().split("\n")), sorted(LINES.split("\n")))
        for arguments in (["--format", "lp"], ["--format", "json", "--typed"], ["--format", "csv", "--typed"]):
            with self.subTest(arguments):
                copy = self.path("copy-" + "".join(arguments))
                out = subprocess.Popen([TOCSIN, "export", "--db", self.database, *arguments],
                                       stdout=subprocess.PIPE)
                imported = subprocess.run([TOCSIN, "import", "--db", copy, "-"], stdin=out.stdout,
                                       capture_output=True, timeout=PATIENCE, check=False)
                out.stdout.close()
                self.assertEqual((out.wait(PATIENCE), imported.returncode), (0, 0), imported.stderr)
                self.assertEqual(self.export(database=copy).stdout, whole.stdout)

    def test_plain_csv_is_imported_with_guessed_types(self):
        rows = self.export("--format", "csv", "from audit | drop message").stdout.decode()
        path = self.write("orders.csv", rows)
        self.assertEqual(run("import", "--db", self.path("copy"), path).returncode, 0)
        self.assertEqual(self.export(database=self.path("copy")).stdout,
                         self.export("from audit | drop message").stdout)

    def test_a_typed_export_can_read_its_query_from_standard_input(self):
        typed = ["--format", "csv", "--typed"]
        typed_export = subprocess.run([TOCSIN, "export", "--db", self.database, *typed, "-"], input=b"from audit",
                               capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual((typed_export.returncode, typed_export.stdout), (0, self.export(*typed, "from audit").stdout))

    def test_an_output_file_appears_only_when_complete(self):
        path = self.path("out.lp")
        self.assertEqual(self.export("--output", path).returncode, 0)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), self.export().stdout)
        link = self.path("link")
        os.symlink(path, link)
        self.assertEqual(self.export("--output", link, "from bpm").returncode, 0)
        self.assertTrue(os.path.islink(link))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), self.export("from bpm").stdout)
        bad = self.fill("bad", LINES)
        run("import", "--db", bad, "-", text='#measurement,time,f64 field\nmeasurement,time,y\nm,1,nan\nm,2,inf\n')
        path = self.path("bad.lp")
        result = self.export("--output", path, database=bad)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"2 values that are NaN or infinite (the first: `y` of `m` at 1970-01-01T00:00:01Z)",
                      result.stderr)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("bad.")], [])
        result = self.export("--lossy", "--output", path, database=bad)
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"2 values", result.stderr)
        self.assertEqual(self.export("--format", "json", "--typed", "from m", database=bad).returncode, 0)

    def test_output_errors_are_reported(self):
        for arguments, message in ((["--output", "/dev/full"], b"/dev/full: No space left on device"),
                                (["--output", self.path("none", "out")], b"No such file or directory"),
                                (["from audit | wher"], b"did you mean `where`?"),
                                (["from audit | stats n = count()"], b"no column `time`")):
            with self.subTest(arguments):
                result = self.export(*arguments)
                self.assertEqual((result.returncode, result.stdout), (1, b""))
                self.assertIn(message, result.stderr)
        self.assertEqual(self.export("--typed").returncode, 2)
        self.assertEqual(self.export("--format", "xml").returncode, 2)
        self.assertEqual(self.export(database=self.path("none")).returncode, 1)
        with open("/dev/full", "wb") as full:
            result = subprocess.run([TOCSIN, "export", "--db", self.database], stdout=full,
                                    stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"standard output: No space left on device", result.stderr)

    def test_a_closed_pipe_is_an_error(self):
        reader, writer = os.pipe()
        os.close(reader)
        result = subprocess.run([TOCSIN, "export", "--db", self.database], stdout=writer,
                                stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
        os.close(writer)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"Broken pipe", result.stderr)

    def test_own_measurements_are_exported_only_with_own(self):
        run("import", "--db", self.database, "--format", "lp", "-", text="nonsense\n")
        result = self.export()
        self.assertIn(b"not exported: rejected (", result.stderr)
        self.assertNotIn(b"rejected", result.stdout)
        own = self.export("--own").stdout
        self.assertIn(b"rejected", own)
        for arguments, code in (([], 0), (["--restore"], 0)):
            copy = self.path("copy%d" % len(arguments))
            result = subprocess.run([TOCSIN, "import", "--db", copy, "--format", "lp", *arguments, "-"], input=own,
                                    capture_output=True, timeout=PATIENCE, check=False)
            self.assertEqual(result.returncode, code)
            self.assertEqual(self.export("--own", database=copy).stdout == own, bool(arguments))


if __name__ == "__main__":
    unittest.main()
