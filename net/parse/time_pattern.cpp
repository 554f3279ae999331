#include "net/parse/time_pattern.h"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

constexpr std::string_view kDirectives = "YymbdjHIpMSzsaFT%";
constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};
constexpr std::array<std::string_view, 7> kWeekdays = {
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};

/// Reads one text. Each function advances past what it reads, or returns false.
class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : rest_(text) {}

  bool read(std::string_view pattern) {
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == ' ') {
        skip_spaces();
      } else if (pattern[i] == '%') {
        if (!read_directive(pattern[++i])) return false;
      } else if (!skip(pattern[i])) {
        return false;
      }
    }
    return true;
  }
  bool at_end() const { return rest_.empty(); }

  std::optional<Timestamp> time(const TimeZone& zone) const {
    if (epoch_) return time_of(*epoch_, 0, zone);
    if (pm_ && (hour_ == 0 || hour_ > 12)) return std::nullopt;
    const int hour = pm_ ? hour_ % 12 + (*pm_ ? 12 : 0) : hour_;
    if (hour > 23 || minute_ > 59 || second_ > 60) return std::nullopt;  // 60: a leap second
    const auto days = day_number();
    if (!days) return std::nullopt;
    const int64_t local = *days * 86'400 + hour * 3'600 + minute_ * 60 + second_;
    return time_of(local, offset_.value_or(0), offset_ ? TimeZone() : zone);
  }

 private:
  bool read_directive(char directive) {
    switch (directive) {
      case 'Y': return read_number(4, year_);
      case 'y': return read_short_year();
      case 'm': return read_number(2, month_);
      case 'b': return read_name(kMonths, month_);
      case 'd': return skip_spaces(), read_number(2, day_);
      case 'j': return read_number(3, day_of_year_);
      case 'H':
      case 'I': return skip_spaces(), read_number(2, hour_);
      case 'p': return read_half();
      case 'M': return read_number(2, minute_);
      case 'S': return read_number(2, second_) && read_decimals();
      case 'z': return read_offset();
      case 's': return read_epoch();
      case 'F': return read("%Y-%m-%d");
      case 'T': return read("%H:%M:%S");
      case '%': return skip('%');
      default: break;
    }
    int ignored = 0;
    return read_name(kWeekdays, ignored);
  }

  void skip_spaces() { rest_ = trimmed_start(rest_); }
  bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool read_number(size_t digits_max, int& out) {
    size_t size = 0;
    out = 0;
    for (; size < std::min(digits_max, rest_.size()) && is_digit(rest_[size]); ++size) {
      out = out * 10 + (rest_[size] - '0');
    }
    rest_.remove_prefix(size);
    return size > 0;
  }

  bool read_short_year() {
    if (!read_number(2, year_)) return false;
    year_ += year_ < 69 ? 2'000 : 1'900;  // as POSIX defines %y
    return true;
  }

  // A name or its first three letters; sets `number`, which counts from 1.
  template <size_t kCount>
  bool read_name(const std::array<std::string_view, kCount>& names, int& number) {
    size_t size = 0;
    while (size < rest_.size() && is_letter(rest_[size])) ++size;
    const std::string word = lower_case(rest_.substr(0, size));
    rest_.remove_prefix(size);
    for (size_t i = 0; i < kCount; ++i) {
      number = static_cast<int>(i) + 1;
      if (word == names[i] || word == names[i].substr(0, 3)) return true;
    }
    return false;
  }

  bool read_half() {
    const std::string half = lower_case(rest_.substr(0, 2));
    if (half != "am" && half != "pm") return false;
    rest_.remove_prefix(2);
    pm_ = half == "pm";
    return true;
  }

  // Decimals below a nanosecond are truncated.
  bool read_decimals() {
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit(rest_[1])) {
      return true;
    }
    rest_.remove_prefix(1);
    for (int64_t unit = kSecond / 10; !rest_.empty() && is_digit(rest_[0]); unit /= 10) {
      nanoseconds_ += unit * (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return true;
  }

  bool read_offset() {
    skip_spaces();
    for (const std::string_view name : {"UTC", "GMT", "Z", "z"}) {
      if (!rest_.starts_with(name)) continue;
      rest_.remove_prefix(name.size());
      offset_ = 0;
      return true;
    }
    const bool west = rest_.starts_with('-');
    if (!west && !rest_.starts_with('+')) return false;
    rest_.remove_prefix(1);
    int hours = 0, minutes = 0;
    if (!read_number(2, hours)) return false;
    skip(':');
    if (!rest_.empty() && is_digit(rest_[0])) read_number(2, minutes);
    if (hours > 23 || minutes > 59) return false;
    offset_ = (west ? -1 : 1) * (hours * 3'600 + minutes * 60);
    return true;
  }

  bool read_epoch() {
    int64_t seconds = 0;
    size_t size = 0;
    for (; size < std::min<size_t>(rest_.size(), 12) && is_digit(rest_[size]); ++size) {
      seconds = seconds * 10 + (rest_[size] - '0');
    }
    rest_.remove_prefix(size);
    epoch_ = seconds;
    return size > 0 && read_decimals();
  }

  // Days since 1970.
  std::optional<int64_t> day_number() const {
    namespace chrono = std::chrono;
    const chrono::year year(year_);
    if (day_of_year_ > 0) {
      if (day_of_year_ > (year.is_leap() ? 366 : 365)) return std::nullopt;
      const chrono::sys_days first = year / chrono::January / 1;
      return first.time_since_epoch().count() + day_of_year_ - 1;
    }
    const chrono::year_month_day date(year, chrono::month(static_cast<unsigned>(month_)),
                                      chrono::day(static_cast<unsigned>(day_)));
    if (!date.ok()) return std::nullopt;
    return chrono::sys_days(date).time_since_epoch().count();
  }

  std::optional<Timestamp> time_of(int64_t seconds, int64_t offset, const TimeZone& zone) const {
    int64_t local = 0;
    if (__builtin_mul_overflow(seconds - offset, kSecond, &local) ||
        __builtin_add_overflow(local, nanoseconds_, &local)) {
      return std::nullopt;
    }
    return epoch_ ? local : zone.from_local(local);
  }

  std::string_view rest_;
  int year_ = 1970, month_ = 1, day_ = 1, day_of_year_ = 0;
  int hour_ = 0, minute_ = 0, second_ = 0;
  int64_t nanoseconds_ = 0;
  std::optional<bool> pm_;
  std::optional<int64_t> offset_;  // of local time from UTC, in seconds
  std::optional<int64_t> epoch_;
};

bool has_directive(std::string_view pattern, std::string_view letters) {
  for (size_t i = 0; i + 1 < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    if (letters.find(pattern[++i]) != letters.npos) return true;
  }
  return false;
}

}  // namespace

