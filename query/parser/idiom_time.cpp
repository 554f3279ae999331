// Times, durations, ranges and buckets as written in other languages.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/time.h"
#include "query/parser/idiom.h"
#include "query/parser/lexer.h"
#include "query/parser/syntax_error.h"

namespace tocsin {
namespace {

// The duration at the start of `text`, as written; empty if there is none.
std::string_view duration_at(std::string_view text) {
  size_t length = 0;
  if (!parse_duration_prefix(text, length)) return {};
  const bool ends = length >= text.size() || !is_word_character(text[length]);
  return ends ? text.substr(0, length) : std::string_view();
}

// 5m for `5` and `minutes`. Months and years have no unit, because their length varies: they become
// days. Empty for other words.
std::string joined_duration(std::string_view number, std::string_view unit_word) {
  const std::string unit(unit_of_word(unit_word));
  if (!unit.empty()) return std::string(number) + unit;
  const bool month = unit_word == "month" || unit_word == "months";
  const bool year = unit_word == "year" || unit_word == "years";
  uint32_t count = 0;
  const auto status = std::from_chars(number.data(), number.data() + number.size(), count);
  const bool whole = status.ec == std::errc() && status.ptr == number.data() + number.size();
  if ((!month && !year) || !whole || count > 250) return "";
  return fmt::format("{}d", count * (month ? 30 : 365));
}

// The duration that `1h`, `5 minutes` or `day` at the start of `text` stands for; empty if none
// does.
std::string intended_duration(std::string_view text) {
  const std::string_view plain = duration_at(text);
  if (!plain.empty()) return std::string(plain);
  size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  const std::string_view number = digits == 0 ? "1" : text.substr(0, digits);
  const std::string_view word = text.substr(digits + blank_length(text.substr(digits)));
  return joined_duration(number, lower_case(word.substr(0, identifier_length(word))));
}

Advice bucket_advice(std::string_view width, size_t length, size_t back) {
  return {"`by` accepts columns, and `time(5m)` for time buckets",
          fmt::format("write `by time({})`", width.empty() ? "5m" : width), length, back};
}

// Whether a key of `stats … by` is expected after `text`.
bool expects_key(std::string_view text) {
  text = trimmed_end(text);
  if (text.ends_with(',')) return true;
  return text.ends_with("by") && (text.size() < 3 || !is_word_character(text[text.size() - 3]));
}

}  // namespace

std::optional<Advice> foreign_range(const Place& place) {
  static constexpr std::array<std::string_view, 10> kWords = {
      "since", "past", "for", "in", "over", "during", "within", "after", "previous", "ago"};
  if (!place.expects("`last`")) return std::nullopt;
  const bool word = std::ranges::find(kWords, place.lower_word) != kWords.end();
  const std::string_view after = place.rest.substr(place.word.size());
  const std::string_view range = after.substr(blank_length(after));
  if (!word && (!place.word.empty() || duration_at(range).empty())) return std::nullopt;
  size_t length = 0;
  const bool time = !range.empty() && parse_time_prefix(range, TimeZone(), length).has_value();
  const std::string duration = intended_duration(range);
  return Advice{"a time range is `last` and a duration, or `between` two times",
                time ? fmt::format("write `between {} and now`", range.substr(0, length))
                     : fmt::format("write `last {}`", duration.empty() ? "1h" : duration),
                word ? place.word.size() : duration_at(range).size()};
}

std::optional<Advice> whole_unit(const Place& place) {
  if (!place.expects(expected::kConstant) || !place.follows("last")) return std::nullopt;
  const std::string duration = joined_duration("1", place.lower_word);
  if (duration.empty()) return std::nullopt;
  return Advice{"`last` needs a duration", fmt::format("write `last {}`", duration),
                place.word.size()};
}

std::optional<Advice> blank_in_duration(const Place& place) {
  const std::string_view number = place.last_word();
  if (number.empty() || !is_digit(number[0]) || place.before.size() == place.offset)
    return std::nullopt;
  std::string_view unit = place.word;
  std::string joined = joined_duration(number, place.lower_word);
  if (unit.empty() && duration_at(number) == number) {  // `1h 30m`
    unit = duration_at(place.rest);
    joined = unit.empty() ? "" : std::string(number) + std::string(unit);
  }
  if (joined.empty()) return std::nullopt;
  const size_t back = place.offset - place.before.size() + number.size();
  const bool has_unit = !unit_of_word(place.lower_word).empty() || place.word.empty();
  return Advice{has_unit
                    ? "a duration must not contain spaces"
                    : "months and years are not units of duration, because their length varies",
                fmt::format("write `{}`", joined), back + unit.size(), back};
}

std::optional<Advice> blank_in_time(const Place& place) {
  constexpr size_t kDateBytes = 10;
  if (place.rest.empty() || !is_digit(place.rest[0]) || place.before.size() < kDateBytes)
    return std::nullopt;
  const size_t start = place.before.size() - kDateBytes;
  size_t length = 0;
  const std::string time = completed_time(place.text.substr(start), length);
  if (time.empty()) return std::nullopt;
  return Advice{"a time must not contain spaces: join date and time with `T` and end with the zone",
                fmt::format("write `{}`", time), length, place.offset - start};
}

std::optional<Advice> bucket_key(const Place& place) {
  if (!place.rest.starts_with(",") || place.stage() != "stats" || place.expects("`,`"))
    return std::nullopt;
  const size_t open = place.before.rfind('(');
  if (!place.expects("`)`") || open == std::string_view::npos) return std::nullopt;
  size_t name = open;
  while (name > 0 && is_word_character(place.before[name - 1])) --name;
  if (name == open || !expects_key(place.before.substr(0, name))) return std::nullopt;
  const std::string_view width = place.rest.substr(1);
  return bucket_advice(duration_at(width.substr(blank_length(width))), open - name,
                       place.offset - name);
}

std::optional<Advice> bare_bucket(const Place& place) {
  const std::string_view width = duration_at(place.rest);
  if (width.empty() || place.stage() != "stats" || !place.expects(expected::kColumn) ||
      !expects_key(place.before)) {
    return std::nullopt;
  }
  return bucket_advice(width, width.size(), 0);
}

}  // namespace tocsin
