// The groups of a baseline by some of their keys alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/aggregate/group_table.h"
#include "query/scan/execution.h"

namespace tocsin {

struct GroupParts {
  GroupTable numbers;                         ///< of the combinations of values of these keys
  std::vector<uint32_t> part_of;              ///< by group
  std::vector<std::vector<uint32_t>> groups;  ///< by part
};

/// `keys` are those of `groups`, whose types are `key_types`; without any, all groups are one part.
Result<GroupParts> part_groups(Execution& execution, GroupTable& groups,
                               std::span<const ValueType> key_types,
                               std::span<const uint32_t> keys);

}  // namespace tocsin
