#include "net/parse/syslog.h"

#include <map>
#include <random>
#include <regex>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "net/parse/syslog_frames.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

// 2026-01-02T03:04:05Z
constexpr Timestamp kSyslogNow = 1'767'323'045 * kSecond;

ParseOptions syslog_options() {
  ParseOptions options;
  options.now = kSyslogNow;
  options.measurement = kSyslogMeasurement;
  options.syslog.host = "10.0.0.9";
  return options;
}

std::string time_text(Timestamp time) { return format_time_short(time); }

/// The row with its time as text, or `error: reason`.
std::string syslog_row(std::string_view message, const ParseOptions& options = syslog_options()) {
  Batch batch(ConflictPolicy::kKeepInRest);
  LineErrors errors;
  RecordRows rows(options, batch, errors);
  std::string body;
  append_frame(body, SyslogFrame::Kind::kMessage, message);
  REQUIRE(parse_syslog(batch.keep(body), rows));
  if (!errors.empty()) {
    CHECK(errors[0].text == message);
    return "error: " + errors[0].reason;
  }
  REQUIRE(batch.row_count() == 1);
  CHECK(batch.measurements()[0].lines()[0] == message);
  const std::string text = batch_text(batch);
  const size_t at = text.find('@');
  const size_t end = text.find(' ', at);
  return time_text(batch.measurements()[0].times()[0]) + text.substr(end);
}

TEST_CASE("syslog: the examples of RFC 5424", "[net]") {
  CHECK(syslog_row("<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - "
                   "\xEF\xBB\xBF'su root' failed for lonvick on /dev/pts/8") ==
        "2003-10-11T22:14:15.003Z message=''su root' failed for lonvick on /dev/pts/8' "
        "msgid='ID47' tag:facility='auth' tag:host='mymachine.example.com' tag:level='crit' "
        "tag:service='su'");
  CHECK(syslog_row("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time "
                   "to make the do-nuts.") ==
        "2003-08-24T12:14:15.000003Z message='%% It's time to make the do-nuts.' pid=8710i "
        "tag:facility='local4' tag:host='192.0.2.1' tag:level='notice' tag:service='myproc'");
  CHECK(
      syslog_row(
          R"(<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 )"
          R"([exampleSDID@32473 iut="3" eventSource="Application"][examplePriority@32473 class="high"])") ==
      "2003-10-11T22:14:15.003Z examplePriority@32473.class='high' "
      "exampleSDID@32473.eventSource='Application' exampleSDID@32473.iut='3' message='' "
      "msgid='ID47' tag:facility='local4' tag:host='h' tag:level='notice' tag:service='evntslog'");
}

TEST_CASE("syslog: RFC 5424 has nil values, nanoseconds and escapes", "[net]") {
  CHECK(
      syslog_row("<0>1 - - - - - -") ==
      "2026-01-02T03:04:05Z message='' tag:facility='kern' tag:host='10.0.0.9' tag:level='emerg'");
  CHECK(syslog_row("<191>1 2026-01-01T00:00:00.123456789+01:00 h a p-1 - - x\n") ==
        "2025-12-31T23:00:00.123456789Z message='x' procid='p-1' tag:facility='local7' "
        "tag:host='h' tag:level='debug' tag:service='a'");
  CHECK(syslog_row(R"(<13>1 - h a 007 - [x a="\"q\" \\ \] \n" b=""][only] m)") ==
        "2026-01-02T03:04:05Z message='m' only=true procid='007' tag:facility='user' tag:host='h' "
        "tag:level='notice' tag:service='a' x.a='\"q\" \\ ] \\n' x.b=''");
  // Of parameters that occur twice, the last one counts; names of columns stay unique.
  CHECK(syslog_row(R"(<13>1 - h a - - [x a="1" a="2"][message] m)") ==
        "2026-01-02T03:04:05Z message='m' metadata.message=true tag:facility='user' tag:host='h' "
        "tag:level='notice' tag:service='a' x.a='2'");
  // Without a zone, the time is in that of the setting.
  ParseOptions options = syslog_options();
  options.time.zone = *TimeZone::load("Europe/Berlin");
  CHECK(syslog_row("<13>1 2026-07-01T12:00:00 h - - - - m", options)
            .starts_with("2026-07-01T10:00:00Z "));
}

