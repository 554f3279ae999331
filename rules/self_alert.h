// Alerts of Tocsin about itself. Their type is SELF; they are stored and sent like any other alert.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/base/time.h"
#include "rules/alert.h"
#include "rules/apply.h"
#include "rules/rule.h"
#include "rules/state.h"

namespace tocsin {

/// A rule with the name and the type SELF.
Rule self_rule(std::string_view name);

/// For something that happened and is over: a firing and a resolved event.
std::vector<AlertEvent> passing_self_alert(std::string_view name, const GroupValues& group,
                                           const std::string& summary, Timestamp now,
                                           const HoldBack& hold_back);

/// For a condition that lasts: `current` has the groups for which it holds now, each with a
/// summary. Updates `state` and returns the events of the groups that changed.
std::vector<AlertEvent> standing_self_alerts(
    std::string_view name, const std::vector<std::pair<GroupValues, std::string>>& current,
    Timestamp now, const HoldBack& hold_back, RuleState& state);

}  // namespace tocsin
