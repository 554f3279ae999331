// Alerts of Tocsin about itself: type SELF, in the measurement `alerts` and to the forwarders like
// any other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/base/time.h"
#include "rules/alert.h"
#include "rules/rule.h"
#include "rules/state.h"

namespace tocsin {

/// A rule of that name and of the type SELF.
Rule self_rule(std::string_view name);

/// Something that happened and is over: a firing and a resolved event.
std::vector<AlertEvent> passing_self_alert(std::string_view name, const GroupValues& group,
                                           const std::string& summary, Timestamp now);

/// Something that is so or is not: `current` are the groups for which it is so now, with a summary
/// each. Returns the events of what changed since the state.
std::vector<AlertEvent> standing_self_alerts(
    std::string_view name, const std::vector<std::pair<GroupValues, std::string>>& current,
    Timestamp now, RuleState& state);

}  // namespace tocsin
