// Limits of the texts that describe an alert. An alert is stored in its row, in its rule's state
// and in an outbox entry per forwarder, so an unlimited text could make it impossible to store.
// Only descriptions are cut: fingerprints and the choice of forwarders use the whole values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "db/limits.h"
#include "rules/alert.h"

namespace tocsin {

inline constexpr size_t kLabelBytesMax = kKiB;            ///< also of `type` and `service`
inline constexpr size_t kAnnotationBytesMax = 16 * kKiB;  ///< also of `summary`
inline constexpr size_t kSampleBytesMax = 4 * kKiB;       ///< of one event kept as evidence
inline constexpr size_t kAlertBytesMax = 128 * kKiB;      ///< of an alert as JSON
/// Of the names of a rule's `by` columns, labels and annotations together, which are never cut.
inline constexpr size_t kAlertNameBytesMax = 16 * kKiB;

/// All copies of the alerts of one rule's window together: rows, state, outbox entries.
inline constexpr size_t kWindowAlertBytesMax = kBatchBytesMax / 4;

/// `text` with at most `bytes_max` bytes, cut between characters; a cut text ends in `…`.
std::string cut_text(std::string_view text, size_t bytes_max);

/// Cuts the texts of an alert to their limits. If its JSON is then still longer than `bytes_max`,
/// drops samples, the last first, then the explanation, then the query, and then cuts all texts
/// further. Names are
/// never cut.
void cut_alert(AlertEvent& event, size_t bytes_max = kAlertBytesMax);

/// The most bytes for each of `alert_count` alerts of one window, given the number of forwarders.
size_t alert_bytes_max(size_t alert_count, size_t forwarder_count);

}  // namespace tocsin
