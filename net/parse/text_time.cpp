#include "net/parse/text_time.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "db/base/ascii.h"
#include "net/parse/colours.h"
#include "net/parse/event_time.h"

namespace tocsin {
namespace {

constexpr size_t kSearchedBytesMax = 256;  // of a line
constexpr size_t kWordsMax = 3;            // words at whose start a time is looked for
constexpr Duration kAheadMax = kDay;       // a time without a year is at most this far after now
constexpr size_t kEpochDigitsMin = 10;     // seconds since 2001

constexpr std::array<std::string_view, 12> kTextMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kTextWeekdays = {"Mon", "Tue", "Wed", "Thu",
                                                           "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 7> kTextTimeKeys = {
    "ts=", "time=", "timestamp=", "t=", "date=", "datetime=", "@timestamp="};

template <size_t kCount>
int index_of_name(const std::array<std::string_view, kCount>& names, std::string_view text) {
  for (size_t i = 0; i < kCount; ++i) {
    if (starts_with_ignoring_case(text, names[i])) return static_cast<int>(i);
  }
  return -1;
}

/// Reads a time from the front of a text. Each function that returns false has read nothing that
/// matters, because the caller then starts again with another form.
class TimeScanner {
 public:
  explicit TimeScanner(std::string_view text, const TimeZone* local = nullptr)
      : text_(text), local_(local) {}

  bool read(Timestamp now) {
    const size_t start = at_;
    for (const auto form : {&TimeScanner::iso, &TimeScanner::compact, &TimeScanner::day_first,
                            &TimeScanner::month_first, &TimeScanner::glog, &TimeScanner::epoch}) {
      at_ = start;
      year_ = -1;
      hour_ = minute_ = second_ = 0;
      nanos_ = offset_ = 0;
      done_ = has_zone_ = false;
      if ((this->*form)() && (done_ || finish(now))) return true;
    }
    return false;
  }

