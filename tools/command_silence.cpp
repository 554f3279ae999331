// `tocsin silence add|list|expire` and `tocsin alerts ack`, on a running server.
#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/base/json.h"
#include "query/format/result.h"
#include "query/format/result_writer.h"
#include "rules/silence.h"
#include "tools/client/http_client.h"
#include "tools/client/remote_query.h"
#include "tools/command.h"
#include "tools/query_arguments.h"
#include "tools/terminal/output.h"

namespace tocsin {
namespace {

constexpr const char* kSilenceFooter =
    R"(Alerts that match all matchers are stored but not sent. The end of a silence sends what still fires.
Silences in rule files (`silences:`) are listed too; change them in their file. amtool works as well:
  amtool --alertmanager.url http://127.0.0.1:8086 silence query

Examples:
  tocsin silence add service=pay --for 2h --comment 'new disk' --url http://127.0.0.1:8086
  tocsin silence add alertname=~'High.*' severity!=CRITICAL --until 2026-12-01T06:00:00Z --url ...
  tocsin silence add service=backup --schedule '0 2 * * SUN' --for 3h --until 2027-12-31 --url ...
  tocsin silence list --url http://127.0.0.1:8086
  tocsin silence expire 7c0e5d1c-93a6-4a0e-8ff0-3c1a0f6f2d11 --url http://127.0.0.1:8086)";

constexpr const char* kAckFooter =
    R"(Says who looks after an alert that fires. Until it ends, it is shown but not sent again; its end is sent.
If it still fires at --until, it is sent once more. /api/v1/alerts and the column `fingerprint` of `alerts`
have the fingerprint.

Examples:
  tocsin alerts ack 5c2f0b6e8d1a9374 --until 4h --note 'restarting it' --url http://127.0.0.1:8086
  tocsin alerts ack 5c2f0b6e8d1a9374 --by ada --until 2026-12-01T06:00:00Z --url ...)";

struct SilenceArguments {
  std::string url;
  ServerAccess access;
  std::vector<std::string> names;  ///< matchers, or ids
  std::string from, until, length, schedule, zone, owner, comment;
  bool expired = false;
};

struct AckArguments {
  std::string url, fingerprint, by, note, until = "4h";
  ServerAccess access;
};

std::string user_name() {
  const char* name = std::getenv("USER");
  return name == nullptr ? "" : name;
}

// The body of a response without an error.
Result<std::string> body_of(const Result<HttpResponse>& response) {
  if (!response) return tl::unexpected<Error>(response.error());
  if (response->status == 200) return response->body;
  std::string text = response->body.substr(0, response->body.find('\n'));
  if (text.starts_with('{')) text = server_error_text(response->body);
  return fail(ErrorCode::kInvalid,
              text.empty() ? fmt::format("status {}", response->status) : text);
}

// What is between the quotes after the key; ids need no escapes.
std::string id_in(const std::string& body) {
  constexpr std::string_view kKey = R"("silenceID":")";
  const size_t at = body.find(kKey);
  if (at == body.npos) return "";
  const size_t start = at + kKey.size();
  return body.substr(start, body.find('"', start) - start);
}

// A time, or how long after `start`.
Result<Timestamp> time_or_duration(const std::string& text, Timestamp start, const TimeZone& zone,
                                   const char* option) {
  if (const auto length = parse_duration(text)) return start + *length;
  const auto time = parse_time(text, zone);
  if (time) return *time;
  return fail(ErrorCode::kInvalid,
              fmt::format("{}: `{}` is neither a time like 2026-12-01T06:00:00Z nor a duration "
                          "like 2h",
                          option, text));
}

Result<Silence> silence_of(const SilenceArguments& arguments) {
  Silence out;
  for (const std::string& text : arguments.names) {
    TOCSIN_TRY(LabelMatcher matcher, parse_label_matcher(text));
    out.matchers.push_back(std::move(matcher));
  }
  if (!arguments.zone.empty()) {
    TOCSIN_TRY(out.zone, TimeZone::load(arguments.zone));
  }
  out.owner = arguments.owner;
  out.comment = arguments.comment;
  out.from = SystemClock().now();
  if (!arguments.from.empty()) {
    TOCSIN_TRY(out.from, time_or_duration(arguments.from, out.from, out.zone, "--from"));
  }
  if (!arguments.schedule.empty()) {
    TOCSIN_TRY(out.schedule, CronSchedule::parse(arguments.schedule));
    TOCSIN_TRY(out.repeat_for, parse_duration(arguments.length));
  }
  const bool lasts = arguments.until.empty();
  if (lasts && (out.schedule || arguments.length.empty()))
    return fail(ErrorCode::kInvalid,
                "a silence must end: add --until or, without --schedule, --for");
  TOCSIN_TRY(out.until, time_or_duration(lasts ? arguments.length : arguments.until, out.from,
                                         out.zone, lasts ? "--for" : "--until"));
  TOCSIN_RETURN_IF_ERROR(check_silence(out));
  return out;
}

Status add_silence(const SilenceArguments& arguments) {
  TOCSIN_TRY(const Silence silence, silence_of(arguments));
  HttpRequest request;
  request.url = server_address(arguments.url, "/api/v2/silences");
  request.access = arguments.access;
  request.headers = {"Content-Type: application/json"};
  request.body = silence_json(silence, silence.from);
  TOCSIN_TRY(const std::string body, body_of(http_post(request)));
  fmt::print("{}\n", id_in(body));
  return {};
}

