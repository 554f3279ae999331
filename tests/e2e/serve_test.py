"""`tocsin serve`: what it checks before it makes anything, who may connect, and who may read its files."""
import grp
import json
import os
import pwd
import re
import shlex
import socket
import stat
import subprocess
import unittest

from support import TOCSIN, Case, run, wait_for

FREE = ("--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0")


def own_network_address():
    """An address of this machine beyond loopback, or None. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
        return None if address.startswith("127.") else address


def examples_of(command):
    """The command lines in the examples of a command's --help."""
    text = run(command, "--help").stdout
    return re.findall(rf"^  (tocsin {command}\b.*)$", text, re.MULTILINE)


class StartTest(Case):
    def start(self, *arguments, ready=True):
        """Starts `tocsin serve` and returns the line that it prints when it is ready."""
        process = subprocess.Popen([TOCSIN, "serve", *arguments], cwd=self.folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process.stdout.readline()

    def refused(self, *arguments, code=1):
        """The error of a `tocsin serve` that does not start."""
        result = run("serve", *arguments, cwd=self.folder)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stderr

    def test_a_failed_start_leaves_nothing_behind(self):
        self.write("rules.yml", "rules:\n  files: [nothing/*.yml]\n")
        self.write("open.yml", "listen: {tokens: off}\n")
        self.write("key.yml", "listen:\n  tls: x\n")
        self.write("forwarder.yml", "forwarders: [{name: a, url: 'http://127.0.0.1:1/', ca_file: /nowhere.pem}]\n")
        before = sorted(os.listdir(self.folder))
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            used = f"127.0.0.1:{busy.getsockname()[1]}"
            for arguments in (("--tcp", used, "--http", "127.0.0.1:0"), ("--tcp", "off", "--http", used),
                              ("--tcp", "0.0.0.0:0", "--config", "open.yml"), ("--http", "some.name:80"),
                              ("--config", "rules.yml", *FREE), ("--config", "key.yml", *FREE),
                              ("--config", "forwarder.yml", *FREE)):
                for folder in ("data", "new/deep/data"):
                    with self.subTest(arguments=arguments, folder=folder):
                        self.refused("--db", folder, *arguments)
                        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_a_start_that_fails_while_the_database_is_made_removes_it(self):
        self.write("a file", "")
        os.mkdir(self.path("empty"))
        self.assertIn("a file", self.refused("--db", "a file/data", *FREE))
        # No file may grow, so that the catalog cannot be written.
        limited = ["bash", "-c", 'ulimit -f 0; trap "" XFSZ; exec "$0" "$@"', TOCSIN, "serve", *FREE, "--db"]
        for folder in ("data", "new/deep/data", "empty"):
            result = subprocess.run([*limited, folder], cwd=self.folder, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, timeout=60, check=False)
            self.assertNotEqual(result.returncode, 0)
            self.assertEqual(sorted(os.listdir(self.folder)), ["a file", "empty"])
            self.assertEqual(os.listdir(self.path("empty")), [])

    def test_a_folder_with_other_files_is_refused(self):
        self.write("home/notes.txt", "")
        for command in (("serve", *FREE), ("import",)):
            result = run(command[0], "--db", self.path("home"), *command[1:], *(["-"] if command == ("import",) else []),
                         text="audit n=1i 1\n")
            self.assertEqual(result.returncode, 1)
            self.assertIn("is not a database and not empty: it contains `notes.txt`; name a database, or a new or "
                          "empty directory\n", result.stderr)
            self.assertNotIn("top the server", result.stderr)  # no server has this folder
            self.assertEqual(os.listdir(self.path("home")), ["notes.txt"])

    def test_a_new_file_system_and_dot_files_are_no_content(self):
        os.makedirs(self.path("data/lost+found"))
        self.write("data/.gitignore", "*")
        os.makedirs(self.path("copy/lost+found"))
        self.assertIn(" is ready", self.start("--db", "data", *FREE))
        result = run("backup", "--db", self.path("data"), self.path("copy"))
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_listener_can_be_off(self):
        ready = self.start("--db", "data", "--tcp", "off", "--http", "127.0.0.1:0")
        self.assertRegex(ready, r"is ready, http://127\.0\.0\.1:\d+/, database data")
        ready = self.start("--db", "other", "--tcp", "127.0.0.1:0", "--http", "off")
        self.assertRegex(ready, r"is ready: tcp 127\.0\.0\.1:\d+, database other")
        for wrong in ("8086", "on", "x:y", ""):
            self.assertIn("expected HOST:PORT", self.refused("--tcp", wrong, code=2))

    def test_the_examples_of_its_help_start(self):
        self.write("tocsin.yml", "")
        examples = examples_of("serve")
        self.assertGreaterEqual(len(examples), 4)
        for number, example in enumerate(examples):
            with self.subTest(example):
                words = shlex.split(example)[2:]
                words = [re.sub(r"^(.*):\d+$", r"\1:0", word) for word in words]
                words = [str(number) if word.startswith("/var") else word for word in words]
                for option, free in (("--tcp", "127.0.0.1:0"), ("--http", "127.0.0.1:0"), ("--db", str(number))):
                    if option not in words:
                        words += [option, free]
                self.assertIn(" is ready", self.start(*words))


class RulesTest(Case):
    OWN = """
groups:
  - name: own
    rules:
      - alert: Own
        expr: from audit last 1m | stats n = count() by service | where n > 1000
"""

    def listed(self, *arguments):
        """The names that `tocsin rules list` shows, after `check` has accepted the same rules."""
        checked = run("rules", "check", *arguments)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""), checked.stderr)
        lines = run("rules", "list", *arguments).stdout.splitlines()[1:]
        return {line.split()[0] for line in lines}

    def running(self, settings):
        server = self.serve(settings)
        status, text = server.get("/api/v1/rules")
        self.assertEqual(status, 200)
        names = {rule["name"] for group in json.loads(text)["data"]["groups"] for rule in group["rules"]}
        self.assertEqual(server.stop(), 0)
        return names

    def test_a_setting_turns_on_the_rules_that_learn(self):
        learning = {"UnusualVolume", "UnusualFailureRate", "UnusualDuration"}
        on = "rules: {detect: true}\n"
        usual = self.listed()
        self.assertFalse(usual & learning)
        self.assertEqual(self.running("rules: {detect: false}\n"), usual)
        self.assertEqual(self.listed("--config", self.write("on.yml", on)), usual | learning)
        self.assertEqual(self.running(on), usual | learning)
        own = self.write("own.yml", self.OWN)
        both = f"rules: {{files: [{own}], detect: true}}\n"
        self.assertEqual(self.listed("--config", self.write("both.yml", both)), {"Own"} | learning)
        self.assertEqual(self.running(both), {"Own"} | learning)
        self.assertEqual(self.listed("--config", self.write("on.yml", on), own), {"Own"})

    def test_an_old_setting_works_and_names_its_successor(self):
        settings = "anomaly_detection:\n  noise_tolerance: 4\n"
        warning = "2:20: anomaly_detection.noise_tolerance: the shipped rules no longer use this setting; " \
                  "anomaly_detection.surprise_min replaces it"
        checked = run("rules", "check", "--config", self.write("old.yml", settings))
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn(f"old.yml:{warning}", checked.stderr)
        self.assertIn(f"tocsin.yml:{warning}", self.serve(settings).log())


