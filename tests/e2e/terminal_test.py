"""Stored data, names and messages cannot control a terminal, and CSV for spreadsheets holds no formulas."""
import csv
import io
import json
import os
import pty
import re
import subprocess
import unittest

from support import TOCSIN, Case, run

ESCAPE = "\x1b[2J\x1b]0;owned\x07"
C1 = "\x9b31m"
TURN = "\u202egpj.exe\u2066\u200f\u061c"
EVIL = ESCAPE + C1 + TURN
DANGEROUS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def on_terminal(*arguments, text=""):
    """What the program writes to a terminal, on both of its outputs."""
    reader, writer = pty.openpty()
    process = subprocess.Popen([TOCSIN, *arguments], stdin=subprocess.PIPE, stdout=writer, stderr=writer)
    os.close(writer)
    process.stdin.write(text.encode())
    process.stdin.close()
    shown = b""
    while True:
        try:
            piece = os.read(reader, 65536)
        except OSError:  # how Linux reports the end of a terminal
            break
        if not piece:
            break
        shown += piece
    os.close(reader)
    process.wait(timeout=60)
    return shown.decode(errors="replace").replace("\r\n", "\n")


class TerminalTest(Case):
    def setUp(self):
        super().setUp()
        row = {"measurement": "audit", "service": "a" + EVIL, "message": "x" + EVIL, "key" + EVIL: "=1+1",
               "ok": "plain"}
        odd = {"measurement": "odd" + EVIL, "v": 1}
        result = run("import", "--db", self.path("data"), "--format", "json", "--time", "now", "-",
                     text=json.dumps(row) + "\n" + json.dumps(odd) + "\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.data = ("--db", self.path("data"))

    def harmless(self, *arguments, text="", shows=""):
        shown = on_terminal(*arguments, text=text)
        self.assertEqual(DANGEROUS.findall(shown), [], ascii(shown))
        self.assertIn(shows, shown)

    def test_results_on_a_terminal(self):
        for form in ("table", "csv", "json", "ndjson", "lp"):
            with self.subTest(form):
                self.harmless("query", *self.data, "--format", form, "from audit", shows="u202e")
        self.harmless("info", *self.data, "--columns", shows="u202e")

    def test_csv_on_a_terminal_ends_its_lines_without_escapes(self):
        shown = on_terminal("query", *self.data, "--format", "csv", "from audit | stats n = count()")
        self.assertEqual(shown.splitlines()[:2], ["n", "1"])

    def test_exports_on_a_terminal(self):
        for form in ("json", "csv", "lp"):
            with self.subTest(form):
                # The progress bar, which is not shown here, is the only source of escape sequences.
                self.harmless("export", *self.data, "--format", form, "--lossy", shows="u202e")

    def test_the_shell_on_a_terminal(self):
        script = "from audit\n\n.format csv\nfrom audit\n\n.format lp\nfrom audit\n\n.schema\n.tables\n"
        self.harmless("shell", *self.data, text=script, shows="u202e")

    def test_messages(self):
        for query in (f"from audit | keep `no{EVIL}`", f"from `no{EVIL}`", f'from audit | where "{EVIL}" > 5',
                      f"from audit | {EVIL}"):
            with self.subTest(ascii(query)):
                self.harmless("query", *self.data, query)
                self.harmless("shell", *self.data, text=query + "\n")
                self.assertEqual(DANGEROUS.findall(run("query", *self.data, query).stderr), [])
        self.harmless("query", "--db", "no" + EVIL, "from audit", shows="u202e")
        self.harmless("no" + EVIL, shows="u202e")
        self.harmless("query", "--db", "x", "from a", "--no" + EVIL, shows="u202e")
        rules = self.write("rules.yml", json.dumps({"groups": [{"name": "g", "rules": [{"alert" + EVIL: "x"}]}]},
                                                   ensure_ascii=False).replace("\x1b", "").replace("\x07", ""))
        self.harmless("rules", "check", rules)

    def test_a_pipe_gets_the_data_unchanged(self):
        result = run("query", *self.data, "--format", "csv", "from audit | keep message")
        self.assertEqual(list(csv.reader(io.StringIO(result.stdout, newline=""))), [["message"], ["x" + EVIL]])
        result = run("query", *self.data, "--format", "ndjson", "from audit | keep message")
        self.assertEqual(json.loads(result.stdout.splitlines()[0])["message"], "x" + EVIL)
        self.assertEqual(DANGEROUS.findall(result.stdout), [])


class SpreadsheetTest(Case):
    def test_safe_csv_holds_no_formulas(self):
        texts = ["=1+1", "+1", "-1", "@sum", "\tx", "\rx", "'=1", "a=1", " =1", "", "=\"a\",b"]
        rows = [{"measurement": "audit", "time": 1700000000 + i, "text": text, "=name": text, "number": -i - 1}
                for i, text in enumerate(texts)]
        result = run("import", "--db", self.path("data"), "--format", "json", "-",
                     text="".join(json.dumps(row) + "\n" for row in rows))
        self.assertEqual(result.returncode, 0, result.stderr)
        expected = ["'" + text if text[:1] in tuple("=+-@\t\r") else text for text in texts]
        texts = [text.replace("\r", "\n") for text in texts]  # run() does so with all output
        expected = [text.replace("\r", "\n") for text in expected]
        data = ("--db", self.path("data"), "--format", "csv")
        outputs = [run("query", *data, "--safe", "from audit | sort time | keep text, `=name`, number"),
                   run("shell", *data, "--safe", text="from audit | sort time | keep text, `=name`, number\n"),
                   run("export", *data, "--safe")]
        for output in outputs:
            with self.subTest(output.args[1]):
                self.assertEqual(output.returncode, 0, output.stderr)
                found = list(csv.DictReader(io.StringIO(output.stdout, newline="")))
                self.assertEqual([row["text"] for row in found], expected)
                self.assertEqual([row["'=name"] for row in found], expected)
                self.assertEqual([row["number"] for row in found], [str(-i - 1) for i in range(len(texts))])
        plain = run("query", *data, "from audit | sort time | keep text").stdout
        self.assertEqual([row[0] for row in csv.reader(io.StringIO(plain, newline=""))][1:], texts)

    def test_safe_is_for_csv(self):
        for arguments in (("query", "--url", "http://127.0.0.1:1", "--safe", "from a"),
                          ("shell", "--url", "http://127.0.0.1:1", "--safe"),
                          ("export", "--db", "x", "--safe"),
                          ("export", "--db", "x", "--format", "csv", "--typed", "--safe")):
            with self.subTest(arguments):
                result = run(*arguments)
                self.assertEqual(result.returncode, 2)
                self.assertIn("--safe", result.stderr)


if __name__ == "__main__":
    unittest.main()
