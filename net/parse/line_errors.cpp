#include "net/parse/line_errors.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "db/limits.h"
#include "net/parse/framer.h"

namespace tocsin {

void LineWarnings::add(const LineWarnings& other) {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].count == 0) entries_[i].first = other.entries_[i].first;
    entries_[i].count += other.entries_[i].count;
  }
}

uint64_t LineWarnings::untimed_count() const {
  uint64_t count = 0;
  for (const LineWarning kind : kLineWarnings) {
    if (kind != LineWarning::kOddKey) count += (*this)[kind].count;
  }
  return count;
}

std::string warning_text(LineWarning warning, const LineWarnings::Entry& entry) {
  const bool one = entry.count == 1;
  const std::string events = fmt::format("{} {}", entry.count, one ? "event" : "events");
  const std::string stored =
      one ? "is stored with its time of arrival" : "are stored with their time of arrival";
  const std::string first = entry.first.empty() ? "" : fmt::format(" ({})", entry.first);
  switch (warning) {
    case LineWarning::kNoTime:
      return fmt::format("{} without a recognisable time {}{}", events, stored, first);
    case LineWarning::kTimeKeyMissing:
      return fmt::format("{} without the named time key {}{}", events, stored, first);
    case LineWarning::kNoTimestamp:
      return fmt::format("{} {} of line protocol without a timestamp {}{}", entry.count,
                         one ? "line" : "lines", stored, first);
    case LineWarning::kTextWithoutTime:
      return fmt::format("{} {} of text before the first time {}{}", entry.count,
                         one ? "line" : "lines", stored, first);
    case LineWarning::kOddKey: break;
  }
  return fmt::format("{} with odd keys{}", events, first);
}

std::string duplicate_key(std::string_view key) {
  return fmt::format("the key `{}` occurs twice: only its last value is stored",
                     key.substr(0, kShownBytesMax));
}

std::string too_long(const char* what, size_t bytes) {
  return fmt::format("{} of {} bytes, at most {} are possible", what, bytes, kLineBytesMax);
}

void LineErrors::add(LineError error) {
  const size_t line_bytes = std::min(error.text.size(), kRejectedLineBytesMax);
  const size_t bytes = line_bytes + error.reason.size() + kRejectedRowBytes;
  if (counted_ == 0 && kept_bytes_ + bytes <= kRejectedMinuteBytesMax) {
    kept_bytes_ += bytes;
    kept_.push_back(std::move(error));
    return;
  }
  ++counted_;
  const auto count = counts_.find(error.reason);
  if (count != counts_.end()) {
    ++count->second;
    return;
  }
  const bool room = counts_.size() < kRejectedReasonsMax;
  ++counts_[room ? std::move(error.reason) : std::string(kOtherReasons)];
}

void LineErrors::add_counted(std::vector<RejectedLine>& out) const {
  for (const auto& [reason, count] : counts_) out.push_back({reason, "", count});
}

void LineErrors::add_all(std::vector<RejectedLine>& out) const {
  for (const LineError& error : kept_) {
    out.push_back(rejected_line(error.reason, error.text));
  }
  add_counted(out);
}

}  // namespace tocsin
