#include "query/operator/group_parts.h"

#include <numeric>

#include "query/operator/baseline_prefix.h"

namespace tocsin {

Result<GroupParts> part_groups(Execution& execution, GroupTable& groups,
                               std::span<const ValueType> key_types,
                               std::span<const uint32_t> keys) {
  std::vector<uint32_t> all(groups.group_count());
  std::iota(all.begin(), all.end(), 0);
  Table table;
  table.row_count = all.size();
  std::vector<uint32_t> columns;
  std::vector<ValueType> types;
  for (const uint32_t k : keys) {
    columns.push_back(static_cast<uint32_t>(columns.size()));
    types.push_back(key_types[k]);
    groups.append_key(k, all, table.columns.emplace_back(types.back()));
  }
  MemoryGauge gauge(execution);
  TOCSIN_RETURN_IF_ERROR(gauge.set(table.memory_bytes() + 3 * all.size() * sizeof(all[0])));
  GroupParts parts{GroupTable(types), {}, {}};
  TOCSIN_TRY(parts.part_of, number_groups(execution, table, columns, parts.numbers));
  parts.groups.resize(parts.numbers.group_count());
  for (const uint32_t group : all) parts.groups[parts.part_of[group]].push_back(group);
  return parts;
}

}  // namespace tocsin
