// Formats an event as JSON or line protocol.
#include "tools/generate/format.h"

namespace tocsin::generate {
namespace {

constexpr size_t kEventBytesMax = 1024 + kMessageBytesMax;

std::string_view text_of(Outcome outcome) {
  static constexpr std::string_view kTexts[] = {"SUCCESS", "FAILED", "TIMEOUT"};
  return kTexts[static_cast<size_t>(outcome)];
}

std::string_view text_of(Step step) {
  static constexpr std::string_view kTexts[] = {"", "START", "STEP", "END"};
  return kTexts[static_cast<size_t>(step)];
}

}  // namespace

std::string_view Formatter::level_of(const Event& event) const {
  if (event.message != 0) return estate_.wordings[event.message - 1u].level;
  if (event.outcome == Outcome::kFailed) return "ERROR";
  if (event.outcome == Outcome::kTimeout) return "WARN";
  return event.step == Step::kStep ? "DEBUG" : "INFO";
}

/// Calls `tag(name, append)` for each tag; `append` writes the value.
template <class Function>
void Formatter::for_each_tag(TextBuffer& out, const Event& event, Function tag) const {
  const ServiceProfile& service = estate_.services[event.service];
  tag("service", [&] { out.text(service.name); });
  tag("host", [&] {
    out.text(service.name);
    out.byte('-');
    out.number(event.host);
  });
  tag("transaction", [&] { out.text(service.transactions[event.transaction].name); });
  tag("status", [&] { out.text(text_of(event.outcome)); });
  tag("level", [&] { out.text(level_of(event)); });
  if (event.version == 0) return;
  tag("version", [&] {
    out.text("1.");
    out.number(event.version);
  });
}

/// Calls `string(name, append)` or `number(name, append)` for each field.
template <class StringFunction, class NumberFunction>
void Formatter::for_each_field(TextBuffer& out, const Event& event, StringFunction string,
                               NumberFunction number) const {
  if (event.type == LogType::kAudit) {
    const ServiceProfile& service = estate_.services[event.service];
    string("user_id", [&] { append_user(out, event); });
    string("action", [&] { out.text(service.transactions[event.transaction].action); });
  }
  if (event.type == LogType::kBpm) {
    string("transaction_id", [&] { out.hex(event.transaction_id, 16); });
    string("event", [&] { out.text(text_of(event.step)); });
  }
  if (event.duration_tenths != 0) number("duration_ms", [&] { out.tenths(event.duration_tenths); });
  if (event.type == LogType::kPerformance) {
    number("cpu_percent", [&] { out.tenths(event.cpu_tenths); });
    number("memory_mb", [&] { out.tenths(event.memory_tenths); });
  }
  string("message", [&] { messages_.append(out, event); });
}

void Formatter::append(TextBuffer& out, const Event& event) {
  out.reserve(kEventBytesMax);
  if (format_ == TextFormat::kJson)
    append_json(out, event);
  else
    append_line_protocol(out, event);
}

void Formatter::append_json(TextBuffer& out, const Event& event) {
  const auto string = [&](std::string_view name, auto value) {
    out.text(",\"");
    out.text(name);
    out.text("\":\"");
    value();
    out.byte('"');
  };
  const auto number = [&](std::string_view name, auto value) {
    out.text(",\"");
    out.text(name);
    out.text("\":");
    value();
  };
  out.text("{\"log_timestamp\":\"");
  append_time(out, event.time);
  out.byte('"');
  if (with_measurement_) string("measurement", [&] { out.text(name_of(event.type)); });
  for_each_tag(out, event, string);
  for_each_field(out, event, string, number);
  out.text("}\n");
}

void Formatter::append_line_protocol(TextBuffer& out, const Event& event) {
  out.text(name_of(event.type));
  for_each_tag(out, event, [&](std::string_view name, auto value) {
    out.byte(',');
    out.text(name);
    out.byte('=');
    value();
  });
  char separator = ' ';
  const auto number = [&](std::string_view name, auto value) {
    out.byte(separator);
    separator = ',';
    out.text(name);
    out.byte('=');
    value();
  };
  const auto string = [&](std::string_view name, auto value) {
    number(name, [&] {
      out.byte('"');
      value();
      out.byte('"');
    });
  };
  for_each_field(out, event, string, number);
  out.byte(' ');
  out.number(static_cast<uint64_t>(event.time));
  out.byte('\n');
}

void Formatter::append_time(TextBuffer& out, Timestamp time) {
  const int64_t second = time / kSecond;
  if (second != second_) {
    second_ = second;
    second_text_ = format_time_short(second * kSecond);
    second_text_.pop_back();  // the Z
  }
  out.text(second_text_);
  out.byte('.');
  out.padded(static_cast<uint64_t>(time % kSecond / kMicrosecond), 6);
  out.byte('Z');
}

}  // namespace tocsin::generate
