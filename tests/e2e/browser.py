"""A headless Chromium for the end-to-end tests, driven over its debugging pipe: no other package is needed."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PATIENCE = 60  # seconds; only a failing test waits that long


def is_installed():
    return shutil.which("chromium") is not None


class Browser:
    """One page. Each function waits until the browser has answered; errors of the page are exceptions."""

    def __init__(self, url):
        self.profile = tempfile.TemporaryDirectory(prefix="tocsin-browser-", ignore_cleanup_errors=True)
        command_end, self.commands = os.pipe()
        self.answers, answer_end = os.pipe()
        # The browser reads commands from descriptor 3 and writes answers to 4.
        script = f'exec chromium "$@" 3<&{command_end} 4>&{answer_end}'
        self.process = subprocess.Popen(
            ["bash", "-c", script, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--window-size=1300,1000", "--force-prefers-reduced-motion",
             "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}", "about:blank"],
            pass_fds=(command_end, answer_end), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(command_end)
        os.close(answer_end)
        self.pending = b""
        self.number = 0
        self.session = None
        self.problems = []  # what the page wrote to its console as an error
        try:
            page = next(target for target in self.send("Target.getTargets")["targetInfos"] if target["type"] == "page")
            self.session = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log"):
                self.send(f"{domain}.enable")
            self.send("Page.navigate", url=url)
            self.wait_for('document.readyState == "complete"')
        except BaseException:
            self.close()
            raise

    def close(self):
        os.close(self.commands)  # ends the browser
        os.close(self.answers)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.profile.cleanup()

    def send(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def _receive(self):
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.pending:
            ready, _, _ = select.select([self.answers], [], [], max(0, deadline - time.monotonic()))
            data = os.read(self.answers, 1 << 16) if ready else b""
            if not data:
                raise AssertionError("the browser does not answer")
            self.pending += data
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event):
        if event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(event["params"]["exceptionDetails"])
        elif event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.problems.append(event["params"]["entry"])

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression):
        """Returns the first true value of the expression."""
        deadline = time.monotonic() + PATIENCE
        while not (value := self.evaluate(expression)):
            if time.monotonic() > deadline:
                raise AssertionError(f"gave up waiting for {expression}")
            time.sleep(0.02)
        return value

    def _after_a_frame(self, expression):
        promise = f"new Promise((done) => requestAnimationFrame(() => setTimeout(() => done({expression}), 50)))"
        return self.send("Runtime.evaluate", expression=promise, returnByValue=True, awaitPromise=True)["result"]["value"]

    def click(self, selector):
        """Clicks into the middle of an element with the mouse; an element that is covered does not get the click."""
        middle = (f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
                  " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        place = self.evaluate(middle)
        deadline = time.monotonic() + PATIENCE
        while place != (place := self._after_a_frame(middle)):  # the page is still being laid out
            if time.monotonic() > deadline:
                raise AssertionError(f"{selector} does not stay where it is")
        x, y = place
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text):
        """Types into the element that has the focus."""
        for key in text:
            self.send("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
            self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def press(self, key):
        """Presses a key without a text, such as Tab."""
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key)

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.send("Page.captureScreenshot")["data"]))
