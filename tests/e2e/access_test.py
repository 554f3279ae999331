"""Who may do what: every listener and kind of path, with each kind of token, plain, with TLS and with bad certificates."""
import os
import re
import socket
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

from support import Case, TOCSIN, run, wait_for

PATHS = {  # by scope: method, path, body, content type
    "open": [("GET", "/ping"), ("GET", "/health"), ("GET", "/-/healthy"), ("GET", "/-/ready"), ("GET", "/settings"),
             ("GET", "/"), ("GET", "/page/main.js")],
    "any": [("GET", "/_license"), ("GET", "/_cluster/health"), ("PUT", "/_index_template/x", "{}"),
            ("POST", "/query?q=CREATE+DATABASE+x", "")],
    "read": [("POST", "/api/query", "from missing | count"), ("POST", "/api/complete?cursor=0", "from"),
             ("GET", "/api/v1/alerts"), ("GET", "/api/v1/rules"), ("GET", "/metrics"), ("GET", "/api/v2/silences"),
             ("GET", "/api/v2/silence/x"), ("GET", "/api/v2/alerts"), ("GET", "/api/v2/status")],
    "write": [("POST", "/write", "a v=1"), ("POST", "/api/v2/write", "a v=1"), ("POST", "/insert/jsonline", '{"v":1}'),
              ("POST", "/loki/api/v1/push", '{"streams":[]}', "application/json"),
              ("POST", "/v1/logs", "{}", "application/json"), ("POST", "/v1/logs", "", "application/x-protobuf"),
              ("POST", "/_bulk", '{"create":{}}\n{"v":1}\n'), ("POST", "/x/_bulk", '{"create":{}}\n{"v":1}\n')],
    "admin": [("POST", "/api/rejected/retry?source=none", ""), ("POST", "/-/reload", ""),
              ("POST", "/-/retention/confirm", ""), ("POST", "/api/v1/alerts/ack", ""), ("POST", "/api/v2/silences", "{}"),
              ("DELETE", "/api/v2/silence/x"), ("GET", "/api/tokens"), ("POST", "/api/tokens/revoke?name=none", "")],
}
SENDERS = ("none", "wrong", "read", "write", "admin", "expired", "revoked")
ALLOWED = {"open": SENDERS, "any": ("read", "write", "admin"), "read": ("read", "admin"), "write": ("write", "admin"),
           "admin": ("admin",)}


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_certificate(folder, name, days=30):
    """A certificate that signs itself, for localhost. It has expired if `days` is negative."""
    certificate, key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
    if days > 0:
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
                certificate, "-days", str(days), "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1")
        return certificate, key
    request, serial = os.path.join(folder, name + ".csr"), os.path.join(folder, name + ".ca")
    os.makedirs(serial)
    for file, text in (("index", ""), ("serial", "01\n"),
                       ("conf", "[ca]\ndefault_ca=x\n[x]\ndefault_md=sha256\npolicy=p\n"
                                f"database={serial}/index\nserial={serial}/serial\nnew_certs_dir={serial}\n"
                                "[p]\ncommonName=supplied\n[e]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")):
        with open(os.path.join(serial, file), "w", encoding="utf-8") as out:
            out.write(text)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
            "-subj", "/CN=localhost")
    openssl("ca", "-batch", "-config", os.path.join(serial, "conf"), "-selfsign", "-keyfile", key, "-in", request, "-out",
            certificate, "-notext", "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-extensions", "e")
    return certificate, key


