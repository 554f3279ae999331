// The query that leads from an alert to its events. Pure.
#pragma once

#include <string>

#include "db/base/time.h"
#include "rules/evaluate.h"

namespace tocsin {

/// Longest query of an alert, in bytes.
inline constexpr size_t kAlertQueryBytesMax = 4 * 1'024;

/// The rule's query up to its first stats, over `range`, for the events of the group that satisfy
/// the first `where` of an aggregate, like sample_events(). Parameters and now() are replaced by
/// their values, so that it can be run anywhere and at any time. Empty if it would be too long.
std::string alert_query(const CompiledRule& compiled, TimeRange range, const GroupValues& group,
                        const TimeZone& zone);

}  // namespace tocsin
