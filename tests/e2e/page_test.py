#!/usr/bin/env python3
"""The query box of the web page in a real browser: its buttons are clicked with the mouse.

Skipped with exit code 77 if Chromium is not installed. With TOCSIN_SCREENSHOTS=FOLDER, each step is saved as a picture.
"""
import json
import os
import sys
import tempfile
import time
import unittest

import browser
import support

SKIPPED = 77
START = 1730678400  # 2024-11-04T00:00:00Z: in the past for every clock
ROWS = 20_000

RUN = "#query-form button[type=submit]"
STOP = "#query-stop"
# Long texts in every row: it takes far longer than the click on Stop.
LONG_QUERY = "from ev | let a0 = message, " + ", ".join(f"a{i} = concat(a{i - 1}, a{i - 1})" for i in range(1, 9)) + \
    " | stats " + ", ".join(f'n{i} = count_distinct(length(replace(a8, "request", "{i}")))' for i in range(5))


class PageCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.server = support.Server(folder.name)
        self.addCleanup(self.server.kill)
        lines = (f'ev,service=s{i % 5} message="request number {i} was done" {START + i}' for i in range(ROWS))
        self.assertEqual(self.server.post("/write?precision=s", "\n".join(lines))[0], 204)
        self.page = browser.Browser(self.server.url + "/")
        self.addCleanup(self.page.close)
        # What the first answers show moves the rest of the page.
        self.page.wait_for("document.querySelector('#status').classList.contains('good')")

    def start(self, query):
        self.page.evaluate(f"document.querySelector('#query-text').value = {json.dumps(query)}")
        self.page.click(RUN)

    def wait_for_end(self):
        self.page.wait_for(f"document.querySelector('{STOP}').disabled")

    def text_of(self, selector):
        return self.page.evaluate(f"document.querySelector('{selector}').innerText")

    def is_shown(self, selector):
        return self.page.evaluate(f"document.querySelector('{selector}').checkVisibility()")

    def picture(self, name):
        if folder := os.environ.get("TOCSIN_SCREENSHOTS"):
            self.page.screenshot(os.path.join(folder, name + ".png"))

    def queries_running(self):
        return "\ntocsin_queries_running 0\n" not in self.server.get("/metrics")[1]


class RunAndStop(PageCase):
    def test_a_query_is_run_stopped_and_run_again(self):
        self.assertTrue(self.page.evaluate(f"document.querySelector('{STOP}').disabled"))
        self.start("from ev | stats n = count() by service | sort service")
        self.page.wait_for("document.querySelector('#query-note').innerText.startsWith('5 rows')")
        self.assertIn("s4\t4000", self.text_of("#query-result"))
        self.picture("result")

        self.start(LONG_QUERY)
        self.page.wait_for(f"!document.querySelector('{STOP}').disabled")
        self.assertEqual(self.text_of("#query-note"), "running")
        self.picture("running")
        self.page.click(STOP)
        self.wait_for_end()
        self.assertRegex(self.text_of("#query-note"), r"^stopped after [\d,.]+ ms$")
        self.assertFalse(self.is_shown("#query-error"))
        self.assertFalse(self.is_shown("#query-result"))
        self.picture("stopped")
        support.wait_for("the query to stop on the server", lambda: not self.queries_running())

        self.start("from ev | stats n = count()")
        self.page.wait_for("document.querySelector('#query-note').innerText.startsWith('1 row ')")
        self.assertIn("20000", self.text_of("#query-result"))
        self.assertEqual(self.page.problems, [])

    def test_an_error_is_shown_until_the_next_query_starts(self):
        self.start("from ev | stats n = counts()")
        self.page.wait_for("document.querySelector('#query-error').checkVisibility()")
        self.wait_for_end()
        self.assertIn("counts", self.text_of("#query-error"))
        self.picture("error")
        self.start(LONG_QUERY)
        self.page.wait_for(f"!document.querySelector('{STOP}').disabled")
        self.assertFalse(self.is_shown("#query-error"))
        self.page.click(STOP)
        self.wait_for_end()


RULES = """
groups:
  - name: g
    interval: 1m
    rules:
      - alert: ManyRequests
        expr: from web last 1m | stats n = count() by service | where n > 3
        value: n
        severity: HIGH
        annotations: {summary: "{{ service }}: {{ n }} requests"}
"""


