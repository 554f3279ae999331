"""Every command, flag and settings key that a message, a help text or a document names is accepted."""
import glob
import os
import re
import unittest

from support import SOURCE, Case, run

CODE = ("db", "query", "rules", "net", "tools", "config")
LISTS = ("tail", "forwarders")  # sections that are lists
SECTIONS = ("store", "listen", "rules", "anomaly_detection", "time_windows", "log_generation", *LISTS)
KEY = re.compile(rf"(?<![\w./])({'|'.join(SECTIONS)})(?:\[\d*\])?\.([a-z][a-z0-9_]+)(?![\w(])")
FILE_ENDINGS = ("cpp", "h", "md", "yml", "yaml", "py", "js", "json", "log")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
COMMAND = re.compile(r"\btocsin ([a-z]+)(?: ([a-z]+))?\b")
OTHER_PROGRAMS = re.compile(r"\b(amtool|curl|cmake|ctest|ss|ssh|nc|chmod|gcovr|clang-format|clang-tidy|gcc|git|journalctl|docker)\b")


def files(*patterns):
    for pattern in patterns:
        yield from sorted(glob.glob(os.path.join(SOURCE, pattern), recursive=True))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def string_literals(code):
    """The strings of C++ code; literals that follow each other are one."""
    raw = re.findall(r'R"\((.*?)\)"', code, re.DOTALL)
    code = re.sub(r'R"\(.*?\)"', "", code, flags=re.DOTALL)
    code = re.sub(r"//.*", "", code)
    code = re.sub(r'"\s*\n\s*"', "", code)
    return raw + [text.replace('\\"', '"') for text in re.findall(r'"((?:[^"\\\n]|\\.)*)"', code)]


def texts():
    """(path, text) of everything that names flags and keys to users."""
    for folder in CODE:
        for path in files(f"{folder}/**/*.cpp", f"{folder}/**/*.h"):
            if "/bench/" not in path:
                for text in string_literals(read(path)):
                    yield os.path.relpath(path, SOURCE), text
    for path in files("README.md", "*/README.md", "*/*/README.md", "config/**/*.yml", "net/page/*.html"):
        if "/build/" not in path:
            yield os.path.relpath(path, SOURCE), read(path)


def flags_of(help_text):
    """The flags in the list of options that the parser prints."""
    options = help_text.split("Examples:")[0]
    return set(re.findall(r"^\s+(?:-\w,\s*)?(--[a-z][a-z0-9-]*)", options, re.MULTILINE))


def subcommands_of(help_text):
    """The names in the list of subcommands that the parser prints."""
    listed = re.search(r"^Subcommands:\n((?:  .*\n)*)", help_text, re.MULTILINE)
    return re.findall(r"^  ([a-z]+)  ", listed[1], re.MULTILINE) if listed else []


def parts_with_flags(text):
    """The parts of a text that belong to one program, each with the line that it is from."""
    for line in text.replace("\\\n", " ").split("\n"):
        for part in re.split(r"[|;`]|&&", line):
            if FLAG.search(part):
                yield part, line


class NamesTest(Case):
    def test_every_flag_is_accepted(self):
        commands = set(re.findall(r"^  ([a-z]+)  ", run("--help").stdout, re.MULTILINE))
        self.assertIn("serve", commands)
        accepted = {}
        for name in commands:
            help_text = run(name, "--help").stdout
            accepted[name] = flags_of(help_text)
            for sub in subcommands_of(help_text):
                accepted[f"{name} {sub}"] = flags_of(run(name, sub, "--help").stdout)
                accepted[name] |= accepted[f"{name} {sub}"]  # for texts that do not say which one
        self.assertLessEqual({"rules check", "rejected list", "retention confirm"}, set(accepted))
        everywhere = set.union(*accepted.values()) | {"--help", "--version"}
        scripts = "".join(read(path) for path in files("tools/*", "tests/*/*.py") if os.path.isfile(path))
        checked = 0
        for path, text in texts():
            for part, line in parts_with_flags(text):
                command = COMMAND.search(part)
                allowed = everywhere
                if command and command.group(1) in commands:
                    name = command.group(1)
                    allowed = accepted.get(f"{name} {command.group(2)}", accepted[name]) | {"--help"}
                elif OTHER_PROGRAMS.search(line if path.endswith(".md") else part):
                    continue
                for flag in FLAG.findall(part):
                    checked += 1
                    of_a_script = path.endswith(".md") and not command and flag in scripts
                    self.assertTrue(flag in allowed or of_a_script, f"{path}: {flag} in: {part.strip()}")
        self.assertGreater(checked, 100)

    def test_every_command_exists(self):
        known = set(re.findall(r"^  ([a-z]+)  ", run("--help").stdout, re.MULTILINE)) | {"help", "version"}
        named = {}
        for path, text in texts():
            for command in re.findall(r"`tocsin ([a-z]+)", text):
                named.setdefault(command, path)
        self.assertGreater(len(named), 8)
        self.assertEqual({name: path for name, path in named.items() if name not in known}, {})

    def test_every_settings_key_is_accepted(self):
        named = {}
        for path, text in texts():
            for section, key in KEY.findall(text):
                if key not in FILE_ENDINGS:
                    named.setdefault((section, key), path)
        self.assertIn(("listen", "allowed_hosts"), named)
        self.assertIn(("listen", "insecure"), named)
        for (section, key), path in named.items():
            with self.subTest(f"{section}.{key} in {path}"):
                value = f"[{{{key}: ~}}]" if section in LISTS else f"{{{key}: ~}}"
                self.assertNotIn("unknown key", self.settings_error(f"{section}: {value}\n"))

    def test_the_settings_in_documents_are_accepted(self):
        checked = 0
        for path in files("README.md", "*/README.md"):
            for block in re.findall(r"^```yaml\n(.*?)^```", read(path), re.DOTALL | re.MULTILINE):
                if block.split(":")[0] in SECTIONS:
                    checked += 1
                    with self.subTest(path):
                        self.assertEqual(self.settings_error(block), "")
        self.assertGreater(checked, 1)

    def settings_error(self, text):
        """What is wrong with these settings; an empty text if they are read."""
        error = run("rules", "list", "--config", self.write("tocsin.yml", text)).stderr
        return error if "tocsin.yml:" in error else ""


if __name__ == "__main__":
    unittest.main()
