"""SIGHUP applies the settings that a running server can change, and names the others."""
import http.server
import json
import os
import signal
import ssl
import threading
import unittest

from support import Case, wait_for

TLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tls")
RULES = """
groups:
  - name: mine
    interval: 1s
    rules:
      - alert: {name}
        expr: from audit last 5s | stats n = count() by service | where n >= $enough
        annotations:
          summary: "{{{{ service }}}}: {{{{ n }}}} events"
"""


class Hook:
    """A webhook receiver that keeps the summaries of the firing alerts; over TLS if `tls`."""

    def __init__(self, tls=False):
        hook = self
        self.fired = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.fired += [alert["annotations"]["summary"] for alert in body["alerts"]
                               if alert["status"] == "firing"]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(os.path.join(TLS, "certificate.pem"), os.path.join(TLS, "key.pem"))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server.server_address[1]}/"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class ReloadTest(Case):
    def hook(self, **options):
        hook = Hook(**options)
        self.addCleanup(hook.stop)
        return hook

    def reload(self, server, settings):
        """Writes the settings and sends SIGHUP; returns the line that the server logs."""
        self.write("tocsin.yml", settings)
        before = len(server.log())
        server.process.send_signal(signal.SIGHUP)
        lines = wait_for("the reload", lambda: [line for line in server.log()[before:].splitlines()
                                                if " in total" in line or "not reloaded: " in line])
        return lines[-1]

    def test_what_can_change_changes_and_the_rest_is_named(self):
        old, new = self.hook(), self.hook(tls=True)
        rules = self.write("old.yml", RULES.format(name="Old"))
        more_rules = self.write("new.yml", RULES.format(name="New"))
        followed = self.write("old/audit/a.log", "audit,service=old n=1i\n")
        also_followed = self.write("new/audit/a.log", "audit,service=new n=1i\n")
        server = self.serve(f"""
store: {{retention: 30d}}
tail: [{{paths: [{followed}], format: lp}}]
forwarders: [{{name: hook, url: "{old.url}"}}]
rules: {{files: [{rules}], delay: 0s}}
parameters: {{enough: 1}}
""")
        wait_for("the alert", lambda: old.fired)
        wait_for("its log line", lambda: "alert Old firing at " in server.log())
        wait_for("the delivery's log line", lambda: "forwarder `hook`: delivered 1 alert in" in server.log())

        line = self.reload(server, f"""
store: {{retention: forever, future_max: 30d, commit_interval: 100ms}}
listen: {{query_timeout: 1m, query_thread_count: 3}}
tail: [{{paths: [{followed}], format: lp}}, {{paths: [{also_followed}], format: lp}}]
forwarders: [{{name: hook, url: "{new.url}", ca_file: "{TLS}/certificate.pem"}}]
rules: {{files: [{more_rules}], delay: 0s}}
parameters: {{enough: 2}}
""")
        self.assertIn("settings: changed: store.retention, store.future_max, listen.query_timeout, tail, forwarders, "
                      "rules, the parameters of rules; restart the server to change store.commit_interval, "
                      "listen.query_thread_count; rules: 1 in total, added New, removed Old", line)
        # The new file is read, and the old one not again.
        wait_for("the new file", lambda: server.value("from audit | stats n = count()") == 2)
        old_fired = list(old.fired)
        with open(also_followed, "a", encoding="utf-8") as file:
            file.write("audit,service=new n=2i\naudit,service=new n=3i\n")
        wait_for("the new rule's alert", lambda: "new: 2 events" in new.fired or "new: 3 events" in new.fired)
        self.assertEqual(old.fired, old_fired)
        self.assertEqual(server.value('from audit | where service == "old" | stats n = count()'), 1)
        # Retention and future_max decide about the next rows.
        self.assertEqual(server.post("/write?precision=s", "audit,service=past n=1i 946684800\n")[0], 204)
        self.assertEqual(server.get("/-/ready")[0], 200)

        # The same file again changes nothing, and what needs a restart is still named.
        with open(self.path("tocsin.yml"), encoding="utf-8") as file:
            line = self.reload(server, file.read())
        self.assertIn("settings: restart the server to change store.commit_interval, listen.query_thread_count; "
                      "rules: 1 in total, nothing changed", line)

    def test_wrong_settings_change_nothing(self):
        rules = self.write("rules.yml", RULES.format(name="Mine"))
        good = f"rules: {{files: [{rules}]}}\nparameters: {{enough: 1}}\n"
        server = self.serve(good)
        line = self.reload(server, good + "tail: 5\n")
        self.assertIn("tail: expected a list", line)
        line = self.reload(server, good + "forwarders: [{name: a, url: http://127.0.0.1/, ca_file: /nowhere.pem}]\n")
        self.assertIn("forwarder `a`: ca_file: opening /nowhere.pem", line)
        line = self.reload(server, "rules: {files: [nothing/*.yml]}\n")
        self.assertIn("no rule file matches nothing/*.yml", line)
        status, text = server.post("/-/reload", "")
        self.assertEqual(status, 400, text)
        self.write("tocsin.yml", good)
        status, text = server.post("/-/reload", "")
        self.assertEqual((status, text), (200, "rules: 1 in total, nothing changed\n"))

    def test_a_receiver_whose_certificate_is_not_trusted_gets_nothing(self):
        hook = self.hook(tls=True)
        rules = self.write("rules.yml", RULES.format(name="Mine"))
        settings = f"rules: {{files: [{rules}], delay: 0s}}\nparameters: {{enough: 1}}\n"
        server = self.serve(settings + f'forwarders: [{{name: hook, url: "{hook.url}"}}]\n')
        server.post("/write", "audit,service=a n=1i\n")
        wait_for("the refused certificate", lambda: "forwarder `hook`: SSL certificate problem" in server.log())
        self.assertEqual(hook.fired, [])
        self.reload(server, settings + f'forwarders: [{{name: hook, url: "{hook.url}", '
                                       f'ca_file: "{TLS}/certificate.pem"}}]\n')
        wait_for("the alert", lambda: hook.fired == ["a: 1 events"])


if __name__ == "__main__":
    unittest.main()
