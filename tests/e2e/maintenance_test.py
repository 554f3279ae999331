"""info, verify, repair, backup and compact, as an operator uses them."""
import glob
import os
import shutil
import unittest

from support import SOURCE, Case, run

LINES = "".join(f"audit,service=s{i % 3} n={i}i,text=\"event {i}\" {1_795_521_600_000_000_000 + i}\n"
                for i in range(5000))
COUNT = "from audit | stats n = count(), total = sum(n)"


class MaintenanceTest(Case):
    def setUp(self):
        super().setUp()
        self.data = self.path("data")
        for _ in range(2):  # two small segments
            self.succeed("import", "--db", self.data, "--format", "lp", self.write("a.lp", LINES))
        self.expected = self.query(self.data)

    def succeed(self, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def query(self, folder):
        return self.succeed("query", "--db", folder, "--format", "csv", COUNT)

    def flip(self, path, offset):
        with open(path, "r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 16]))

    def segment_file(self):
        return glob.glob(os.path.join(self.data, "segments/*/*.seg"))[0]

    def test_the_first_commit_upgrades_an_earlier_format_and_says_so(self):
        shutil.copytree(os.path.join(SOURCE, "tests/db/golden/format1/data"), self.path("old"))
        lines = self.write("new.json", '{"time": "2026-11-25T01:00:00Z", "count": "many"}\n')

        def upgrades(*arguments):
            result = run(*arguments, "--db", self.path("old"))
            self.assertEqual(result.returncode, 0, result.stderr)
            return "from format 1 to 2: earlier versions of tocsin cannot open it" in result.stderr

        self.assertFalse(upgrades("info"))
        self.assertFalse(upgrades("verify"))
        self.assertTrue(upgrades("import", "--measurement", "numbers", lines))
        self.assertFalse(upgrades("import", "--measurement", "numbers", lines))
        self.assertFalse(upgrades("verify"))
        many = run("query", "--db", self.path("old"), "--format", "csv",
                   'from numbers | where count == "many" | stats n = count()')
        self.assertEqual(many.stdout, "n\n2\n")

    def test_info(self):
        text = self.succeed("info", "--db", self.data, "audit")
        self.assertIn("10,000", text)
        for word in ("service", "string, tag", "dictionary", "(metadata)"):
            self.assertIn(word, text)

    def test_an_intact_database(self):
        self.assertIn("no damage found", self.succeed("verify", "--db", self.data))
        self.assertIn("became 1", self.succeed("compact", "--db", self.data))
        copy = self.path("copy")
        self.assertIn("holds the database", self.succeed("backup", "--db", self.data, copy))
        self.assertEqual(self.query(copy), self.expected)
        self.assertIn("was fully readable", self.succeed("repair", "--db", self.data))
        self.assertEqual(self.query(self.data), self.expected)

    def test_a_damaged_segment(self):
        path = self.segment_file()
        self.flip(path, os.path.getsize(path) - 1)
        result = run("verify", "--db", self.data)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"segment {os.path.relpath(path, self.data)}@", result.stdout)
        self.assertIn("tocsin repair", result.stderr)

    def test_a_lost_catalog(self):
        os.remove(os.path.join(self.data, "catalog.mdb"))
        self.assertIn("was missing", self.succeed("repair", "--db", self.data))
        self.assertEqual(self.query(self.data), self.expected)
        self.assertIn("no damage found", self.succeed("verify", "--db", self.data))

    def test_a_damaged_catalog_is_reported_with_the_repair_command(self):
        catalog = os.path.join(self.data, "catalog.mdb")
        with open(catalog, "rb") as file:
            pages = file.read()
        places = [i for i in range(len(pages)) if pages.startswith(b"sealed", i)]
        self.assertTrue(places)
        for place in places:  # the name of a table
            self.flip(catalog, place)
        for command in (["query", "--db", self.data, COUNT], ["verify", "--db", self.data],
                        ["info", "--db", self.data], ["compact", "--db", self.data],
                        ["import", "--db", self.data, self.path("a.lp")]):
            result = run(*command)
            self.assertEqual(result.returncode, 1, command)
            self.assertIn("tocsin repair", result.stderr, command)
        self.assertIn("was damaged", self.succeed("repair", "--db", self.data))
        self.assertEqual(self.query(self.data), self.expected)

    def test_no_database(self):
        for command in ("verify", "repair", "compact", "info"):
            result = run(command, "--db", self.path("none"))
            self.assertEqual(result.returncode, 1)
            self.assertIn("no database in", result.stderr)


if __name__ == "__main__":
    unittest.main()
