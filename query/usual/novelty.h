// Which groups of a whole are new, gone or shifted: message templates of a service, for example.
//
// The newest hours are compared with the blocks of as many hours before them. A group is
// - new if it first appeared in the newest hours, and repeatedly;
// - gone if it has no event in them, although even its lowest share of any block before makes that
//   nearly impossible; so what comes once a night is not gone by day;
// - shifted if its share is several times as high, or as low, as before, and nearly impossible even
//   by its highest, or lowest, share of any block.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "db/base/time.h"

namespace tocsin {

/// The newest hours, and the length of a block.
inline constexpr Duration kNoveltyBlock = 6 * kHour;

enum class NoveltyKind : uint8_t { kNone, kNew, kGone, kShifted };
const char* name_of(NoveltyKind kind);  ///< null for kNone

struct Novelty {
  double share = 0;         ///< of the whole, in the newest hours; NaN: the whole has no events
  double before_share = 0;  ///< before them; NaN: too little is known, and so the kind is kNone
  std::optional<uint32_t> first_window;  ///< with an event, counted from the oldest
  NoveltyKind kind = NoveltyKind::kNone;
  /// Of earlier days, the share on which the whole had a new group, in (0, 1): 0.5 if nothing is
  /// known, toward 1 if each day has one, as with texts that are hardly ever repeated.
  double usual_new = 0.5;
};

/// Reads the counts of all groups window by window, oldest first. Needs memory by group, not by
/// window.
class NoveltyJudge {
 public:
  /// Of `window_count` windows, each `step` long. `wholes` has the number of each group's whole.
  NoveltyJudge(size_t window_count, Duration step, std::span<const uint32_t> wholes);

  void add(uint32_t group, double count);  ///< in the next window
  void end_window();                       ///< call `window_count` times
  /// Call after the last window.
  Novelty judge(uint32_t group) const;

  /// An upper bound of the memory for `group_count` groups.
  static size_t memory_bytes(size_t group_count);

 private:
  struct Part {  // a group's events in a block, and those of its whole
    double hits = 0, trials = 0;
  };
  struct Group {
    uint32_t whole = 0;
    uint32_t first_window = 0, first_block = 0;
    bool seen = false;
    double block = 0;       // events in the current block
    double before = 0;      // in all blocks before
    double first_hits = 0;  // within a block's length of the first
    Part highest, lowest;   // of the blocks before
  };
  struct Whole {
    uint32_t first_window = 0;
    bool seen = false;
    double block = 0, before = 0;
    uint32_t days = 0, days_with_new = 0;
  };

  void end_block();
  void count_days_with_new();

  size_t window_count_, windows_per_block_, windows_per_day_;
  size_t window_ = 0;  // the next one
  uint32_t block_ = 0;
  std::vector<Group> groups_;
  std::vector<Whole> wholes_;
};

}  // namespace tocsin