TEST_CASE("syslog: a message that follows neither RFC is rejected with the reason", "[net]") {
  const auto check = [](std::string_view message, std::string_view reason) {
    CAPTURE(message);
    CHECK(syslog_row(message) == "error: " + std::string(reason));
  };
  check("<192>x", "expected a priority from <0> to <191>, found `<192>x`");
  check("<1920>x", "expected a priority from <0> to <191>, found `<1920>`");
  check("<>x", "expected a priority from <0> to <191>, found `<>x`");
  check("<13", "expected a priority from <0> to <191>, found `<13`");
  check("<html>", "expected a priority from <0> to <191>, found `<html>`");
  check("<13>2 2026-01-01T00:00:00Z h a - - - m",
        "version 2 of the syslog protocol is not known, only 1");
  check("<13>1 yesterday h a - - - m", "invalid time `yesterday` in a message of RFC 5424");
  check("<13>1 2026-02-30T00:00:00Z h a - - - m",
        "invalid time `2026-02-30T00:00:00Z` in a message of RFC 5424");
  check("<13>1 2026-01-01T00:00:00Zx h a - - - m",
        "invalid time `2026-01-01T00:00:00Zx` in a message of RFC 5424");
  check("<13>1", "the header ends before its time");
  check("<13>1 - h a", "the header ends before its PROCID");
  check("<13>1 - h a - -", "expected `-` or `[` at byte 1 of the structured data");
  check("<13>1 - h a - - hello", "expected `-` or `[` at byte 1 of the structured data");
  check("<13>1 - h a - - []", "expected an SD-ID at byte 2 of the structured data");
  check("<13>1 - h a - - [x a=1] m", "expected NAME=\"value\" at byte 5 of the structured data");
  check("<13>1 - h a - - [x a=\"1] m",
        "expected a quote that ends the value at byte 7 of the structured data");
  check("<13>1 - h a - - [x a=\"1\"b=\"2\"] m",
        "expected a space or `]` at byte 9 of the structured data");
  check("<13>1 - h a - - [x]m", "expected a space or `[` at byte 4 of the structured data");
  check("\x16\x03\x01", "not a syslog message: it begins with a control character");
}

