#include "net/deliver/queue.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

constexpr Timestamp kNow = 1'000 * kDay;
constexpr DeliveryTime kMoment{kNow, 5 * kMinute};

OutboxEntry entry(uint64_t sequence, const std::string& fingerprint, Timestamp written_at = kNow) {
  OutboxEntry e;
  e.key = outbox_key("hook", sequence);
  e.event.fingerprint = fingerprint;
  e.event.rule = "R";
  e.event.written_at = written_at;
  return e;
}

DeliveryAnswer status(int64_t http_status) {
  DeliveryAnswer answer;
  answer.http_status = http_status;
  if (http_status >= 300) answer.error = "no";
  return answer;
}

std::string fingerprints(const std::vector<AlertEvent>& alerts) {
  std::string out;
  for (const AlertEvent& alert : alerts) out += alert.fingerprint;
  return out;
}

std::string fingerprints(const std::vector<DeliveryOutcome>& outcomes) {
  std::string out;
  for (const DeliveryOutcome& o : outcomes)
    out += (o.delivered ? "+" : "-") + o.entry.event.fingerprint;
  return out;
}

}  // namespace

TEST_CASE("delivery: which answers are final", "[net]") {
  const auto check = [](int64_t code, DeliveryVerdict expected) {
    CHECK(verdict_of(status(code)) == expected);
  };
  for (const int64_t code : {200, 202, 204, 299}) check(code, DeliveryVerdict::kDelivered);
  for (const int64_t code : {400, 401, 403, 404, 410, 413, 422})
    check(code, DeliveryVerdict::kRefused);
  for (const int64_t code : {0, 301, 307, 408, 425, 429, 500, 502, 503})
    check(code, DeliveryVerdict::kRetry);
}

TEST_CASE("delivery: waiting alerts are grouped, in order, up to a limit", "[net]") {
  DeliveryQueue queue({.group_max = 2}, 1);
  queue.load({entry(1, "a"), entry(2, "b"), entry(3, "c")});
  CHECK(fingerprints(queue.group()) == "ab");
  const auto outcomes = queue.answer(status(200), kMoment);
  CHECK(fingerprints(outcomes) == "+a+b");
  CHECK(outcomes[0].attempts == 1);
  queue.forget(outcomes);
  CHECK(fingerprints(queue.group()) == "c");
}

TEST_CASE("delivery: two states of one alert are two requests", "[net]") {
  DeliveryQueue queue({}, 1);
  queue.load({entry(1, "a"), entry(2, "b"), entry(3, "a"), entry(4, "c")});
  CHECK(fingerprints(queue.group()) == "ab");
  queue.forget(queue.answer(status(200), kMoment));
  CHECK(fingerprints(queue.group()) == "ac");
}

TEST_CASE("delivery: a retry is the same request, even if new alerts arrived", "[net]") {
  DeliveryQueue queue({}, 1);
  queue.load({entry(1, "a")});
  CHECK(fingerprints(queue.group()) == "a");
  CHECK(queue.answer(status(500), kMoment).empty());
  queue.load({entry(1, "a"), entry(2, "b")});
  CHECK(fingerprints(queue.group()) == "a");
  const auto outcomes = queue.answer(status(200), kMoment);
  CHECK(outcomes.at(0).attempts == 2);
  queue.forget(outcomes);
  CHECK(fingerprints(queue.group()) == "b");
  CHECK(queue.attempts() == 0);
}

TEST_CASE("delivery: the back-off doubles up to its limit, and half of it is random", "[net]") {
  DeliveryQueue queue({.backoff_min = kSecond, .backoff_max = 10 * kSecond}, 7);
  queue.load({entry(1, "a")});
  Duration expected = kSecond;
  for (int attempt = 1; attempt <= 8; ++attempt) {
    queue.group();
    queue.answer(status(0), kMoment);
    const Duration wait = queue.next_attempt() - kMoment.running;
    CHECK(wait >= expected / 2);
    CHECK(wait <= expected);
    expected = std::min(2 * expected, 10 * kSecond);
  }
}

TEST_CASE("delivery: a receiver may ask for more time, within the limit", "[net]") {
  DeliveryQueue queue({.backoff_min = kSecond, .backoff_max = kMinute}, 7);
  queue.load({entry(1, "a")});
  queue.group();
  DeliveryAnswer answer = status(429);
  answer.retry_after = 30 * kSecond;
  queue.answer(answer, kMoment);
  CHECK(queue.next_attempt() == kMoment.running + 30 * kSecond);
  queue.group();
  answer.retry_after = kDay;
  queue.answer(answer, kMoment);
  CHECK(queue.next_attempt() == kMoment.running + kMinute);
}

TEST_CASE("delivery: a refusal is final", "[net]") {
  DeliveryQueue queue({}, 1);
  queue.load({entry(1, "a"), entry(2, "a")});
  queue.group();
  const auto outcomes = queue.answer(status(400), kMoment);
  REQUIRE(fingerprints(outcomes) == "-a");
  CHECK(outcomes[0].http_status == 400);
  CHECK(outcomes[0].error == "no");
  queue.forget(outcomes);
  CHECK(queue.size() == 1);
}

