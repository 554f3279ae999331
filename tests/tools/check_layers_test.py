#!/usr/bin/env python3
"""tools/check_layers.py: what it accepts, and what it refuses."""

import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/check_layers.py")
HEADER = "| folder | what it is | may use |\n| --- | --- | --- |\n"
TREE = {
    "README.md": HEADER + "| `db` | store | |\n| `query` | language | `db` |\n| `net` | sockets | `query` |\n",
    "db/README.md": HEADER + "| `db/limits.h` | limits | |\n| `db/low` | low | `db/limits.h` |\n"
                             "| `db/high` | high | `db/low` |\n| `db` | the top | `db/high`, `db/low` |\n",
    "query/README.md": HEADER + "| `query` | all | |\n",
    "net/README.md": HEADER + "| `net` | all | |\n",
    "db/limits.h": "",
    "db/low/a.h": '#include "db/limits.h"\n',
    "db/high/b.cpp": '#include "db/low/a.h"\n',
    "db/database.h": '#include "db/high/b.h"\n',
    "net/server.cpp": '#include "db/low/a.h"\n#include "generated.h"\n',
}


class CheckLayersTest(unittest.TestCase):
    def run_on(self, changes):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**TREE, **changes}.items():
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            run = subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True, check=False)
            return run.returncode, run.stdout + run.stderr

    def test_includes_that_follow_the_maps_pass(self):
        self.assertEqual(self.run_on({}), (0, "check_layers: every include follows the maps\n"))

    def test_an_include_of_a_folder_above_fails(self):
        code, text = self.run_on({"db/low/a.h": '// a\n#include "db/high/b.h"\n'})
        self.assertEqual(code, 1)
        self.assertIn("db/low/a.h:2: includes db/high/b.h, but db/low may not use db/high", text)

    def test_an_include_of_what_a_used_folder_may_use_passes(self):
        code, text = self.run_on({"db/high/b.cpp": '#include "db/limits.h"\n'})
        self.assertEqual(code, 0, text)

    def test_an_include_between_folders_side_by_side_fails(self):
        readme = TREE["db/README.md"] + "| `db/side` | beside high | `db/low` |\n"
        code, text = self.run_on({"db/README.md": readme, "db/side/d.cpp": '#include "db/high/b.h"\n'})
        self.assertEqual(code, 1)
        self.assertIn("db/side may not use db/high", text)

    def test_an_include_of_the_public_header_from_below_fails(self):
        code, text = self.run_on({"db/high/b.cpp": '#include "db/database.h"\n'})
        self.assertEqual(code, 1)
        self.assertIn("db/high may not use db (db/README.md)", text)

    def test_an_include_of_a_layer_above_fails(self):
        code, text = self.run_on({"db/low/a.h": '#include "net/server.h"\n'})
        self.assertEqual(code, 1)
        self.assertIn("db may not use net (README.md)", text)

    def test_a_folder_without_a_row_counts_as_the_top_of_its_layer(self):
        code, text = self.run_on({"db/low/a.h": '#include "db/new/c.h"\n', "db/new/c.h": ""})
        self.assertEqual(code, 1)
        self.assertIn("db/low may not use db", text)

    def test_a_map_with_a_circle_is_refused(self):
        code, text = self.run_on({"query/README.md": HEADER + "| `query` | a | `query/x` |\n| `query/x` | b | `query` |\n"})
        self.assertEqual(code, 2)
        self.assertIn("the map goes in a circle: query -> query/x -> query", text)

    def test_a_missing_map_is_refused(self):
        code, text = self.run_on({"net/README.md": "# net\n"})
        self.assertEqual(code, 2)
        self.assertIn("net/README.md: has no table with the header", text)


if __name__ == "__main__":
    unittest.main()