TEST_CASE("syslog: RFC 3164 and its variants in the wild", "[net]") {
  const auto check = [](std::string_view message, const std::string& expected) {
    CAPTURE(message);
    CHECK(syslog_row(message) == expected);
  };
  const std::string notice = " tag:facility='user' tag:host='10.0.0.9' tag:level='notice'";
  const std::string notice_h = " tag:facility='user' tag:host='h' tag:level='notice'";
  check("<34>Oct 11 22:14:15 mymachine su: 'su root' failed on /dev/pts/8",
        "2025-10-11T22:14:15Z message=''su root' failed on /dev/pts/8' tag:facility='auth' "
        "tag:host='mymachine' tag:level='crit' tag:service='su'");
  check("<13>Jan  2 03:04:05 h postfix/smtpd[12]: a: b",
        "2026-01-02T03:04:05Z message='a: b' pid=12i" + notice_h + " tag:service='postfix/smtpd'");
  check("<13>Jan  2 03:04:05.25 fd00::1 sshd(pam_unix)[x] text",
        "2026-01-02T03:04:05.25Z message='text' procid='x' tag:facility='user' "
        "tag:host='fd00::1' tag:level='notice' tag:service='sshd(pam_unix)'");
  check("<13>Jan  2 03:04:05 h no tag here",
        "2026-01-02T03:04:05Z message='no tag here'" + notice_h);
  check("<13>Jan  2 03:04:05 h app:{\"a\":1}",
        "2026-01-02T03:04:05Z message='{\"a\":1}'" + notice_h + " tag:service='app'");
  check("<13>Jan  2 03:04:05 h http://x y", "2026-01-02T03:04:05Z message='http://x y'" + notice_h);
  check("<13>Jan  2 03:04:05 h a=b: c", "2026-01-02T03:04:05Z message='a=b: c'" + notice_h);
  // No host: what writes to a socket of the machine, and Docker's unixgram format.
  check("<13>Jan  2 03:04:05 su: hi",
        "2026-01-02T03:04:05Z message='hi'" + notice + " tag:service='su'");
  check("<30>Jan  2 03:04:05 3f2a[77]: hi",
        "2026-01-02T03:04:05Z message='hi' pid=77i tag:facility='daemon' tag:host='10.0.0.9' "
        "tag:level='info' tag:service='3f2a'");
  check("<13>Jan  2 03:04:05 word", "2026-01-02T03:04:05Z message='word'" + notice);
  // ISO times: rsyslog's RSYSLOG_ForwardFormat, Docker.
  check("<30>2026-01-02T04:04:05.123456+01:00 h web/9c1[5]: ready",
        "2026-01-02T03:04:05.123456Z message='ready' pid=5i tag:facility='daemon' tag:host='h' "
        "tag:level='info' tag:service='web/9c1'");
  check("<13>2026-01-02 03:04:05 h a: b",
        "2026-01-02T03:04:05Z message='b'" + notice_h + " tag:service='a'");
  // Repetitions, as syslogd of BSD and rsyslog write them.
  check("<13>Jan  2 03:04:05 h last message repeated 3 times",
        "2026-01-02T03:04:05Z message='last message repeated 3 times'" + notice_h);
  check("<13>Jan  2 03:04:05 last message repeated 3 times",
        "2026-01-02T03:04:05Z message='last message repeated 3 times'" + notice);
  check("<13>Jan  2 03:04:05 h a[1]: message repeated 2 times: [ x]",
        "2026-01-02T03:04:05Z message='message repeated 2 times: [ x]' pid=1i" + notice_h +
            " tag:service='a'");
  check("<13>Jan  2 03:04:05 Message forwarded from h: a: b",
        "2026-01-02T03:04:05Z message='b'" + notice_h + " tag:service='a'");
  check("<2>Jan  2 03:04:05 kernel: [ 12.5] oops",
        "2026-01-02T03:04:05Z message='[ 12.5] oops' tag:facility='kern' tag:host='10.0.0.9' "
        "tag:level='crit' tag:service='kernel'");
  // Cisco.
  const std::string cisco =
      " tag:facility='local7' tag:host='10.0.0.9' tag:level='notice' tag:service='SYS'";
  check("<189>29: *Dec  1 18:46:11.123: %SYS-5-CONFIG_I: Configured from console",
        "2025-12-01T18:46:11.123Z message='Configured from console' msgid='SYS-5-CONFIG_I' "
        "sequence=29i" +
            cisco);
  check("<189>: 000045: .Dec  1 2025 18:46:11 UTC: %SYS-5-CONFIG_I: x",
        "2026-01-02T03:04:05Z message=': 000045: .Dec  1 2025 18:46:11 UTC: %SYS-5-CONFIG_I: x' "
        "tag:facility='local7' tag:host='10.0.0.9' tag:level='notice'");
  check("<189>7: 000045: Dec  1 2025 18:46:11 CET: %SYS-5-CONFIG_I: x",
        "2025-12-01T18:46:11Z message='x' msgid='SYS-5-CONFIG_I' sequence=45i" + cisco);
  check("<189>29: sw1: Dec  1 18:46:11 UTC: %LINK-3-UPDOWN: down",
        "2025-12-01T18:46:11Z message='down' msgid='LINK-3-UPDOWN' sequence=29i "
        "tag:facility='local7' tag:host='sw1' tag:level='notice' tag:service='LINK'");
  check("<189>45: %SYS-5-CONFIG_I: x",
        "2026-01-02T03:04:05Z message='x' msgid='SYS-5-CONFIG_I' sequence=45i" + cisco);
  check("<134>1 1767312245.774247467 MX84 flows src=1.2.3.4",
        "2026-01-02T00:04:05.774247467Z message='flows src=1.2.3.4' tag:facility='local0' "
        "tag:host='MX84' tag:level='info'");
  // No time: what programs send that write syslog themselves.
  check("<14>myapp: 2026-01-01 00:00:00,123 INFO x",
        "2026-01-02T03:04:05Z message='2026-01-01 00:00:00,123 INFO x' tag:facility='user' "
        "tag:host='10.0.0.9' tag:level='info' tag:service='myapp'");
  check("<13>200 OK", "2026-01-02T03:04:05Z message='200 OK'" + notice);
  check("<13>", "2026-01-02T03:04:05Z message=''" + notice);
  // No priority: user.notice.
  check("Jan  2 03:04:05 h a: b",
        "2026-01-02T03:04:05Z message='b'" + notice_h + " tag:service='a'");
  check("\tat java.lang.Thread: x",
        "2026-01-02T03:04:05Z message='\tat java.lang.Thread: x'" + notice);
  check("Caused by: x", "2026-01-02T03:04:05Z message='Caused by: x'" + notice);
  check("\xEF\xBB\xBFplain", "2026-01-02T03:04:05Z message='plain'" + notice);
  check("<13>Jan  2 03:04:05 h a: caf\xE9\r\n",
        "2026-01-02T03:04:05Z message='caf\xEF\xBF\xBD'" + notice_h + " tag:service='a'");
}

