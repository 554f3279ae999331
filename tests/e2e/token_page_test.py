#!/usr/bin/env python3
"""The page of a server that demands tokens, in a real browser: the dialog that asks for one.

Skipped with exit code 77 if Chromium is not installed. With TOCSIN_SCREENSHOTS=FOLDER, steps are saved as pictures.
"""
import json
import os
import sys
import unittest

import browser
from support import Case, run

SKIPPED = 77
DIALOG = "document.querySelector('#token-dialog').open"
REASON = "document.querySelector('#token-reason').innerText"
STATUS = "document.querySelector('#status').className"
ASK = "document.querySelector('#token-ask').checkVisibility()"


class TokenPageTest(Case):
    def setUp(self):
        super().setUp()
        self.write("a.lp", "a v=1 1700000000000000000\n")
        self.assertEqual(run("import", "--db", self.path("data"), self.path("a.lp")).returncode, 0)
        self.token, self.write_token = self.create("read"), self.create("write")
        self.server = self.serve("listen: {tokens: on}\n")
        self.page = browser.Browser(self.server.url + "/")
        self.addCleanup(self.page.close)

    def create(self, scope):
        made = run("token", "create", scope, "--scope", scope, "--db", self.path("data"))
        self.assertEqual(made.returncode, 0, made.stderr)
        return made.stdout.strip()

    def picture(self, name):
        if folder := os.environ.get("TOCSIN_SCREENSHOTS"):
            self.page.screenshot(os.path.join(folder, name + ".png"))

    def answer(self, token):
        self.page.evaluate(f"document.querySelector('#token').value = {json.dumps(token)}")
        self.page.click("#token-dialog [value=use]")

    def test_a_wrong_token_is_asked_for_again_and_a_right_one_works(self):
        self.page.wait_for(DIALOG)
        self.assertEqual(self.page.evaluate(REASON), "this needs a token")
        self.picture("token")
        self.answer("tocsin_wrong")
        self.page.wait_for(f"{DIALOG} && {REASON}.includes('unknown')")
        self.answer(self.write_token)
        self.page.wait_for(f"{DIALOG} && {REASON}.includes('needs the scope read')")
        self.answer(self.token)
        self.page.wait_for(f"{STATUS} == 'status good'")
        self.assertFalse(self.page.evaluate(DIALOG))
        self.assertFalse(self.page.evaluate(ASK))
        self.page.evaluate("window.is_old = true, location.reload()")
        self.page.wait_for(f"!window.is_old && document.querySelector('#status') && {STATUS} == 'status good'")
        self.assertFalse(self.page.evaluate(DIALOG))
        self.assertNotIn(self.token, self.page.evaluate("document.documentElement.outerHTML"))
        self.assertNotIn(self.token, self.server.log())

    def test_a_button_asks_again_after_cancel(self):
        self.page.wait_for(DIALOG)
        self.page.click("#token-dialog [value=cancel]")
        self.page.wait_for(f"!{DIALOG} && {ASK} && {STATUS} == 'status bad'")
        self.picture("token_cancelled")
        self.page.click("#token-ask")
        self.page.wait_for(DIALOG)
        self.answer(self.token)
        self.page.wait_for(f"{STATUS} == 'status good' && !{ASK}")


if __name__ == "__main__":
    if not browser.is_installed():
        print("SKIPPED: chromium is not installed; `tools/setup --all` installs it; nothing was tested")
        sys.exit(SKIPPED)
    unittest.main()