class QueryBox(PageCase):
    def test_a_key_leads_to_it_and_suggestions_complete_it(self):
        self.page.evaluate("document.querySelector('#query-text').value = ''")
        self.page.type("/")
        self.assertEqual(self.page.evaluate("document.activeElement.id"), "query-text")
        self.page.type("from ev | sta")
        self.page.wait_for("document.querySelector('#query-suggestions').innerText.includes('stats')")
        self.picture("suggestions")
        self.page.press("Tab")
        self.assertTrue(self.page.evaluate("document.querySelector('#query-text').value").startswith("from ev | stats"))
        self.assertFalse(self.is_shown("#query-suggestions"))
        self.assertEqual(self.page.problems, [])

    def test_suggestions_are_chosen_with_the_arrow_keys(self):
        self.page.evaluate("document.querySelector('#query-text').value = ''")
        self.page.type("/")
        self.page.type("from ev | ")
        self.page.wait_for("document.querySelectorAll('#query-suggestions li').length > 2")
        last = self.page.evaluate("document.querySelectorAll('#query-suggestions li').length") - 1

        def chosen():
            return self.page.evaluate("[...document.querySelectorAll('#query-suggestions li')]"
                                      ".findIndex((item) => item.getAttribute('aria-selected') == 'true')")
        for key, index in (("ArrowUp", last), ("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("ArrowUp", last)):
            self.page.press(key)
            self.assertEqual(chosen(), index)
        self.page.press("Escape")
        self.assertFalse(self.is_shown("#query-suggestions"))
        self.assertEqual(self.page.problems, [])

    def test_earlier_queries_can_be_chosen_again(self):
        self.start("from ev | stats n = count()")
        self.wait_for_end()
        self.page.wait_for("document.querySelector('#query-history').options.length == 2")
        self.page.evaluate("window.is_old = true, location.reload()")
        self.page.wait_for("!window.is_old && document.querySelector('#query-history')?.options.length == 2")
        self.assertEqual(self.page.evaluate("document.querySelector('#query-history').options[1].value"),
                         "from ev | stats n = count()")


class AlertView(unittest.TestCase):
    def test_an_alert_leads_to_its_lines(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        rules = os.path.join(folder.name, "rules.yml")
        with open(rules, "w") as file:
            file.write(RULES)
        database = os.path.join(folder.name, "data")
        start = int(time.time()) // 60 * 60 - 180
        lines = "".join(f'web,service=shop message="request {i}" {start + i}000000000\n' for i in range(5))
        self.assertEqual(support.run("import", "--db", database, "--format", "lp", "-", text=lines).returncode, 0)
        server = support.Server(folder.name, f"rules: {{files: [{rules}], evaluate_from: 5m, delay: 0s}}\n")
        self.addCleanup(server.kill)
        query = 'from alerts last 1h | where summary == "shop: 5 requests" | keep fingerprint'
        support.wait_for("the alert", lambda: server.rows(query))
        fingerprint = server.rows(query)[0]["fingerprint"]
        page = browser.Browser(f"{server.url}/#alert={fingerprint}")
        self.addCleanup(page.close)
        page.wait_for("document.querySelector('#alert-lines')?.innerText.includes('request 4')")
        page.wait_for("document.querySelector('#alert-chart').checkVisibility()")
        text = page.evaluate("document.querySelector('#alert').innerText")
        for part in ("ManyRequests: shop", "shop: 5 requests", "service = shop", "Nothing was sent", "from web last 1m"):
            self.assertIn(part, text)
        if pictures := os.environ.get("TOCSIN_SCREENSHOTS"):
            page.screenshot(os.path.join(pictures, "alert.png"))
        page.click("#alert-body button")
        page.wait_for("document.querySelector('#query-note').innerText.startsWith('5 rows')")
        page.click("#alert-close")
        self.assertFalse(page.evaluate("document.querySelector('#alert').checkVisibility()"))
        self.assertEqual(page.problems, [])


if __name__ == "__main__":
    if not browser.is_installed():
        print("SKIPPED: chromium is not installed; `tools/setup --all` installs it; nothing was tested")
        sys.exit(SKIPPED)
    unittest.main()