Status check_time_pattern(std::string_view pattern) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    ++i;
    if (i < pattern.size() && kDirectives.find(pattern[i]) != kDirectives.npos) continue;
    return fail(ErrorCode::kInvalid,
                fmt::format("`%{}` of the time layout `{}` is not known; use %Y %y %m %b %d %j %H "
                            "%I %p %M %S %z %s %a %F %T or %%",
                            pattern.substr(i, 1), pattern));
  }
  const auto has = [&](std::string_view letters) { return has_directive(pattern, letters); };
  const bool day = has("j") || (has("mb") && has("d"));
  if (!has("s") && !has("F") && !(has("Yy") && day)) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("the time layout `{}` has no complete date: it needs a year, a month and a "
                    "day, like %d/%b/%Y:%H:%M:%S, or seconds since 1970, %s",
                    pattern));
  }
  if (has("I") == has("p")) return {};
  return fail(ErrorCode::kInvalid,
              fmt::format("the time layout `{}` needs %I and %p together, or %H for hours up to 23",
                          pattern));
}

std::optional<Timestamp> read_time_pattern(std::string_view pattern, std::string_view text,
                                           const TimeZone& zone) {
  PatternReader reader(text);
  if (!reader.read(pattern) || !reader.at_end()) return std::nullopt;
  return reader.time(zone);
}

}  // namespace tocsin
