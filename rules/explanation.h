// Why an alert fires: the values that are over-represented among its events.
//
// The events are compared with the usual ones: those of the group in the windows of the rule's
// baseline, or in a time before that is four times as long as the window. A rule that counts some
// of its events (`count() where X` beside `count()`) or that measures them (`p95(duration_ms)`) is
// about those that satisfy X, or whose measurement is above the usual 95th percentile. Then only
// these are compared with the usual ones of their kind, and also with the other events of the
// window.
#pragma once

#include <atomic>
#include <vector>

#include "query/query.h"
#include "rules/alert.h"
#include "rules/evaluate.h"
#include "rules/state.h"

namespace tocsin {

/// Limits of one evaluation, and of one alert.
inline constexpr Duration kExplanationTimeMax = 2 * kSecond;
inline constexpr size_t kExplainedAlertsMax = 20;
inline constexpr size_t kExplainedValuesMax = 3;
inline constexpr size_t kExplanationRowsMax = 8;
inline constexpr size_t kExplanationBytesMax = 4 * kKiB;
/// Windows of a baseline that are compared, evenly spread over all of them.
inline constexpr int64_t kUsualWindowsMax = 28;

/// Sets `explanation`, and the annotation of that name, of the events that begin a firing, the most
/// severe first; also of the copies in `state`. What is not ready after kExplanationTimeMax stays
/// empty, and so does what fails.
void explain_alerts(const CompiledRule& compiled, const QueryEngine& queries, const TimeZone& zone,
                    const std::atomic<bool>* cancelled, std::vector<AlertEvent>& events,
                    RuleState& state);

}  // namespace tocsin