TEST_CASE("syslog: a missing year is the latest that is at most a day ahead, in the zone",
          "[net]") {
  const auto check = [](const char* now, const char* text, const char* expected,
                        const char* zone = "UTC") {
    ParseOptions options = syslog_options();
    options.now = *parse_time(now);
    options.time.zone = *TimeZone::load(zone);
    CHECK(syslog_row(fmt::format("<13>{} h a: b", text), options).substr(0, 20) == expected);
  };
  check("2026-01-01T00:00:05Z", "Dec 31 23:59:59", "2025-12-31T23:59:59Z");
  check("2025-12-31T23:59:59Z", "Jan  1 00:00:05", "2026-01-01T00:00:05Z");
  check("2025-12-31T23:59:59Z", "Jan  2 00:00:05", "2025-01-02T00:00:05Z");
  check("2026-06-15T00:00:00Z", "Jun 15 12:00:00", "2026-06-15T12:00:00Z");
  check("2026-06-15T00:00:00Z", "Jun 17 12:00:00", "2025-06-17T12:00:00Z");
  check("2026-03-01T00:00:00Z", "Feb 29 12:00:00", "2024-02-29T12:00:00Z");
  check("2026-01-01T00:30:00Z", "Jan  1 01:30:00", "2026-01-01T00:30:00Z", "Europe/Berlin");
  check("2026-01-01T00:30:00Z", "Dec 31 19:30:00", "2026-01-01T00:30:00Z", "America/New_York");
  // A zone in the text counts.
  check("2026-01-01T00:30:00Z", "Jan  1 00:30:00 UTC", "2026-01-01T00:30:00Z", "Europe/Berlin");
}

TEST_CASE("syslog: JSON in a message becomes fields if the setting says so", "[net]") {
  ParseOptions options = syslog_options();
  CHECK(syslog_row("<13>Jan  2 03:04:05 h a: {\"n\":1}", options).find("message='{\"n\":1}'") !=
        std::string::npos);
  options.syslog.unpack_json = true;
  const std::string rest = " tag:facility='user' tag:host='h' tag:level='notice'";
  CHECK(syslog_row(R"(<13>Jan  2 03:04:05 h a: {"n":1,"x":1.5,"b":true,"none":null,"o":{"l":[1]}})",
                   options) ==
        "2026-01-02T03:04:05Z b=true message='{\"n\":1,\"x\":1.5,\"b\":true,\"none\":null,"
        "\"o\":{\"l\":[1]}}' n=1i o.l='[1]'" +
            rest + " tag:service='a' x=1.5f");
  CHECK(
      syslog_row(
          R"(<13>Jan  2 03:04:05 h a: @cee: {"msg":"hi\n","level":"warn","host":"c","status":"ok"})",
          options) ==
      "2026-01-02T03:04:05Z message='hi\n' tag:body.host='c' tag:facility='user' tag:host='h' "
      "tag:level='warn' tag:service='a' tag:status='ok'");
  CHECK(syslog_row("<13>Jan  2 03:04:05 h a: {broken", options) ==
        "2026-01-02T03:04:05Z message='{broken'" + rest + " tag:service='a'");
}

TEST_CASE("syslog: logfmt in a message becomes fields if the setting says so", "[net]") {
  ParseOptions options = syslog_options();
  options.syslog.unpack_logfmt = true;
  const std::string rest = " tag:facility='user' tag:host='h'";
  CHECK(
      syslog_row(R"(<13>Jan  2 03:04:05 h a: level=warn msg="it is \"on\"" port=80 ok=true user=)",
                 options) == "2026-01-02T03:04:05Z message='it is \"on\"' ok=true port=80i" + rest +
                                 " tag:level='warn' tag:service='a' user=''");
  CHECK(syslog_row("<13>Jan  2 03:04:05 h a: n=1 and more", options) ==
        "2026-01-02T03:04:05Z message='n=1 and more'" + rest +
            " tag:level='notice' tag:service='a'");
  CHECK(syslog_row("<13>Jan  2 03:04:05 h a: {\"n\":1}", options) ==
        "2026-01-02T03:04:05Z message='{\"n\":1}'" + rest + " tag:level='notice' tag:service='a'");
}