class ReachTest(Case):
    def test_an_insecure_server_listens_beyond_loopback(self):
        self.assertTrue(self.reach("0.0.0.0", "", "--insecure")[0])
        answered, log = self.reach("0.0.0.0", "listen: {insecure: true}\n")
        self.assertTrue(answered)
        self.assertIn("without authentication", log)
        config = self.write("off.yml", "listen: {tokens: off}\n")
        refused = run("serve", "--config", config, "--db", self.path("data"), "--http", "0.0.0.0:0", "--tcp", "off")
        self.assertIn("--insecure", refused.stderr)
        self.assertIn("listen.insecure", refused.stderr)

    def reach(self, address, config, *arguments):
        """Whether a client at `address` gets an answer, and the server's log."""
        path = self.write("tocsin.yml", config)
        with open(self.path("log"), "w+", encoding="utf-8") as log, subprocess.Popen(
                [TOCSIN, "serve", "--config", path, "--db", self.path("data"), "--tcp", "off", "--http",
                 address + ":0", *arguments], stdout=subprocess.PIPE, stderr=log, text=True) as process:
            try:
                port = int(re.search(r":(\d+)/", process.stdout.readline()).group(1))
                with socket.create_connection((address, port), timeout=60) as client:
                    client.sendall(f"GET /ping HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
                    try:
                        answered = client.recv(100).startswith(b"HTTP/1.1 204")
                    except ConnectionResetError:
                        answered = False
            finally:
                process.kill()
            log.seek(0)
            return answered, log.read()

    @unittest.skipUnless(own_network_address(), "this machine has no address beyond loopback")
    def test_allow_names_the_networks_that_may_connect(self):
        address = own_network_address()
        answered, log = self.reach(address, "listen: {insecure: true}\n")
        self.assertTrue(answered, log)
        self.assertTrue(self.reach(address, f"listen: {{insecure: true, allow: [{address}]}}\n")[0])
        answered, log = self.reach(address, "listen: {insecure: true, allow: ['2001:db8::/32']}\n")
        self.assertFalse(answered)
        self.assertIn(f"http {address}: refused, because `listen.allow` does not contain this address", log)
        self.assertTrue(self.reach("127.0.0.1", "listen: {allow: ['2001:db8::/32']}\n")[0])

    def test_the_settings_name_hosts_and_the_external_url(self):
        receiver = self.receive()
        self.write("rules/broken.yml", "groups: 5\n")
        server = self.serve("listen: {allowed_hosts: [logs.example], external_url: 'https://tocsin.example/x'}\n"
                            f"rules:\n  files: [{self.path('rules/*.yml')}]\n"
                            f"forwarders:\n  - name: pager\n    url: {receiver.url}\n")
        for host, status in (("logs.example", 204), ("tocsin.example", 204), ("localhost", 204), ("other", 403)):
            with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) as client:
                client.sendall(f"GET /ping HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                answer = client.recv(1000).decode()
            self.assertIn(f" {status} ", answer, host)
            self.assertEqual("listen.allowed_hosts" in answer, status == 403)
        wait_for("the alert", receiver.alerts)
        self.assertEqual(receiver.bodies[0]["externalURL"], "https://tocsin.example/x/")


def modes(folder):
    """The permissions of everything in a folder, by relative path."""
    found = {".": stat.S_IMODE(os.stat(folder).st_mode)}
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(where, name)
            found[os.path.relpath(path, folder)] = stat.S_IMODE(os.stat(path).st_mode)
    return found


def expected_mode(folder, name, umask):
    if name == "tmp":
        return 0o770 & ~umask
    if name.endswith("-lock"):
        return 0o660 & ~umask
    return (0o750 if os.path.isdir(os.path.join(folder, name)) else 0o640) & ~umask


class PermissionTest(Case):
    def make(self, umask):
        """A database with a segment file and what a query leaves, and a backup of it."""
        options = {"umask": umask}
        result = run("import", "--db", self.path("data"), "-", text="audit,service=a n=1i 1\n", **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        result = run("backup", "--db", self.path("data"), self.path("copy"), **options)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_files_are_for_the_owner_and_its_group(self):
        for umask in (0, 0o022, 0o007, 0o077):
            with self.subTest(umask=oct(umask)):
                self.make(umask)
                for folder in (self.path("data"), self.path("copy")):
                    for name, mode in modes(folder).items():
                        self.assertEqual(oct(mode), oct(expected_mode(folder, name, umask)), name)
                self.assertIn("catalog.mdb-lock", modes(self.path("data")))
                self.assertTrue(any(name.endswith(".seg") for name in modes(self.path("data"))))
                subprocess.run(["rm", "-r", self.path("data"), self.path("copy")], check=True)

    def test_files_that_everyone_may_open_are_left_alone_and_named_once(self):
        self.make(0o022)
        self.assertNotIn("chmod", run("compact", "--db", self.path("data")).stderr)
        os.chmod(self.path("data"), 0o755)
        self.assertNotIn("chmod", run("compact", "--db", self.path("data")).stderr)
        os.chmod(self.path("data/catalog.mdb"), 0o644)
        os.chmod(self.path("data/writer.lock"), 0o644)
        result = run("compact", "--db", self.path("data"))
        self.assertEqual(result.stderr.count("every user of this machine can open 2 files"), 1, result.stderr)
        self.assertIn("catalog.mdb", result.stderr)
        self.assertEqual(modes(self.path("data"))["catalog.mdb"], 0o644)
        os.chmod(self.path("data"), 0o750)  # now nobody else reaches the files
        self.assertNotIn("chmod", run("compact", "--db", self.path("data")).stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_a_reader_in_the_group_can_query_and_others_cannot(self):
        nobody = pwd.getpwnam("nobody")
        group = grp.getgrnam("daemon").gr_gid
        os.chmod(self.folder, 0o755)
        program = self.path("tocsin")  # the build folder may not be open to other users
        subprocess.run(["cp", TOCSIN, program], check=True)
        process = subprocess.Popen([TOCSIN, "serve", "--db", self.path("data"), *FREE], group=group, umask=0o007,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        ready = process.stdout.readline()
        url = re.search(r"http://[0-9.:]+", ready).group(0)
        subprocess.run(["curl", "-sS", "--fail", "--data-binary", "audit n=1i", url + "/write"], check=True)

        def ask(gid):
            return subprocess.run([program, "query", "--db", self.path("data"), "--format", "csv",
                                   "from audit | stats n = count()"], user=nobody.pw_uid, group=gid,
                                  extra_groups=[], capture_output=True, text=True, timeout=60, check=False)

        member = ask(group)
        self.assertEqual((member.returncode, member.stdout), (0, "n\n1\n"), member.stderr)
        other = ask(nobody.pw_gid)
        self.assertEqual(other.returncode, 1)
        self.assertIn("Permission denied", other.stderr)
        process.terminate()
        process.wait(timeout=60)
        os.chmod(self.path("data/catalog.mdb-lock"), 0o640)
        refused = ask(group)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("umask 0007", refused.stderr)


if __name__ == "__main__":
    unittest.main()
