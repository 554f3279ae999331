#include "net/deliver/receiver.h"

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "db/base/binary_text.h"
#include "net/deliver/alert_text.h"
#include "net/deliver/command_runner.h"
#include "tests/net/support.h"

using namespace tocsin;

namespace {

constexpr Timestamp kReceivedAt = 1'764'072'000 * kSecond;  // 2025-11-25T12:00:00Z

AlertEvent failing(const std::string& service, Severity severity = Severity::kHigh,
                   AlertState state = AlertState::kFiring) {
  AlertEvent e;
  e.rule = "Failures";
  e.type = "FAILURES";
  e.severity = severity;
  e.state = state;
  e.service = service;
  e.summary = service + ": \"50 %\" <failed> & slow";
  e.fingerprint = "fp-" + service;
  e.labels = {{"service", service}};
  e.started_at = e.time = e.written_at = kReceivedAt - kHour;
  return e;
}

ForwarderOptions options_of(const std::string& type) {
  ForwarderOptions options;
  options.name = "hook";
  options.type = type;
  options.url = "https://example.org/services/T0/very-secret";
  return options;
}

const ReceiverContext kContext{{"hook", "http://tocsin/"}, kReceivedAt};

DeliveryRequest request_for(const ForwarderOptions& options,
                            const std::vector<AlertEvent>& alerts) {
  const auto receiver = make_receiver(options);
  if (!receiver) FAIL(receiver.error().message);
  return (*receiver)->request(kContext, alerts);
}

HttpPost post_for(const ForwarderOptions& options, const std::vector<AlertEvent>& alerts) {
  return std::get<HttpPost>(request_for(options, alerts));
}

std::string header_of(const HttpPost& post, const std::string& name) {
  for (const std::string& header : post.headers) {
    if (header.starts_with(name + ": ")) return header.substr(name.size() + 2);
  }
  return "";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string error_of(const ForwarderOptions& options) {
  const auto made = make_receiver(options);
  return made ? "" : made.error().message;
}

}  // namespace

TEST_CASE("receiver: a webhook's template is filled, and checked when it is loaded", "[net]") {
  ForwarderOptions options = options_of("webhook");
  options.body_template =
      R"({"t": "{{ title }}", "s": "{{severity}} {{ labels.service }}{{ labels.none }}",)"
      R"( "n": "{{ count }}", "all": "{{ alerts }}", "x": "}} {{ status }}"})";
  const std::string body = post_for(options, {failing("pay"), failing("web")}).body;
  CHECK(
      body.starts_with(R"({"t": "2 FIRING, HIGH: Failures", "s": "HIGH pay", "n": 2, "all": [{)"));
  CHECK(body.ends_with(R"(}], "x": "}} firing"})"));
  options.body_template = R"({"t": "{{ titel }}"})";
  CHECK(has(error_of(options), "unknown name `titel`"));
  options.body_template = R"({"t": {{ title }}})";
  CHECK(has(error_of(options), "inside strings"));
  options.body_template = R"({"t": "{{ title"})";
  CHECK(error_of(options).empty());  // text as it is
}

TEST_CASE("receiver: a webhook with a secret is signed", "[net]") {
  ForwarderOptions options = options_of("webhook");
  CHECK(header_of(post_for(options, {failing("pay")}), "X-Tocsin-Signature").empty());
  options.secret = "hush hush";
  const HttpPost post = post_for(options, {failing("pay")});
  CHECK(header_of(post, "X-Tocsin-Timestamp") == "1764072000");
  // RFC 2104 by hand: H((key ^ opad) || H((key ^ ipad) || message)).
  const auto sha256 = [](const std::string& text) {
    std::string out(32, '\0');
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), &size,
               EVP_sha256(), nullptr);
    return out;
  };
  std::string inner(64, '\x36'), outer(64, '\x5c');
  for (size_t i = 0; i < options.secret.size(); ++i) {
    inner[i] = static_cast<char>(inner[i] ^ options.secret[i]);
    outer[i] = static_cast<char>(outer[i] ^ options.secret[i]);
  }
  CHECK(header_of(post, "X-Tocsin-Signature") ==
        "sha256=" + hex_text(sha256(outer + sha256(inner + "1764072000." + post.body))));
}

