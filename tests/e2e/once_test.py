#!/usr/bin/env python3
"""HTTP requests with an Idempotency-Key: each row once, also after kill -9."""
import random
import threading
import time
import unittest
import urllib.request

from support import PATIENCE, Case, opener

ROUNDS = 8


class OnceTest(Case):
    def post(self, server, path, body, key):
        """Status, and whether the request was a repeat; None without an answer."""
        request = urllib.request.Request(server.url + path, data=body.encode(), method="POST",
                                         headers={"Idempotency-Key": key})
        try:
            with opener.open(request, timeout=PATIENCE) as response:
                return response.status, response.headers.get("X-Tocsin-Duplicate") == "true"
        except OSError:
            return None

    def test_a_batch_is_stored_once_over_kills(self):
        seed = random.randrange(1 << 30)
        choice = random.Random(seed)
        for number in range(ROUNDS):
            with self.subTest(seed=seed, number=number):
                server = self.serve()
                body = "".join(f"m,round={number} f={i}i {1_700_000_000_000_000_000 + i}\n" for i in range(20_000))
                answers = []
                sender = threading.Thread(
                    target=lambda: answers.append(self.post(server, "/write", body, f"batch-{number}")))
                sender.start()
                time.sleep(choice.random() * 0.1)
                server.kill()
                sender.join()
                server = self.serve()
                status, repeat = self.post(server, "/write", body, f"batch-{number}")
                self.assertEqual(status, 204)
                if answers[0] is not None:
                    self.assertTrue(repeat)
                self.assertEqual(self.post(server, "/write", body, f"batch-{number}"), (204, True))
                self.assertEqual(server.value(f'from m | where round == "{number}" | stats n = count()'), 20_000)
                server.kill()


if __name__ == "__main__":
    unittest.main()