TEST_CASE("delivery: a refused group is sent one by one, then in groups again", "[net]") {
  DeliveryQueue queue({.group_max = 3}, 1);
  queue.load({entry(1, "a"), entry(2, "b"), entry(3, "c"), entry(4, "d"), entry(5, "e")});
  CHECK(fingerprints(queue.group()) == "abc");
  CHECK(queue.answer(status(400), kMoment).empty());
  std::string sent;
  for (int i = 0; i < 3; ++i) {
    const auto alerts = queue.group();
    REQUIRE(alerts.size() == 1);
    const auto outcomes = queue.answer(status(alerts[0].fingerprint == "b" ? 400 : 200), kMoment);
    sent += fingerprints(outcomes);
    queue.forget(outcomes);
  }
  CHECK(sent == "+a-b+c");
  CHECK(fingerprints(queue.group()) == "de");
}

TEST_CASE("delivery: old alerts are given up after one more attempt", "[net]") {
  DeliveryQueue queue({.give_up_after = kHour}, 1);
  queue.load({entry(1, "a", kNow - 2 * kHour), entry(2, "b", kNow)});
  CHECK(fingerprints(queue.group()) == "ab");
  const auto outcomes = queue.answer(status(503), kMoment);
  REQUIRE(fingerprints(outcomes) == "-a");
  CHECK(outcomes[0].error == "given up after 1h: no");
  queue.forget(outcomes);
  CHECK(fingerprints(queue.group()) == "b");
  CHECK(queue.attempts() == 1);
}

TEST_CASE("delivery: old alerts after the group are given up, too", "[net]") {
  DeliveryQueue queue({.group_max = 2, .give_up_after = kHour}, 1);
  const Timestamp old = kNow - 2 * kHour;
  queue.load(
      {entry(1, "a", old), entry(2, "b"), entry(3, "c", old), entry(4, "d"), entry(5, "e", old)});
  CHECK(fingerprints(queue.group()) == "ab");
  const auto outcomes = queue.answer(status(503), kMoment);
  REQUIRE(fingerprints(outcomes) == "-a-c-e");
  CHECK(outcomes[0].attempts == 1);
  CHECK(outcomes[0].http_status == 503);
  CHECK(outcomes[1].attempts == 0);
  CHECK(outcomes[1].http_status == 0);
  CHECK(outcomes[1].error == "given up after 1h: no");
  queue.forget(outcomes);
  CHECK(queue.attempts() == 1);
  CHECK(fingerprints(queue.group()) == "bd");
}

TEST_CASE("delivery: a group is kept when only other alerts are given up", "[net]") {
  DeliveryQueue queue({.group_max = 1, .give_up_after = kHour}, 1);
  queue.load({entry(1, "a"), entry(2, "b", kNow - 2 * kHour), entry(3, "c")});
  CHECK(fingerprints(queue.group()) == "a");
  queue.forget(queue.answer(status(0), kMoment));
  CHECK(queue.size() == 2);
  CHECK(fingerprints(queue.group()) == "a");
  CHECK(queue.answer(status(200), kMoment).at(0).attempts == 2);
}

TEST_CASE("delivery: only the alerts of a refused group are sent one by one", "[net]") {
  DeliveryQueue queue({.group_max = 2, .give_up_after = kHour}, 1);
  const Timestamp old = kNow - 2 * kHour;
  queue.load({entry(1, "a"), entry(2, "b"), entry(3, "c", old), entry(4, "d", old), entry(5, "e"),
              entry(6, "f")});
  CHECK(fingerprints(queue.group()) == "ab");
  CHECK(queue.answer(status(400), kMoment).empty());
  CHECK(fingerprints(queue.group()) == "a");
  const auto outcomes = queue.answer(status(503), kMoment);
  CHECK(fingerprints(outcomes) == "-c-d");
  queue.forget(outcomes);
  for (const char* next : {"a", "b"}) {
    CHECK(fingerprints(queue.group()) == next);
    queue.forget(queue.answer(status(200), kMoment));
  }
  CHECK(fingerprints(queue.group()) == "ef");
}

TEST_CASE("delivery: alerts are given up by the believed time alone", "[net]") {
  DeliveryQueue queue(DeliveryPolicy{}, 1);
  queue.load({entry(1, "a")});
  queue.group();
  // The clock is a year ahead, and the process has been running for as long.
  CHECK(queue.answer(status(503), {kNow + kHour, 365 * kDay}).empty());
  // The alert was written while the clock was ahead.
  queue.group();
  CHECK(queue.answer(status(503), {kNow - 365 * kDay, 365 * kDay}).empty());
  queue.group();
  CHECK(fingerprints(queue.answer(status(503), {kNow + 3 * kDay, 365 * kDay})) == "-a");
}

TEST_CASE("delivery: an answer about removed entries changes nothing", "[net]") {
  DeliveryQueue queue({}, 1);
  queue.load({entry(1, "a")});
  queue.group();
  queue.load({});
  CHECK(queue.answer(status(200), kMoment).empty());
  CHECK(queue.empty());
}