std::string when_text(const Silence& silence) {
  const std::string range =
      fmt::format("{} to {}", format_time_short(silence.from / kSecond * kSecond),
                  format_time_short(silence.until / kSecond * kSecond));
  if (!silence.schedule) return range;
  return fmt::format("{} for {} ({}), {}", silence.schedule->text(),
                     format_duration(silence.repeat_for), silence.zone.name(), range);
}

Status list_silences(const SilenceArguments& arguments) {
  HttpRequest request;
  request.url = server_address(arguments.url, "/api/v2/silences");
  request.access = arguments.access;
  TOCSIN_TRY(const std::string body, body_of(http_get(request)));
  TOCSIN_TRY(const std::vector<Silence> silences, parse_silences(body));
  const Timestamp now = SystemClock().now();
  size_t shown = 0, expired = 0;
  for (const Silence& silence : silences) {
    const SilenceState state = state_at(silence, now);
    if (state == SilenceState::kExpired && !arguments.expired) {
      ++expired;
      continue;
    }
    std::vector<std::string> matchers;
    for (const LabelMatcher& matcher : silence.matchers)
      matchers.push_back(format_matcher(matcher));
    ++shown;
    print_message(stdout, fmt::format("{}  {}{}\n  {}\n  {}\n", silence.id, name_of(state),
                                      silence.is_acknowledgement() ? ", acknowledgement" : "",
                                      fmt::join(matchers, " "), when_text(silence)));
    if (!silence.owner.empty() || !silence.comment.empty()) {
      print_message(stdout, fmt::format("  {}: {}\n", silence.owner, silence.comment));
    }
  }
  if (shown == 0)
    fmt::print("no silences{}\n", expired > 0 ? "; --expired shows those that ended" : "");
  return {};
}

Status expire_silences(const SilenceArguments& arguments) {
  for (const std::string& id : arguments.names) {
    HttpRequest request;
    request.url = server_address(arguments.url, "/api/v2/silence/") + id;
    request.access = arguments.access;
    if (const auto done = body_of(http_delete(request)); !done) return fail(done.error(), id);
  }
  return {};
}

Status acknowledge_alert(const AckArguments& arguments) {
  HttpRequest request;
  request.url = server_address(arguments.url, "/api/v1/alerts/ack");
  request.access = arguments.access;
  request.parameters = {{"fingerprint", arguments.fingerprint},
                        {"by", arguments.by},
                        {"note", arguments.note},
                        {"until", arguments.until}};
  TOCSIN_TRY(const std::string body, body_of(http_post(request)));
  fmt::print("acknowledged by {}; `tocsin silence expire {}` takes it back\n", arguments.by,
             id_in(body));
  return {};
}

void add_server(CLI::App& command, std::string& url, ServerAccess& access) {
  command.add_option("--url", url, "URL of the server, for example http://127.0.0.1:8086")
      ->required();
  add_access_options(command, access);
}

}  // namespace

void add_silence_command(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("silence", "Silence alerts: stored, but not sent, during maintenance");
  command->footer(kSilenceFooter);
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, auto run) {
    auto arguments = std::make_shared<SilenceArguments>();  // shared by the callbacks
    CLI::App* sub = command->add_subcommand(name, help);
    sub->footer(kSilenceFooter);
    add_server(*sub, arguments->url, arguments->access);
    sub->callback([arguments, run, &action] {
      action = [arguments = *arguments, run] { return run(arguments); };
    });
    return std::pair{sub, arguments};
  };
  const auto [added, silence] = add("add", "Add a silence, and print its id", &add_silence);
  silence->owner = user_name();
  added
      ->add_option("MATCHER", silence->names,
                   "NAME=VALUE, NAME!=VALUE, NAME=~PATTERN, NAME!~PATTERN")
      ->required();
  added->add_option("--for", silence->length, "How long, from now on or from each start");
  added->add_option("--from", silence->from, "Its start: a time, or a duration from now [now]");
  added->add_option("--until", silence->until, "Its end: a time, or a duration from its start");
  added->add_option("--schedule", silence->schedule,
                    "Starts of a recurring silence: a cron expression of five fields");
  added->add_option("--zone", silence->zone, "Time zone of the schedule and of dates [UTC]");
  added->add_option("--owner", silence->owner, "Who made it [the user]");
  added->add_option("--comment", silence->comment, "Why");
  const auto [list, listing] = add("list", "List silences", &list_silences);
  list->add_flag("--expired", listing->expired, "Also those that have ended");
  const auto [expire, ended] = add("expire", "End silences now", &expire_silences);
  expire->add_option("ID", ended->names, "Ids, as `add` and `list` print them")->required();
}

void add_alerts_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("alerts", "Acknowledge alerts that fire");
  command->require_subcommand(1);
  auto arguments = std::make_shared<AckArguments>();  // shared by the callbacks
  arguments->by = user_name();
  CLI::App* sub = command->add_subcommand("ack", "Say who looks after an alert that fires");
  sub->footer(kAckFooter);
  sub->add_option("FINGERPRINT", arguments->fingerprint, "Of the alert")->required();
  add_server(*sub, arguments->url, arguments->access);
  sub->add_option("--by", arguments->by, "Who acknowledges it [the user]");
  sub->add_option("--note", arguments->note, "What is being done");
  sub->add_option("--until", arguments->until, "A time, or a duration from now [4h]");
  sub->callback([arguments, &action] {
    action = [arguments = *arguments] { return acknowledge_alert(arguments); };
  });
}

}  // namespace tocsin
