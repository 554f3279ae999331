#include "query/usual/novelty.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "query/usual/chance.h"

namespace tocsin {
namespace {

constexpr double kRepeated = 3;            // events of a new group
constexpr double kNewShareMin = 0.001;     // of the whole
constexpr double kGoneShareMin = 0.01;     // before
constexpr double kShiftFactor = 3;         // between the shares now and before
constexpr double kNoveltySurpriseMin = 6;  // one in a million
constexpr uint32_t kBlocksMin = 4;         // before a group can be gone or shifted

bool is_lower(double hits, double trials, double other_hits, double other_trials) {
  return hits * other_trials < other_hits * trials;
}

}  // namespace

const char* name_of(NoveltyKind kind) {
  switch (kind) {
    case NoveltyKind::kNew: return "new";
    case NoveltyKind::kGone: return "gone";
    case NoveltyKind::kShifted: return "shifted";
    case NoveltyKind::kNone: break;
  }
  return nullptr;
}

NoveltyJudge::NoveltyJudge(size_t window_count, Duration step, std::span<const uint32_t> wholes)
    : window_count_(window_count),
      windows_per_block_(static_cast<size_t>(std::max<Duration>(kNoveltyBlock / step, 1))),
      windows_per_day_(static_cast<size_t>(std::max<Duration>(kDay / step, 1))),
      groups_(wholes.size()) {
  for (size_t group = 0; group < wholes.size(); ++group) {
    groups_[group].whole = wholes[group];
    if (wholes[group] >= wholes_.size()) wholes_.resize(wholes[group] + 1);
  }
}

void NoveltyJudge::add(uint32_t number, double count) {
  if (!(count > 0)) return;
  Group& group = groups_[number];
  Whole& whole = wholes_[group.whole];
  const auto window = static_cast<uint32_t>(window_);
  if (!std::exchange(group.seen, true)) {
    group.first_window = window;
    group.first_block = block_;
  }
  if (!std::exchange(whole.seen, true)) whole.first_window = window;
  if (window_ - group.first_window < windows_per_block_) group.first_hits += count;
  group.block += count;
  whole.block += count;
}

// The newest block ends with the last window; the oldest may be shorter.
void NoveltyJudge::end_window() {
  ++window_;
  const size_t left = window_count_ - window_;
  if (left == 0) return count_days_with_new();
  if (left % windows_per_block_ == 0) end_block();
}

void NoveltyJudge::end_block() {
  for (Group& group : groups_) {
    const double trials = wholes_[group.whole].block;
    if (trials == 0) continue;
    const double hits = std::exchange(group.block, 0);
    if (!group.seen) continue;
    group.before += hits;
    if (group.highest.trials == 0 ||
        is_lower(group.highest.hits, group.highest.trials, hits, trials))
      group.highest = {hits, trials};
    // The first block may be the rest of one.
    if (block_ > group.first_block &&
        (group.lowest.trials == 0 ||
         is_lower(hits, trials, group.lowest.hits, group.lowest.trials)))
      group.lowest = {hits, trials};
  }
  for (Whole& whole : wholes_) whole.before += std::exchange(whole.block, 0);
  ++block_;
}

// Days are counted back from the newest block. On its first day, everything about a whole is new.
void NoveltyJudge::count_days_with_new() {
  const size_t recent = window_count_ - std::min(windows_per_block_, window_count_);
  for (Whole& whole : wholes_) {
    if (!whole.seen || whole.first_window >= recent) continue;
    const size_t days = (recent - whole.first_window) / windows_per_day_;
    whole.days = static_cast<uint32_t>(days > 0 ? days - 1 : 0);
  }
  std::set<std::pair<uint32_t, size_t>> days_with_new;
  for (const Group& group : groups_) {
    const Whole& whole = wholes_[group.whole];
    if (!group.seen || group.first_window >= recent || group.first_hits < kRepeated) continue;
    const size_t day = (recent - 1 - group.first_window) / windows_per_day_;
    if (day < whole.days) days_with_new.emplace(group.whole, day);
  }
  for (const auto& [whole, day] : days_with_new) ++wholes_[whole].days_with_new;
}

Novelty NoveltyJudge::judge(uint32_t number) const {
  const Group& group = groups_[number];
  const Whole& whole = wholes_[group.whole];
  const double hits = group.block, trials = whole.block;
  Novelty out;
  if (group.seen) out.first_window = group.first_window;
  out.share = trials > 0 ? hits / trials : std::nan("");
  out.usual_new = (whole.days_with_new + 1.0) / (whole.days + 2.0);
  const bool known = whole.before > 0 && window_count_ - whole.first_window >= windows_per_day_;
  out.before_share = known ? group.before / whole.before : std::nan("");
  if (!known || trials == 0) return out;
  if (group.before == 0) {
    if (hits >= kRepeated && hits >= kNewShareMin * trials) out.kind = NoveltyKind::kNew;
    return out;
  }
  if (block_ < group.first_block + kBlocksMin) return out;
  const auto low = [&] {
    return surprise_of_low_share({group.lowest.hits, group.lowest.trials}, hits, trials) >=
           kNoveltySurpriseMin;
  };
  const auto high = [&] {
    return surprise_of_high_share({group.highest.hits, group.highest.trials}, hits, trials) >=
           kNoveltySurpriseMin;
  };
  if (hits == 0) {
    if (out.before_share >= kGoneShareMin && low()) out.kind = NoveltyKind::kGone;
  } else if (kShiftFactor * hits * whole.before <= group.before * trials) {
    if (low()) out.kind = NoveltyKind::kShifted;
  } else if (hits * whole.before >= kShiftFactor * group.before * trials) {
    if (high()) out.kind = NoveltyKind::kShifted;
  }
  return out;
}

size_t NoveltyJudge::memory_bytes(size_t group_count) {
  return group_count * (sizeof(Group) + sizeof(Whole));
}

}  // namespace tocsin