  Timestamp time() const { return time_; }
  size_t end() const { return at_; }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool skip(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool skip_any(std::string_view characters) {
    if (at_ == text_.size() || characters.find(peek()) == characters.npos) return false;
    ++at_;
    return true;
  }
  bool number(size_t digits_min, size_t digits_max, int& value) {
    size_t count = 0;
    value = 0;
    for (; count < digits_max && is_digit(peek()); ++count, ++at_)
      value = value * 10 + peek() - '0';
    return count >= digits_min;
  }
  bool month_name() {
    const int month = index_of_name(kTextMonths, text_.substr(std::min(at_, text_.size()), 3));
    if (month < 0 || text_.size() - at_ < 3) return false;
    at_ += 3;
    month_ = month + 1;
    return true;
  }
  void skip_weekday() {
    if (text_.size() - at_ < 4 || index_of_name(kTextWeekdays, text_.substr(at_, 3)) < 0) return;
    const size_t before = at_;
    at_ += 3;
    skip(',');
    if (!skip(' ')) at_ = before;
  }

  // 2026-11-02T08:15:04.250Z, 2026/11/02 08:15:04,250 +01:00
  bool iso() {
    if (!number(4, 4, year_)) return false;
    const char separator = peek();
    if (!skip_any("-/.") || !number(2, 2, month_) || !skip(separator) || !number(2, 2, day_)) {
      return false;
    }
    return skip_any("Tt _:") && clock() && zone();
  }
  // 20261102T081504.250Z
  bool compact() {
    if (!number(4, 4, year_) || !number(2, 2, month_) || !number(2, 2, day_)) return false;
    if (!skip_any("Tt -")) return false;
    if (is_digit(peek()) && peek(2) == ':') return clock() && zone();
    if (!number(2, 2, hour_) || !number(2, 2, minute_) || !number(2, 2, second_)) return false;
    return fraction() && zone();
  }
  // 02/Nov/2026:08:15:04 +0100, 02-Nov-2026 08:15:04.250, Mon, 02 Nov 2026 08:15:04 GMT
  bool day_first() {
    skip_weekday();
    if (!number(1, 2, day_)) return false;
    const char separator = peek();
    if (!skip_any("/- ") || !month_name() || !skip(separator) || !number(4, 4, year_)) return false;
    return skip_any(": T") && clock() && zone();
  }
  // Nov  2 08:15:04, Mon Nov  2 08:15:04.250 2026
  bool month_first() {
    skip_weekday();
    if (!month_name() || !skip(' ')) return false;
    skip(' ');
    if (!number(1, 2, day_) || !skip(' ')) return false;
    int year = 0;
    const size_t before = at_;
    if (number(4, 4, year) && skip(' ')) {
      year_ = year;
    } else {
      at_ = before;
    }
    if (!clock()) return false;
    const size_t end = at_;
    if (year_ < 0 && skip(' ') && number(4, 4, year) && !is_alphanumeric(peek()) && peek() != '-' &&
        peek() != ':') {
      year_ = year;
      return true;
    }
    at_ = end;
    return zone();
  }
  // I1102 08:15:04.250000
  bool glog() {
    return skip_any("IWEF") && number(2, 2, month_) && number(2, 2, day_) && skip(' ') && clock();
  }
  // 1793607304.250
  bool epoch() {
    const size_t start = at_;
    while (is_digit(peek())) ++at_;
    if (at_ - start < kEpochDigitsMin) return false;
    if (peek() == '.' && is_digit(peek(1))) {
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (is_word_character(peek()) || peek() == '.' || peek() == '-' || peek() == ':') return false;
    const auto time = parse_numeric_time(text_.substr(start, at_ - start));
    if (!time) return false;
    time_ = *time;
    done_ = true;
    return true;
  }

  // 08:15, 08:15:04, 08:15:04,250
  bool clock() {
    if (!number(2, 2, hour_) || !skip(':') || !number(2, 2, minute_)) return false;
    if (!skip(':')) return true;
    return number(2, 2, second_) && fraction();
  }
  bool fraction() {
    if ((peek() != '.' && peek() != ',' && peek() != ':') || !is_digit(peek(1))) return true;
    ++at_;
    int64_t scale = kSecond / 10;
    for (; is_digit(peek()); ++at_, scale /= 10) nanos_ += scale * (peek() - '0');
    return true;
  }
  // Z, +01:00, +0100, -08, UTC, with or without a space before it
  bool zone() {
    const size_t before = at_;
    const bool space = skip(' ');
    for (const std::string_view name : {"UTC", "GMT", "Z", "z"}) {
      if (!text_.substr(at_).starts_with(name)) continue;
      at_ += name.size();
      if (!is_word_character(peek())) return has_zone_ = true;
      break;
    }
    if (peek() == '+' || peek() == '-') {
      const bool negative = peek() == '-';
      ++at_;
      int hours = 0;
      int minutes = 0;
      if (number(2, 2, hours)) {
        const bool colon = skip(':');
        const bool has_minutes = number(2, 2, minutes);
        if ((has_minutes || (!colon && !space)) && !is_word_character(peek())) {
          offset_ = (hours * kHour + minutes * kMinute) * (negative ? -1 : 1);
          return has_zone_ = true;
        }
      }
    }
    at_ = before;
    return true;
  }

  bool finish(Timestamp now) {
    if (hour_ > 23 || minute_ > 59 || second_ > 60) return false;
    if (year_ >= 0) return set_time(year_);
    const auto day = std::chrono::floor<std::chrono::days>(
        std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(now)));
    const int this_year = static_cast<int>(std::chrono::year_month_day(day).year());
    for (int year = this_year + 1; year > this_year - 8; --year) {  // February 29 is rare
      if (set_time(year) && time_ - kAheadMax <= now) return true;
    }
    return false;
  }
  bool set_time(int year) {
    const std::chrono::year_month_day date(std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month_)),
                                           std::chrono::day(static_cast<unsigned>(day_)));
    if (!date.ok() || year < 1678 || year > 2261) return false;
    const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    time_ = days * kDay + hour_ * kHour + minute_ * kMinute + second_ * kSecond + nanos_ - offset_;
    if (local_ != nullptr && !has_zone_) time_ = local_->from_local(time_);
    return true;
  }