class AccessTest(Case):
    def start(self, tls=None, client_ca=None):
        extra = ""
        if tls:
            extra = f"  tls: {{certificate: {tls[0]}, key: {tls[1]}{', client_ca: ' + client_ca if client_ca else ''}}}\n"
        path = self.write("tocsin.yml", f"listen:\n  tokens: on\n  syslog_tcp: 127.0.0.1:0\n{extra}")
        log = open(self.path("server.log"), "a", encoding="utf-8")
        self.addCleanup(log.close)
        process = subprocess.Popen([TOCSIN, "serve", "--db", self.path("data"), "--tcp", "127.0.0.1:0", "--http",
                                    "127.0.0.1:0", "--config", path], stdout=subprocess.PIPE, stderr=log, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        ready = process.stdout.readline()
        self.assertIn(" is ready", ready, self.log())
        self.tcp = int(re.search(r"tcp 127\.0\.0\.1:(\d+)", ready).group(1))
        self.syslog = int(re.search(r"syslog tcp 127\.0\.0\.1:(\d+)", ready).group(1))
        self.url = re.search(r"https?://127\.0\.0\.1:\d+", ready).group(0)
        return process

    def log(self):
        with open(self.path("server.log"), encoding="utf-8") as file:
            return file.read()

    def make_tokens(self):
        """With --db, before the server starts."""
        tokens = {"none": None, "wrong": "tocsin_" + "0" * 64}
        for name in ("read", "write", "admin", "expired", "revoked"):
            scope = name if name in ("read", "write", "admin") else "admin"
            expires = ["--expires", "1ms"] if name == "expired" else []
            made = run("token", "create", name, "--scope", scope, "--db", self.path("data"), *expires)
            self.assertEqual(made.returncode, 0, made.stderr)
            tokens[name] = made.stdout.strip()
        self.assertEqual(run("token", "revoke", "revoked", "--db", self.path("data")).returncode, 0)
        return tokens

    def create_database(self):
        self.write("a.lp", "a v=1 1700000000000000000\n")
        self.assertEqual(run("import", "--db", self.path("data"), self.path("a.lp")).returncode, 0)

    def ask(self, context, token, method, path, body=None, content_type="text/plain"):
        headers = {"Content-Type": content_type}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self.url + path, method=method, headers=headers,
                                         data=None if body is None else body.encode())
        handlers = [urllib.request.ProxyHandler({})]
        if context:
            handlers.append(urllib.request.HTTPSHandler(context=context))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=30) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def send_lines(self, context, token, text="a v=1\n"):
        """What the line port answers to lines after the token."""
        with socket.create_connection(("127.0.0.1", self.tcp), timeout=30) as plain:
            client = context.wrap_socket(plain, server_hostname="localhost") if context else plain
            greeting = "# tocsin ack=on" + (f" token={token}" if token else "") + "\n"
            client.sendall((greeting + text).encode())
            answer = client.recv(4096).decode()
            client.close()
            return answer

    def check_matrix(self, context, tokens):
        for scope, paths in PATHS.items():
            for path in paths:
                for sender in SENDERS:
                    with self.subTest(scope=scope, path=path, sender=sender, tls=bool(context)):
                        status, headers, body = self.ask(context, tokens[sender], *path)
                        if sender in ALLOWED[scope]:
                            self.assertNotIn(status, (401, 403), body)
                            continue
                        self.assertEqual(status, 403 if sender in ("read", "write") else 401, body)
                        self.assertEqual(status == 401, "WWW-Authenticate" in headers)
                        self.assertNotIn(b"tocsin_", body)
        for sender in SENDERS:
            with self.subTest(listener="line port", sender=sender, tls=bool(context)):
                answer = self.send_lines(context, tokens[sender])
                allowed = sender in ALLOWED["write"]
                self.assertTrue(answer.startswith("+OK" if allowed else "-ERR"), answer)
        self.assertNotIn("tocsin_", self.log())

    def test_tokens_allow_what_their_scopes_name_on_plain_ports(self):
        self.create_database()
        tokens = self.make_tokens()
        self.start()
        self.check_matrix(None, tokens)

    def test_tokens_allow_what_their_scopes_name_with_tls(self):
        self.create_database()
        tokens = self.make_tokens()
        certificate = make_certificate(self.folder, "server")
        self.start(certificate)
        self.assertTrue(self.url.startswith("https://"))
        self.check_matrix(ssl.create_default_context(cafile=certificate[0]), tokens)
        with self.assertRaises(urllib.error.URLError):  # not signed by anybody who is trusted
            self.ask(ssl.create_default_context(), tokens["admin"], "GET", "/ping")
        # Clients of tocsin, and clients that do not speak TLS.
        answer = run("query", "--url", self.url, "--ca-file", certificate[0], "--token", tokens["read"], "from a")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.url = self.url.replace("https://", "http://")
        status, _, body = self.ask(None, tokens["admin"], "GET", "/ping")
        self.assertEqual((status, b"https://" in body), (400, True))
        self.assertIn("-ERR this port expects TLS", self.send_lines(None, tokens["write"]))

    def test_syslog_needs_tls_if_the_other_ports_do(self):
        self.create_database()
        tokens = self.make_tokens()
        certificate = make_certificate(self.folder, "server")
        self.start(certificate)
        context = ssl.create_default_context(cafile=certificate[0])
        for number, text in enumerate((b"<13>1 - h plain - - - first\n", b"<13>1 - h tls - - - second\n")):
            with socket.create_connection(("127.0.0.1", self.syslog), timeout=30) as plain:
                client = context.wrap_socket(plain, server_hostname="localhost") if number else plain
                client.sendall(text)
                (client.unwrap() if number else plain).close()
        ask = ["query", "--url", self.url, "--ca-file", certificate[0], "--token", tokens["read"], "--format", "csv",
               "from syslog | keep service, message"]
        wait_for("the message", lambda: run(*ask).stdout.count("\n") == 2)
        self.assertIn("tls,second", run(*ask).stdout)

    def test_an_expired_certificate_lets_nobody_in(self):
        self.create_database()
        tokens = self.make_tokens()
        certificate = make_certificate(self.folder, "old", days=-1)
        self.start(certificate)
        self.assertIn("has expired", self.log())
        context = ssl.create_default_context(cafile=certificate[0])
        for sender in SENDERS:
            with self.subTest(sender=sender):
                with self.assertRaises(urllib.error.URLError):
                    self.ask(context, tokens[sender], "GET", "/ping")
                with self.assertRaises(ssl.SSLError):
                    self.send_lines(context, tokens[sender])

    def test_client_certificates_are_demanded(self):
        self.create_database()
        tokens = self.make_tokens()
        server, client = make_certificate(self.folder, "server"), make_certificate(self.folder, "client")
        other, old = make_certificate(self.folder, "other"), make_certificate(self.folder, "old", days=-1)
        with open(self.path("clients.pem"), "w", encoding="utf-8") as out:
            for path, _ in (client, old):
                with open(path, encoding="utf-8") as part:
                    out.write(part.read())
        self.start(server, self.path("clients.pem"))

        def context(pair):
            made = ssl.create_default_context(cafile=server[0])
            if pair:
                made.load_cert_chain(*pair)
            return made

        for name, pair in (("none", None), ("other", other), ("expired", old)):
            with self.subTest(name), self.assertRaises(OSError):
                self.ask(context(pair), tokens["admin"], "GET", "/ping")
        self.assertEqual(self.ask(context(client), tokens["admin"], "GET", "/metrics")[0], 200)
        self.assertEqual(self.ask(context(client), None, "GET", "/metrics")[0], 401)
        # On the line port, the certificate is enough.
        self.assertTrue(self.send_lines(context(client), None).startswith("+OK"))
        answer = run("query", "--url", self.url, "--ca-file", server[0], "--certificate", client[0], "--key", client[1],
                     "--token", tokens["read"], "from a")
        self.assertEqual(answer.returncode, 0, answer.stderr)

    def test_a_reload_reads_the_certificate_again(self):
        self.create_database()
        tokens = self.make_tokens()
        first, second = make_certificate(self.folder, "first"), make_certificate(self.folder, "second")
        for old, new in zip(first, (self.path("c.pem"), self.path("k.pem"))):
            os.link(old, new)
        self.start((self.path("c.pem"), self.path("k.pem")))
        old, new = (ssl.create_default_context(cafile=pair[0]) for pair in (first, second))
        self.assertEqual(self.ask(old, None, "GET", "/ping")[0], 204)

        def replace(name, text):
            with open(self.path("next"), "w", encoding="utf-8") as out:
                out.write(text)
            os.replace(self.path("next"), self.path(name))

        replace("c.pem", "broken")
        status, _, body = self.ask(old, tokens["admin"], "POST", "/-/reload", "")
        self.assertEqual((status, b"certificate" in body), (400, True), body)
        self.assertEqual(self.ask(old, None, "GET", "/ping")[0], 204)
        for name, path in zip(("c.pem", "k.pem"), second):
            with open(path, encoding="utf-8") as file:
                replace(name, file.read())
        self.assertEqual(self.ask(old, tokens["admin"], "POST", "/-/reload", "")[0], 200)
        self.assertEqual(self.ask(new, None, "GET", "/ping")[0], 204)
        with self.assertRaises(urllib.error.URLError):
            self.ask(old, None, "GET", "/ping")

    def test_a_token_is_created_and_revoked_while_the_server_runs(self):
        self.start()
        admin = run("token", "create", "root", "--scope", "admin", "--url", self.url).stdout.strip()
        self.assertTrue(admin.startswith("tocsin_"))
        self.assertEqual(run("token", "create", "b", "--scope", "read", "--url", self.url).returncode, 1)
        made = run("token", "create", "b", "--scope", "read", "--url", self.url, "--token", admin)
        self.assertEqual(self.ask(None, made.stdout.strip(), "GET", "/metrics")[0], 200)
        self.assertIn("b ", run("token", "list", "--url", self.url, "--token", admin).stdout)
        self.assertEqual(run("token", "revoke", "b", "--url", self.url, "--token", admin).returncode, 0)
        self.assertEqual(self.ask(None, made.stdout.strip(), "GET", "/metrics")[0], 401)


if __name__ == "__main__":
    unittest.main()
