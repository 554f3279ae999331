// Splits and renders annotation templates. A filter that does not apply to its value (percent of a
// text) leaves the value unchanged: an alert must not fail because of its annotations.
#include "rules/template.h"

#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "query/format/format.h"
#include "rules/prometheus.h"

namespace tocsin {
namespace {

constexpr int64_t kDecimalsMax = 9;
constexpr const char* kKnownFilters = "percent, round(decimals), duration, duration(ms), time";

// The position after the quoted string that begins at `start`. As in queries, strings are `"..."`
// with escapes, or r"..." without.
size_t skip_string(std::string_view text, size_t start) {
  const bool raw = start > 0 && text[start - 1] == 'r';
  for (size_t i = start + 1; i < text.size(); ++i) {
    if (text[i] == '\\' && !raw) {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return text.size();
}

// The next position of `stop` outside strings, or npos.
size_t find_outside_strings(std::string_view text, size_t start, std::string_view stop) {
  for (size_t i = start; i < text.size();) {
    if (text[i] == '"') {
      i = skip_string(text, i);
    } else if (text.substr(i).starts_with(stop)) {
      return i;
    } else {
      ++i;
    }
  }
  return std::string_view::npos;
}

std::optional<TemplateFilter> parse_filter(std::string_view text) {
  std::string_view argument;
  bool has_argument = false;
  if (const size_t open = text.find('('); open != std::string_view::npos && text.back() == ')') {
    argument = trimmed(text.substr(open + 1, text.size() - open - 2));
    text = trimmed(text.substr(0, open));
    has_argument = true;
  }
  if (text == "percent" && !has_argument) return TemplateFilter{TemplateFilterKind::kPercent, 0};
  if (text == "time" && !has_argument) return TemplateFilter{TemplateFilterKind::kTime, 0};
  if (text == "duration") {
    if (has_argument && argument != "ms" && argument != "s") return std::nullopt;
    return TemplateFilter{TemplateFilterKind::kDuration, argument == "ms" ? kMillisecond : kSecond};
  }
  if (text != "round") return std::nullopt;
  int64_t decimals = 0;
  const char* end = argument.data() + argument.size();
  if (has_argument) {
    const auto [stop, error] = std::from_chars(argument.data(), end, decimals);
    if (error != std::errc() || stop != end || decimals < 0 || decimals > kDecimalsMax) {
      return std::nullopt;
    }
  }
  return TemplateFilter{TemplateFilterKind::kRound, decimals};
}

// Parses the inside of `{{ }}`: an expression and its filters.
TemplatePart parse_inside(const RuleText& text, size_t start, size_t end,
                          std::vector<TemplateProblem>& problems) {
  TemplatePart part;
  const std::string_view all = std::string_view(text.text).substr(0, end);
  size_t bar = find_outside_strings(all, start, "|");
  size_t first = start;
  const size_t expression_end = std::min(bar, end);
  while (first < expression_end && is_space(all[first])) ++first;
  part.expression = text.part(first, trimmed(all.substr(first, expression_end - first)).size());
  if (part.expression.empty()) {
    problems.push_back({text.at(start), "`{{ }}` is empty; expected an expression"});
  } else if (std::string advice = go_template_advice(part.expression.text); !advice.empty()) {
    problems.push_back({text.at(first), std::move(advice)});
    part.expression = {};
  }
  while (bar != std::string_view::npos) {
    const size_t next = find_outside_strings(all, bar + 1, "|");
    const std::string_view name = trimmed(all.substr(bar + 1, std::min(next, end) - bar - 1));
    if (const auto filter = parse_filter(name)) {
      part.filters.push_back(*filter);
    } else {
      problems.push_back({text.at(bar + 1), fmt::format("unknown filter `{}`{}; expected {}", name,
                                                        filter_advice(name), kKnownFilters)});
    }
    bar = next;
  }
  return part;
}

std::optional<double> as_number(const Value& value) {
  switch (value.type) {
    case ValueType::kI64: return static_cast<double>(std::get<int64_t>(value.data));
    case ValueType::kU64: return static_cast<double>(std::get<uint64_t>(value.data));
    case ValueType::kF64: return std::get<double>(value.data);
    default: return std::nullopt;
  }
}

// Rounds to about three significant digits: `1m30s`, `1.25s`, not `1m30.001234567s`.
std::string short_duration(double nanoseconds) {
  if (!(std::fabs(nanoseconds) < 9e18)) return "unknown";
  const auto exact = static_cast<Duration>(nanoseconds);
  const Duration size = exact < 0 ? -exact : exact;
  const Duration unit = size >= kHour          ? kMinute
                        : size >= kMinute      ? kSecond
                        : size >= 10 * kSecond ? 100 * kMillisecond
                        : size >= kSecond      ? 10 * kMillisecond
                        : size >= kMillisecond ? kMillisecond / 100
                                               : 1;
  const Duration rounded = (exact + (exact < 0 ? -unit : unit) / 2) / unit * unit;
  if (size < kMinute && size >= kSecond) {
    return fmt::format("{}s", static_cast<double>(rounded) / 1e9);
  }
  if (size < kSecond && size >= kMillisecond) {
    return fmt::format("{}ms", static_cast<double>(rounded) / 1e6);
  }
  return format_duration(rounded);
}

// Six significant digits, or the whole integer part and one decimal: `0.333333`, `1234567.5`.
std::string readable_number(double number) {
  const double size = std::fabs(number);
  if (size < 1e5 || size >= 1e15) return fmt::format("{:.6g}", number);
  std::string text = fmt::format("{:.1f}", number);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

std::string readable(const Value& value) {
  return value.type == ValueType::kF64 ? readable_number(std::get<double>(value.data))
                                       : display(value);
}

Value text_value(std::string text) { return Value::of(std::move(text)); }

Value apply(const TemplateFilter& filter, const Value& value) {
  if (value.is_null()) return value;
  const std::optional<double> number = as_number(value);
  switch (filter.kind) {
    case TemplateFilterKind::kPercent:
      return number ? text_value(fmt::format("{:.1f} %", *number * 100)) : value;
    case TemplateFilterKind::kRound:
      return number ? text_value(fmt::format("{:.{}f}", *number, filter.argument)) : value;
    case TemplateFilterKind::kDuration:
      if (value.type == ValueType::kDuration) {
        return text_value(short_duration(static_cast<double>(std::get<int64_t>(value.data))));
      }
      return number ? text_value(short_duration(*number * static_cast<double>(filter.argument)))
                    : value;
    case TemplateFilterKind::kTime:
      if (value.type == ValueType::kTime || value.type == ValueType::kI64) {
        return text_value(format_time_short(std::get<int64_t>(value.data)));
      }
      return value;
  }
  return value;
}

}  // namespace

std::string display(const Value& value) {
  switch (value.type) {
    case ValueType::kNull: return "unknown";
    case ValueType::kF64: return fmt::format("{}", std::get<double>(value.data));
    case ValueType::kTime: return format_time_short(std::get<int64_t>(value.data));
    default: return plain_text(value, false);
  }
}

Template Template::parse(const RuleText& text, std::vector<TemplateProblem>& problems) {
  Template out;
  const std::string_view all = text.text;
  size_t start = 0;
  for (;;) {
    const size_t open = all.find("{{", start);
    if (open == std::string_view::npos) break;
    const size_t close = find_outside_strings(all, open + 2, "}}");
    if (close == std::string_view::npos) {
      problems.push_back({text.at(open), "`{{` is not closed; expected `}}`"});
      return out;
    }
    TemplatePart part = parse_inside(text, open + 2, close, problems);
    part.literal = all.substr(start, open - start);
    out.parts_.push_back(std::move(part));
    start = close + 2;
  }
  out.parts_.push_back({std::string(all.substr(start)), {}, {}});
  return out;
}

std::string Template::render(const std::function<Value(size_t part)>& value_of) const {
  std::string out;
  for (size_t i = 0; i < parts_.size(); ++i) {
    out += parts_[i].literal;
    if (parts_[i].expression.empty()) continue;
    Value value = value_of(i);
    for (const TemplateFilter& filter : parts_[i].filters) value = apply(filter, value);
    out += readable(value);
  }
  return out;
}

}  // namespace tocsin