TEST_CASE("receiver: Alertmanager hears until when an alert fires, and when it ended", "[net]") {
  ForwarderOptions options = options_of("alertmanager");
  options.url = "http://am:9093/";
  const HttpPost post =
      post_for(options, {failing("pay"), failing("web", Severity::kLow, AlertState::kResolved)});
  CHECK(post.url == "http://am:9093/api/v2/alerts");
  CHECK(has(post.body, R"("startsAt":"2025-11-25T11:00:00Z","endsAt":"2025-11-25T12:05:00Z")"));
  CHECK(has(post.body, R"("startsAt":"2025-11-25T11:00:00Z","endsAt":"2025-11-25T11:00:00Z")"));
  options.url = "http://am:9093/am/api/v2/alerts";
  CHECK(post_for(options, {failing("pay")}).url == options.url);
  CHECK(make_receiver(options).value()->needs_repeats());
}

TEST_CASE("receiver: Slack shows texts as they are", "[net]") {
  const HttpPost post = post_for(options_of("slack"), {failing("pay")});
  CHECK(has(post.body, R"("color":"danger")"));
  CHECK(has(post.body, R"(pay: \"50 %\" &lt;failed&gt; &amp; slow)"));
  CHECK(has(post.body, R"("title_link":"http://tocsin/")"));
  const HttpPost over =
      post_for(options_of("slack"), {failing("pay", Severity::kHigh, AlertState::kResolved)});
  CHECK(has(over.body, R"("color":"good")"));
}

TEST_CASE("receiver: PagerDuty triggers and resolves with the same key", "[net]") {
  ForwarderOptions options = options_of("pagerduty");
  CHECK(has(error_of(options), "routing_key"));
  options.key = "R0UTING";
  options.url = "";
  CHECK(make_receiver(options).value()->alerts_max() == 1);
  const HttpPost post = post_for(options, {failing("pay")});
  CHECK(post.url == "https://events.pagerduty.com/v2/enqueue");
  CHECK(
      has(post.body, R"({"routing_key":"R0UTING","event_action":"trigger","dedup_key":"fp-pay",)"));
  CHECK(has(post.body, R"("severity":"error")"));
  const HttpPost end = post_for(options, {failing("pay", Severity::kHigh, AlertState::kResolved)});
  CHECK(end.body == R"({"routing_key":"R0UTING","event_action":"resolve","dedup_key":"fp-pay"})");
}

TEST_CASE("receiver: Opsgenie creates and closes by the same alias", "[net]") {
  ForwarderOptions options = options_of("opsgenie");
  CHECK(has(error_of(options), "api_key"));
  options.key = "K3Y";
  options.url = "https://api.eu.opsgenie.com/";
  const HttpPost post = post_for(options, {failing("pay", Severity::kCritical)});
  CHECK(post.url == "https://api.eu.opsgenie.com/v2/alerts");
  CHECK(header_of(post, "Authorization") == "GenieKey K3Y");
  CHECK(has(post.body, R"("alias":"fp-pay")"));
  CHECK(has(post.body, R"("priority":"P1")"));
  const HttpPost end = post_for(options, {failing("pay", Severity::kHigh, AlertState::kResolved)});
  CHECK(end.url == "https://api.eu.opsgenie.com/v2/alerts/fp-pay/close?identifierType=alias");
}

TEST_CASE("receiver: Teams and Discord have shipped templates", "[net]") {
  const HttpPost teams = post_for(options_of("teams"), {failing("pay")});
  CHECK(has(teams.body, R"("type": "AdaptiveCard")"));
  CHECK(has(teams.body, R"("text": "FIRING HIGH: Failures: pay: \"50 %\" <failed> & slow")"));
  const HttpPost discord = post_for(options_of("discord"), {failing("pay")});
  CHECK(has(discord.body, R"("allowed_mentions": {"parse": []})"));
  CHECK(has(discord.body, R"("color": 15094016)"));
}

TEST_CASE("receiver: an e-mail has text and HTML", "[net]") {
  ForwarderOptions options = options_of("email");
  options.url = "mail.example.org:587";
  options.from = "tocsin@example.org";
  CHECK(has(error_of(options), "`to`"));
  options.to = {"ada@example.org\r\nBcc: x@y"};
  CHECK(has(error_of(options), "not an address"));
  options.to = {"ada@example.org", "bob@example.org"};
  const auto mail = std::get<MailMessage>(request_for(options, {failing("pay")}));
  CHECK(mail.url == "smtp://mail.example.org:587");
  CHECK(mail.starttls);
  CHECK(has(mail.text, "To: ada@example.org, bob@example.org\r\n"));
  CHECK(has(mail.text, "Date: Tue, 25 Nov 2025 12:00:00 +0000\r\n"));
  CHECK(has(mail.text,
            "Subject: =?UTF-8?B?RklSSU5HIEhJR0g6IEZhaWx1cmVzOiBwYXk6ICI1MCAlIiA8ZmFpbGVk"));
  for (size_t at = 0; at < mail.text.size();) {
    const size_t end = mail.text.find("\r\n", at);
    REQUIRE(end != std::string::npos);
    CHECK(end - at <= 998);
    CHECK(mail.text.substr(at, end - at).find('\n') == std::string::npos);
    at = end + 2;
  }
  options.tls = "tls";
  CHECK(std::get<MailMessage>(request_for(options, {failing("pay")})).url ==
        "smtps://mail.example.org:587");
}

TEST_CASE("receiver: a storm is a few lines and a number", "[net]") {
  std::vector<AlertEvent> alerts;
  for (int i = 0; i < 500; ++i) alerts.push_back(failing("s" + std::to_string(i), Severity::kLow));
  alerts.push_back(failing("worst", Severity::kCritical));
  alerts.push_back(failing("over", Severity::kCritical, AlertState::kResolved));
  const AlertText text = text_of(alerts);
  CHECK(text.title == "501 FIRING, 1 RESOLVED, CRITICAL: Failures");
  CHECK(has(text.lines.front(), "worst"));
  CHECK(text.lines.size() == kTextAlertsMax);
  CHECK(text.body().ends_with("... and 492 more"));
}

TEST_CASE("receiver: secrets are masked in errors", "[net]") {
  ForwarderOptions options = options_of("slack");
  options.headers = {{"Authorization", "Bearer abcdef"}, {"Content-Type", "application/json"}};
  options.password = "pass word";
  CHECK(
      without_secrets("404 for services/T0/very-secret, Bearer abcdef, pass word, application/json",
                      options) == "404 for ***, ***, ***, application/json");
  options.url = "https://user:pw12@example.org/";
  CHECK(without_secrets("cannot log in as user:pw12", options) == "cannot log in as ***");
}

TEST_CASE("receiver: unknown types are named", "[net]") {
  CHECK(has(error_of(options_of("pager")), "unknown type `pager`; expected one of `webhook`,"));
  CHECK(has(error_of(options_of("command")), "whole path"));
  ForwarderOptions options = options_of("slack");
  options.url = "";
  CHECK(has(error_of(options), "`url` is missing"));
}

TEST_CASE("receiver: a command gets the alerts on its standard input", "[net]") {
  std::signal(SIGPIPE, SIG_IGN);  // as the server does
  test::TestLoop loop;
  const auto run = [&](const std::string& script, Duration timeout = 10 * kSecond) {
    CommandRunner runner(loop.get());
    std::optional<DeliveryAnswer> answer;
    runner.run({{"/bin/sh", "-c", script}, "in\n", timeout},
               [&](const DeliveryAnswer& done) { answer = done; });
    loop.run_until([&] { return answer.has_value(); });
    return *answer;
  };
  CHECK(verdict_of(run("read x; test \"$x\" = in")) == DeliveryVerdict::kDelivered);
  CHECK(verdict_of(run("exit 0")) == DeliveryVerdict::kDelivered);  // without reading
  const DeliveryAnswer failed = run("echo no such room >&2; exit 3");
  CHECK(verdict_of(failed) == DeliveryVerdict::kRetry);
  CHECK(failed.error == "the command exited with 3: no such room");
  const DeliveryAnswer slow = run("sleep 60 & sleep 60", 100 * kMillisecond);
  CHECK(slow.error == "the command did not end within 100ms");
  CHECK(has(run("yes no >&2 & kill $$; sleep 9").error, "signal 15"));
  CommandRunner runner(loop.get());
  std::optional<DeliveryAnswer> answer;
  runner.run({{"/nowhere/program"}, "", kSecond},
             [&](const DeliveryAnswer& done) { answer = done; });
  loop.run_until([&] { return answer.has_value(); });
  CHECK(has(answer->error, "cannot run /nowhere/program: no such file"));
}
