// sort, top and limit over a table.
#include <algorithm>
#include <numeric>

#include "query/operator/operators.h"

namespace tocsin {

Table table_sort(Table input, std::span<const SortKey> keys, std::optional<uint64_t> limit) {
  // Equal rows are sorted into the pending order; after that, their places make the sort stable.
  std::vector<SortKey> all(keys.begin(), keys.end());
  all.insert(all.end(), input.pending_order.begin(), input.pending_order.end());
  const TableOrder order(input, all);
  const auto before = [&](uint32_t a, uint32_t b) {
    const int result = order.compare(a, b);
    return result != 0 ? result < 0 : a < b;
  };
  std::vector<uint32_t> rows(input.row_count);
  std::iota(rows.begin(), rows.end(), 0u);
  if (limit && *limit < rows.size()) {
    const auto end = rows.begin() + static_cast<ptrdiff_t>(*limit);
    std::nth_element(rows.begin(), end, rows.end(), before);
    rows.resize(*limit);
  }
  std::ranges::sort(rows, before);
  return input.gather(rows);
}

Table settle_order(Table input) {
  if (input.pending_order.empty()) return input;
  return table_sort(std::move(input), {}, std::nullopt);
}

Table table_limit(Table input, uint64_t count) {
  if (!input.pending_order.empty()) return table_sort(std::move(input), {}, count);
  if (input.row_count <= count) return input;
  std::vector<uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0u);
  return input.gather(rows);
}

}  // namespace tocsin