TEST_CASE("syslog: a kept message is parsed again with the host and the settings of its sender",
          "[net]") {
  ParseOptions options = syslog_options();
  options.syslog.unpack_json = true;
  options.time.zone = *TimeZone::load("Europe/Berlin");
  const LineOrigin origin = syslog_origin(options);
  CHECK(origin.format == "syslog");
  CHECK(syslog_options_of(origin).host == "10.0.0.9");
  const std::string message = "<13>Jul  1 12:00:00 a: {\"n\":1}";
  Batch batch(conflict_policy_of(origin, message));
  REQUIRE(parse_line_again(origin, batch.keep(message), kSyslogNow, batch));
  CHECK(batch_text(batch) ==
        fmt::format("syslog @{} message='{{\"n\":1}}' n=1i tag:facility='user' tag:host='10.0.0.9' "
                    "tag:level='notice' tag:service='a'",
                    *parse_time("2025-07-01T10:00:00Z")));
  const Status bad = parse_line_again(origin, batch.keep("<999>x"), kSyslogNow, batch);
  REQUIRE(!bad);
  CHECK(bad.error().message == "expected a priority from <0> to <191>, found `<999>x`");
}

// RFC 5424's grammar as a regular expression, and the row that its parts make.
std::string slow_rfc5424(const std::string& message) {
  static const std::regex grammar(
      R"(<(0|[1-9]\d{0,2})>1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[[^= \]"]+(?: +[^= \]"]+="(?:[^"\\]|\\[^])*")* *\])+)(?: ([^]*))?)");
  static const std::regex element(R"(\[([^= \]"]+)((?: +[^= \]"]+="(?:[^"\\]|\\[^])*")*) *\])");
  static const std::regex parameter(R"( +([^= \]"]+)="((?:[^"\\]|\\[^])*)\")");
  static const std::regex escape(R"(\\(["\\\]]))");
  std::smatch parts;
  if (!std::regex_match(message, parts, grammar)) return "error";
  const int priority = std::stoi(parts[1]);
  if (priority > 191) return "error";
  std::map<std::string, std::string> columns;
  Timestamp time = kSyslogNow;
  if (parts[2] != "-") {
    static const std::regex shape(
        R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?)");
    std::smatch found;
    const std::string text = parts[2];
    if (!std::regex_match(text, found, shape)) return "error";
    const auto parsed = parse_time(text + (found[2].length() == 0 ? "Z" : ""));
    if (!parsed) return "error";
    time = *parsed;
  }
  const std::string levels[] = {"emerg",   "alert",  "crit", "error",
                                "warning", "notice", "info", "debug"};
  const std::string facilities[] = {"kern",   "user",   "mail",   "daemon", "auth",     "syslog",
                                    "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
                                    "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
                                    "local2", "local3", "local4", "local5", "local6",   "local7"};
  columns["tag:level"] = "'" + levels[priority % 8] + "'";
  columns["tag:facility"] = "'" + facilities[priority / 8] + "'";
  columns["tag:host"] = parts[3] == "-" ? "'10.0.0.9'" : "'" + parts[3].str() + "'";
  if (parts[4] != "-") columns["tag:service"] = "'" + parts[4].str() + "'";
  if (parts[5] != "-") {
    const bool number = std::regex_match(parts[5].str(), std::regex("0|[1-9]\\d{0,8}"));
    columns[number ? "pid" : "procid"] = number ? parts[5].str() + "i" : "'" + parts[5].str() + "'";
  }
  if (parts[6] != "-") columns["msgid"] = "'" + parts[6].str() + "'";
  columns["message"] = "'" + parts[8].str() + "'";
  const std::string data = parts[7];
  for (std::sregex_iterator it(data.begin(), data.end(), element), none; it != none; ++it) {
    const std::string id = (*it)[1], values = (*it)[2];
    if (values.empty()) columns[id] = "true";
    for (std::sregex_iterator p(values.begin(), values.end(), parameter); p != none; ++p)
      columns[id + "." + (*p)[1].str()] =
          "'" + std::regex_replace((*p)[2].str(), escape, "$1") + "'";
  }
  std::string out = time_text(time);
  for (const auto& [name, value] : columns) out += fmt::format(" {}={}", name, value);
  return out;
}