  const std::string_view text_;
  const TimeZone* const local_;  // of times without a zone; null: UTC
  size_t at_ = 0;
  bool done_ = false;  // time_ is set
  bool has_zone_ = false;
  int year_ = -1;  // -1: none
  int month_ = 0;
  int day_ = 0;
  int hour_ = 0;
  int minute_ = 0;
  int second_ = 0;
  int64_t nanos_ = 0;
  Duration offset_ = 0;
  Timestamp time_ = 0;
};

// Whether the byte before a time can be part of a word or a number.
bool begins_word(std::string_view line, size_t at) {
  return at == 0 || !(is_word_character(line[at - 1]) || line[at - 1] == '.' ||
                      line[at - 1] == '-' || line[at - 1] == ':' || line[at - 1] == '/');
}

bool follows_time_key(std::string_view line, size_t at) {
  if (at > 0 && line[at - 1] == '"') --at;
  const std::string_view before = line.substr(0, at);
  return std::any_of(kTextTimeKeys.begin(), kTextTimeKeys.end(), [&](std::string_view key) {
    return before.ends_with(key) && begins_word(before, before.size() - key.size());
  });
}

}  // namespace

std::optional<TextTime> find_text_time(std::string_view line, Timestamp now) {
  if (line.empty() || is_blank(line.front())) return std::nullopt;
  const std::string_view searched = line.substr(0, kSearchedBytesMax);
  size_t words = 0;
  for (size_t at = 0; at < searched.size(); ++at) {
    const char before = at == 0 ? ' ' : searched[at - 1];
    if (at > 0 && before == ' ' && searched[at] != ' ') ++words;
    const bool candidate = is_digit(searched[at]) || is_upper(searched[at]);
    const bool opened = before == '[' || before == '(' || before == '<' || before == '>' ||
                        before == '|' || before == '"' || before == ' ';
    const bool place =
        (words < kWordsMax && opened) || before == '[' || follows_time_key(searched, at);
    if (!candidate || !place || !begins_word(searched, at)) continue;
    TimeScanner scanner(line.substr(at));
    if (scanner.read(now)) return TextTime{scanner.time(), at, at + scanner.end()};
  }
  return std::nullopt;
}

std::optional<TextTime> read_text_time(std::string_view text, Timestamp now, const TimeZone& zone) {
  TimeScanner scanner(text, &zone);
  if (!scanner.read(now)) return std::nullopt;
  return TextTime{scanner.time(), 0, scanner.end()};
}

bool starts_with_time(std::string_view text) {
  while (const size_t length = control_sequence_length(text)) text.remove_prefix(length);
  if (text.starts_with('[') || text.starts_with('(')) text.remove_prefix(1);
  if (text.empty() || !(is_digit(text[0]) || is_upper(text[0]))) return false;
  TimeScanner scanner(text);
  if (scanner.read(0)) return true;
  // A date alone, as before a space, and a time of day.
  const auto shaped = [&](std::string_view shape) {
    if (text.size() < shape.size()) return false;
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == '0' ? !is_digit(text[i]) : text[i] != shape[i]) return false;
    }
    return text.size() == shape.size() || !is_word_character(text[shape.size()]);
  };
  return shaped("0000-00-00") || shaped("0000/00/00") || shaped("0000.00.00") ||
         shaped("00:00:00") || shaped("00:00") || shaped("00/00/0000") || shaped("00.00.0000");
}

}  // namespace tocsin
