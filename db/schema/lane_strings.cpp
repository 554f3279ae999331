#include "db/schema/lane_strings.h"

#include <algorithm>

namespace tocsin {
namespace {

constexpr size_t kSlotsMin = 32;

/// With at least this many entries, a lane in which three of four values were new is distinct.
constexpr size_t kDistinctMin = 64;

}  // namespace

uint32_t LaneStrings::find_or_append(std::string_view text) {
  const auto number = static_cast<uint32_t>(entries_.size());
  const uint32_t hash = hash_string(text);
  if (!distinct_) {
    if (entries_.size() * 2 >= slots_.size()) grow();
    const size_t mask = slots_.size() - 1;
    size_t at = hash & mask;
    for (size_t probe = 0; probe < kProbesMax && slots_[at] != 0; ++probe, at = (at + 1) & mask) {
      const Entry& entry = entries_[slots_[at] - 1];
      if (entry.hash != hash || !equal_strings(entry.text(), text)) continue;
      ++found_;
      return slots_[at] - 1;
    }
    if (slots_[at] == 0) slots_[at] = number + 1;
    distinct_ = entries_.size() >= kDistinctMin && found_ * 3 < entries_.size();
  }
  entries_.push_back({text.data(), static_cast<uint32_t>(text.size()), hash});
  return number;
}

void LaneStrings::insert(uint32_t number) {
  const size_t mask = slots_.size() - 1;
  size_t at = entries_[number].hash & mask;
  for (size_t probe = 0; probe < kProbesMax && slots_[at] != 0; ++probe) at = (at + 1) & mask;
  if (slots_[at] == 0) slots_[at] = number + 1;
}

void LaneStrings::grow() {
  slots_.assign(std::max(kSlotsMin, slots_.size() * 4), 0);
  for (uint32_t number = 0; number < entries_.size(); ++number) insert(number);
}

}  // namespace tocsin
