// Decides which labels count: whether somebody who knew the true rates could see the incident.
#pragma once

#include "tools/generate/worlds/state.h"

namespace tocsin::generate {

/// Whether the events of an incident prove it; see significance.h for the tests. Compares the state
/// a minute before its start with the state in its last minute.
bool is_provable(const World& world, const Timeline& timeline, const Incident& incident,
                 TimeRange label_range);

}  // namespace tocsin::generate