TEST_CASE("syslog: random messages of RFC 5424 have the rows that its grammar says", "[net]") {
  const unsigned seed = 5;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&](const std::vector<std::string>& list) {
    return list[random() % list.size()];
  };
  size_t good = 0, bad = 0;
  for (int round = 0; round < 6'000; ++round) {
    std::string data = pick({"-", ""});
    if (data.empty()) {
      for (size_t n = 1 + random() % 3; n > 0; --n) {
        data += "[" + pick({"a", "b@1", "x.y"});
        for (size_t m = random() % 3; m > 0; --m)
          data += " " + pick({"k", "l", "m2"}) + "=\"" +
                  pick({"", "v", "a b", "\\\"", "\\\\", "\\]", "]", "\\n"}) + "\"";
        data += "]";
      }
    }
    std::string message =
        fmt::format("<{}>1 {} {} {} {} {} {}", pick({"0", "13", "191", "192", "34"}),
                    pick({"-", "2026-01-01T00:00:00Z", "2025-02-28T23:59:59.123456789+05:30"}),
                    pick({"-", "h", "fd00::1"}), pick({"-", "app", "a/b"}),
                    pick({"-", "1", "0", "01", "p1"}), pick({"-", "ID47"}), data);
    message += pick({"", " m", " [x]", " two words"});
    if (random() % 2 == 0) message[random() % message.size()] = " -[]\"=\\<>1a"[random() % 11];
    // A trailing space is no part of a message.
    while (message.ends_with(' ')) message.pop_back();
    // What has no version is a message of RFC 3164.
    if (!std::regex_search(message, std::regex("^<(\\d+)>1 |^<(19[2-9])>"))) continue;
    const std::string expected = slow_rfc5424(message);
    const std::string row = syslog_row(message);
    CAPTURE(message);
    if (expected == "error") {
      CHECK(row.starts_with("error: "));
      ++bad;
    } else {
      CHECK(row == expected);
      ++good;
    }
  }
  CHECK(good > 1'000);
  CHECK(bad > 500);
}

TEST_CASE("syslog: random messages of RFC 3164 have the parts that they were made of", "[net]") {
  const unsigned seed = 6;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&](const std::vector<std::string>& list) {
    return list[random() % list.size()];
  };
  for (int round = 0; round < 2'000; ++round) {
    const auto [text, time] = std::vector<std::pair<std::string, std::string>>{
        {"Jan  1 00:00:00", "2026-01-01T00:00:00Z"},
        {"Dec 31 23:59:59", "2025-12-31T23:59:59Z"},
        {"Jan  1 00:00:00.5", "2026-01-01T00:00:00.5Z"},
        {"2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z"}}[random() % 4];
    const std::string host = pick({"", "web-1", "10.1.2.3", "a.example.org"});
    const std::string tag = pick({"", "su", "postfix/smtpd", "a.b-c_d"});
    const std::string pid = tag.empty() ? "" : pick({"", "1", "99999"});
    const std::string body = pick({"", "hello there", "x=1: y", "[1] z", "no: tag", "{\"a\":1}"});
    // Without a host and a tag, the first word would be the host; without a tag, the text may have
    // one.
    if (tag.empty() && (host.empty() || body == "no: tag")) continue;
    if (host.empty() && body.empty() && tag.empty()) continue;
    std::string message = "<14>" + text + (host.empty() ? "" : " " + host);
    if (!tag.empty()) message += " " + tag + (pid.empty() ? "" : "[" + pid + "]") + ":";
    if (!body.empty()) message += " " + body;
    std::string expected = time + " message='" + body + "'";
    if (!pid.empty()) expected += " pid=" + pid + "i";
    expected += " tag:facility='user' tag:host='" + (host.empty() ? "10.0.0.9" : host) +
                "' tag:level='info'" + (tag.empty() ? "" : " tag:service='" + tag + "'");
    CAPTURE(message);
    if (tag.empty() && body.empty()) {  // a single word is the message
      CHECK(syslog_row(message).starts_with(time + " message='" + host + "'"));
    } else {
      CHECK(syslog_row(message) == expected);
    }
  }
}

}  // namespace
}  // namespace tocsin
