// Judges which groups of a baseline are new, gone or shifted.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "query/operator/baseline_prefix.h"

namespace tocsin {

/// The columns of the baseline's novelty, with a row for each of `shown`, which are groups of
/// `groups`. `records` are those of all windows, by window.
Result<std::vector<TableColumn>> judge_novelty(
    Execution& execution, const BaselinePrefix& prefix, const Windows& windows,
    std::span<const std::shared_ptr<const WindowRecord>> records, GroupTable& groups,
    std::span<const uint32_t> shown);

}  // namespace tocsin
