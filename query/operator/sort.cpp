// sort, top and limit over a table.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>
#include <utility>

#include "query/operator/operators.h"

namespace tocsin {
namespace {

/// As many rows are ordered between two checks of the time.
constexpr size_t kRowsPerPiece = 64 * 1024;
constexpr uint64_t kNullPrefix = UINT64_MAX;  // nulls come last in both directions

// The first eight bytes of a text from `offset` on, as a number of the same order.
uint64_t text_prefix(std::string_view text, size_t offset) {
  std::array<char, sizeof(uint64_t)> bytes{};
  if (offset < text.size()) {
    std::memcpy(bytes.data(), text.data() + offset, std::min(bytes.size(), text.size() - offset));
  }
  uint64_t word = 0;
  std::memcpy(&word, bytes.data(), sizeof word);
  return __builtin_bswap64(word);
}

constexpr uint64_t kSignBit = uint64_t{1} << 63;

uint64_t ordered_bits(int64_t value) { return static_cast<uint64_t>(value) ^ kSignBit; }
uint64_t ordered_bits(double value) {
  const auto bits = std::bit_cast<uint64_t>(value + 0.0);  // -0.0 becomes 0.0
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}

/// Orders the rows of a table by several keys. Next to each row's number it keeps eight bytes of
/// the first key, those after what all texts have in common: reading the keys of two rows in each
/// comparison would cost a cache miss for each.
class RowSorter {
 public:
  RowSorter(Execution& execution, const Table& table, std::span<const SortKey> keys)
      : execution_(execution),
        gauge_(execution),
        table_(table),
        keys_(keys.begin(), keys.end()),
        order_(table, keys) {}

  /// The rows in order; only the first `limit`, if there is one. Equal rows stay in their order.
  Result<std::vector<uint32_t>> sort(std::optional<uint64_t> limit) {
    const size_t count = table_.row_count;
    const size_t left = static_cast<size_t>(std::min<uint64_t>(limit.value_or(count), count));
    const size_t merged_bytes = left > kRowsPerPiece ? left * sizeof(Item) : 0;
    TOCSIN_RETURN_IF_ERROR(
        gauge_.set(count * sizeof(Item) + merged_bytes + left * sizeof(uint32_t)));
    items_.resize(count);
    for (uint32_t i = 0; i < count; ++i) items_[i] = {0, i};
    if (!keys_.empty()) set_prefixes();
    const auto before = [&](const Item& a, const Item& b) {
      if (a.prefix != b.prefix) return a.prefix < b.prefix;
      const int order = order_.compare(a.row, b.row);
      return order != 0 ? order < 0 : a.row < b.row;
    };
    if (limit && *limit < count) {
      std::nth_element(items_.begin(), at(*limit), items_.end(), before);
      items_.resize(*limit);
    }
    TOCSIN_RETURN_IF_ERROR(merge_sort(before));
    std::vector<uint32_t> rows(items_.size());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = items_[i].row;
    return rows;
  }

 private:
  struct Item {
    uint64_t prefix;
    uint32_t row;
  };

  std::vector<Item>::iterator at(size_t place) {
    return items_.begin() + static_cast<ptrdiff_t>(std::min(place, items_.size()));
  }

  // The number of bytes in which all texts of the column agree.
  size_t common_bytes(const TableColumn& column) const {
    if (column.type != ValueType::kString) return 0;
    std::optional<std::string_view> first;
    size_t same = 0;
    for (size_t row = 0; row < table_.row_count && (!first || same > 0); ++row) {
      if (column.is_null(row)) continue;
      const std::string_view text = column.text[row];
      if (!first) {
        first = text;
        same = text.size();
      }
      same = std::min(same, text.size());
      size_t reach = 0;
      while (reach < same && text[reach] == (*first)[reach]) ++reach;
      same = reach;
    }
    return same;
  }

  void set_prefixes() {
    const TableColumn& column = table_.columns[keys_[0].column];
    const size_t offset = common_bytes(column);
    const uint64_t flip = keys_[0].descending ? UINT64_MAX : 0;
    for (Item& item : items_) {
      item.prefix = kNullPrefix;
      if (!column.is_null(item.row)) item.prefix = prefix_of(column, item.row, offset) ^ flip;
    }
  }

  static uint64_t prefix_of(const TableColumn& column, uint32_t row, size_t offset) {
    switch (column.type) {
      case ValueType::kString: return text_prefix(column.text[row], offset);
      case ValueType::kF64: return ordered_bits(column.f64[row]);
      case ValueType::kU64: return column.u64[row];
      case ValueType::kBool: return column.boolean[row];
      case ValueType::kNull: return 0;
      default: return ordered_bits(column.i64[row]);
    }
  }

  // Sorts pieces and merges them, so that the time can be checked.
  template <class Before>
  Status merge_sort(Before before) {
    for (size_t start = 0; start < items_.size(); start += kRowsPerPiece) {
      TOCSIN_RETURN_IF_ERROR(execution_.check());
      std::sort(at(start), at(start + kRowsPerPiece), before);
    }
    for (size_t size = kRowsPerPiece; size < items_.size(); size *= 2) {
      std::vector<Item> merged(items_.size());
      for (size_t start = 0; start < items_.size(); start += 2 * size) {
        TOCSIN_RETURN_IF_ERROR(execution_.check());
        std::merge(at(start), at(start + size), at(start + size), at(start + 2 * size),
                   merged.begin() + static_cast<ptrdiff_t>(start), before);
      }
      items_ = std::move(merged);
    }
    return {};
  }

  Execution& execution_;
  MemoryGauge gauge_;
  const Table& table_;
  const std::vector<SortKey> keys_;
  const TableOrder order_;
  std::vector<Item> items_;
};

}  // namespace

Result<std::vector<uint32_t>> sorted_rows(Execution& execution, const Table& table,
                                          std::span<const SortKey> keys,
                                          std::optional<uint64_t> limit) {
  return RowSorter(execution, table, keys).sort(limit);
}

Result<Table> table_sort(Execution& execution, Table input, std::span<const SortKey> keys,
                         std::optional<uint64_t> limit) {
  // Equal rows are sorted into the pending order; after that, their places make the sort stable.
  std::vector<SortKey> all(keys.begin(), keys.end());
  all.insert(all.end(), input.pending_order.begin(), input.pending_order.end());
  TOCSIN_TRY(const auto rows, sorted_rows(execution, input, all, limit));
  return gather_rows(execution, std::move(input), rows);
}

Result<Table> settle_order(Execution& execution, Table input) {
  if (input.pending_order.empty()) return input;
  return table_sort(execution, std::move(input), {}, std::nullopt);
}

Result<Table> table_limit(Execution& execution, Table input, uint64_t count) {
  if (!input.pending_order.empty()) return table_sort(execution, std::move(input), {}, count);
  if (input.row_count <= count) return input;
  std::vector<uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0u);
  return gather_rows(execution, std::move(input), rows);
}

}  // namespace tocsin
