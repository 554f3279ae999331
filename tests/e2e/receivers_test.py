#!/usr/bin/env python3
"""Receivers of alerts: a mail server, a program, a signed template, and a real Alertmanager.

The test with Alertmanager is skipped if it is not installed (`tools/setup --all` installs it).
"""
import email
import hashlib
import hmac
import http.server
import json
import os
import shutil
import socket
import socketserver
import subprocess
import threading
import unittest
import urllib.request

from support import Case, wait_for

RULES = """
groups:
  - name: mine
    interval: 1s
    rules:
      - alert: Events
        expr: from audit last 5s | stats n = count() by service | where n >= 1
        annotations:
          summary: "{{ service }} is ü"
"""


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks enough SMTP for one mail per connection."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        self.mails = []
        super().__init__(("127.0.0.1", 0), self.Session)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Session(socketserver.StreamRequestHandler):
        def answer(self, text):
            self.wfile.write(text.encode() + b"\r\n")

        def handle(self):
            self.answer("220 test")
            for line in self.rfile:
                word = line.split()[0].upper() if line.split() else b""
                if word == b"DATA":
                    self.answer("354 go on")
                    text = b""
                    for part in self.rfile:
                        if part == b".\r\n":
                            break
                        text += part
                    self.server.mails.append(email.message_from_bytes(text))
                    self.answer("250 taken")
                elif word == b"QUIT":
                    return self.answer("221 bye")
                else:
                    self.answer("250 ok")


class Hook(http.server.ThreadingHTTPServer):
    def __init__(self):
        self.requests = []
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.requests.append((dict(self.headers), body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass


class ReceiversTest(Case):
    def serve_forwarder(self, forwarder):
        rules = self.write("rules.yml", RULES)
        server = self.serve(f"forwarders: [{forwarder}]\nrules: {{files: [{rules}], delay: 0s}}\n")
        self.assertEqual(server.post("/write", "audit,service=pay n=1i\n")[0], 204)
        return server

    def test_a_mail_server_gets_text_and_html(self):
        mails = MailServer()
        self.addCleanup(mails.server_close)
        self.addCleanup(mails.shutdown)
        self.serve_forwarder(f'{{name: mail, type: email, smarthost: "127.0.0.1:{mails.server_address[1]}", tls: "off", '
                             "from: tocsin@example.org, to: [ada@example.org]}")
        firing, resolved = wait_for("both mails", lambda: mails.mails[:2] if len(mails.mails) >= 2 else None)
        subject = str(email.header.make_header(email.header.decode_header(firing["Subject"])))
        self.assertEqual(subject, "FIRING MEDIUM: Events: pay is ü")
        text, html = firing.get_payload()
        self.assertIn("pay is ü", text.get_payload(decode=True).decode())
        self.assertIn("<li>FIRING MEDIUM: Events: pay is ü</li>", html.get_payload(decode=True).decode())
        self.assertEqual(firing["References"], resolved["References"])
        self.assertNotEqual(firing["Message-ID"], resolved["Message-ID"])

    def test_a_program_gets_the_alert(self):
        out = self.path("out")
        self.serve_forwarder(f'{{name: script, type: command, command: [/bin/sh, -c, "cat >> {out}"]}}')

        def lines_of_program():
            if not os.path.exists(out):
                return None
            with open(out, encoding="utf-8") as file:
                lines = file.readlines()
            return lines if len(lines) >= 2 else None

        lines = wait_for("both alerts", lines_of_program)
        self.assertEqual([json.loads(line)["status"] for line in lines[:2]], ["firing", "resolved"])

    def test_a_signed_template(self):
        hook = Hook()
        self.addCleanup(hook.server_close)
        self.addCleanup(hook.shutdown)
        secret = self.write("secret", "hush hush\n")
        template = self.write("template", '{"text": "{{ title }}", "n": "{{ count }}"}')
        server = self.serve_forwarder(
            f'{{name: hook, url: "http://127.0.0.1:{hook.server_address[1]}/", secret_file: {secret}, '
            f"template_file: {template}}}")
        headers, body = wait_for("the alert", lambda: hook.requests and hook.requests[0])
        self.assertEqual(json.loads(body), {"text": "FIRING MEDIUM: Events: pay is ü", "n": 1})
        signed = headers["X-Tocsin-Timestamp"].encode() + b"." + body
        self.assertEqual(headers["X-Tocsin-Signature"],
                         "sha256=" + hmac.new(b"hush hush", signed, hashlib.sha256).hexdigest())
        self.assertNotIn("hush", server.log())

    @unittest.skipUnless(shutil.which("prometheus-alertmanager"),
                         "prometheus-alertmanager is not installed; `tools/setup --all` installs it")
    def test_alertmanager(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config = self.write("alertmanager.yml", "route: {receiver: none}\nreceivers: [{name: none}]\n")
        with open(self.path("alertmanager.log"), "w", encoding="utf-8") as log:
            process = subprocess.Popen(["prometheus-alertmanager", "--config.file", config, "--storage.path",
                                        self.path("alertmanager"), "--web.listen-address", f"127.0.0.1:{port}",
                                        "--cluster.listen-address="], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def alerts():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/alerts", timeout=5) as response:
                    return json.load(response)
            except OSError:
                return None

        wait_for("Alertmanager", lambda: alerts() is not None)
        self.serve_forwarder(f'{{name: am, type: alertmanager, url: "http://127.0.0.1:{port}"}}')
        (alert,) = wait_for("the alert", alerts)
        self.assertEqual((alert["labels"]["alertname"], alert["labels"]["service"]), ("Events", "pay"))
        self.assertEqual(alert["annotations"]["summary"], "pay is ü")
        wait_for("its end", lambda: alerts() == [])


if __name__ == "__main__":
    unittest.main()
