// Judges groups of a baseline by the series of their windows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "query/operator/baseline_prefix.h"
#include "query/usual/past.h"

namespace tocsin {

/// One group and how to judge it.
struct JudgedGroup {
  uint32_t group = 0;
  uint32_t first_window = 0;          ///< the oldest with a row
  std::span<const uint8_t> excluded;  ///< by window; empty: none
};

/// The columns of all judgements of the baseline, with a row for each of `groups`. `records` are
/// those of all windows, by window.
Result<std::vector<TableColumn>> judge_groups(
    Execution& execution, const BaselinePrefix& prefix, const Windows& windows,
    std::span<const std::shared_ptr<const WindowRecord>> records,
    std::span<const JudgedGroup> groups);

}  // namespace tocsin
