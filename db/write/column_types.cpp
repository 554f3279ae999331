#include "db/write/column_types.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "db/base/exact_integer.h"
#include "db/base/text.h"
#include "db/limits.h"

namespace tocsin {
namespace {

constexpr uint32_t kNoRow = UINT32_MAX;
constexpr auto kExactMax = static_cast<uint64_t>(kExactIntegerMax);
constexpr size_t kShownValueBytes = 64;  // of a value in an error message

bool is_integer(ColumnType type) { return type == ColumnType::kI64 || type == ColumnType::kU64; }

uint64_t magnitude(int64_t value) {
  return value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
}

/// Whether some value may exceed kStringBytesMax. Reads only the entries of a string lane, which
/// are fewer than its values.
bool may_hold_long_string(const Lane& lane) {
  if (lane.type != ColumnType::kString) return true;
  for (uint32_t i = 0; i < lane.strings.size(); ++i) {
    if (lane.strings.entry(i).size > kStringBytesMax) return true;
  }
  return false;
}

/// Whether some integer of the lane, in whichever row, may be too large to be exact as a double.
bool may_hold_large_integer(const Lane& lane) {
  uint64_t seen = 0;  // every bit of every magnitude
  for (int64_t value : lane.i64) seen |= magnitude(value);
  for (uint64_t value : lane.u64) seen |= value;
  return seen >= kExactMax;
}

/// Whether an accepted row before `end_row` has an integer that a double cannot represent exactly.
bool exceeds_double(const LaneSelection& selection, uint32_t end_row, const RowRefusals& refusals) {
  const Lane& lane = *selection.lane;
  if (!is_integer(lane.type) || !may_hold_large_integer(lane)) return false;
  bool exceeds = false;
  for_each_index(selection, [&](uint32_t k) {
    const uint64_t size = lane.type == ColumnType::kI64 ? magnitude(lane.i64[k]) : lane.u64[k];
    exceeds |= size > kExactMax && lane.rows[k] < end_row && !refusals.contains(lane.rows[k]);
  });
  return exceeds;
}

std::string shown(std::string_view text) {
  size_t ignored = 0;
  return valid_utf8(text.substr(0, kShownValueBytes), ignored);
}

/// The first row of the selection that is not refused.
uint32_t first_row_of(const LaneSelection& selection, const RowRefusals& refusals) {
  const auto& rows = selection.lane->rows;
  const size_t count = selection.whole ? rows.size() : selection.picks.size();
  for (size_t i = 0; i < count; ++i) {
    const uint32_t row = rows[selection.whole ? i : selection.picks[i]];
    if (!refusals.contains(row)) return row;
  }
  return kNoRow;
}

/// Indexes of the values that a column of that type cannot store; any column of type string can.
std::vector<uint32_t> find_misfits(const LaneSelection& selection, ColumnType type) {
  const Lane& lane = *selection.lane;
  std::vector<uint32_t> misfits;
  switch (type) {
    case ColumnType::kI64:
      if (lane.type == ColumnType::kI64) break;
      for_each_index(selection, [&](uint32_t k) {
        if (lane.type != ColumnType::kU64 || lane.u64[k] > INT64_MAX) misfits.push_back(k);
      });
      break;
    case ColumnType::kU64:
      if (lane.type == ColumnType::kU64) break;
      for_each_index(selection, [&](uint32_t k) {
        if (lane.type != ColumnType::kI64 || lane.i64[k] < 0) misfits.push_back(k);
      });
      break;
    case ColumnType::kF64:
      if (lane.type != ColumnType::kBool && lane.type != ColumnType::kString) break;
      for_each_index(selection, [&](uint32_t k) { misfits.push_back(k); });
      break;
    case ColumnType::kBool:
      if (lane.type == ColumnType::kBool) break;
      for_each_index(selection, [&](uint32_t k) { misfits.push_back(k); });
      break;
    case ColumnType::kString: break;
  }
  return misfits;
}

void remove(const std::vector<uint32_t>& indexes, LaneSelection& selection) {
  std::vector<uint32_t> kept;
  auto next = indexes.begin();
  for_each_index(selection, [&](uint32_t k) {
    if (next != indexes.end() && *next == k) {
      ++next;
    } else {
      kept.push_back(k);
    }
  });
  selection.picks = std::move(kept);
  selection.whole = false;
}

class ColumnAssignment {
 public:
  ColumnAssignment(RoutedRows routed, ConflictPolicy policy, MeasurementDraft& measurement,
                   RowRefusals& refusals)
      : routed_(std::move(routed)),
        policy_(policy),
        measurement_(measurement),
        refusals_(refusals),
        rest_(std::move(routed_.rest)) {}

  TypedRows run() {
    // Existing columns first: a row that they refuse must not decide a new column's type.
    std::stable_partition(
        routed_.columns.begin(), routed_.columns.end(),
        [&](const ColumnRoute& route) { return measurement_.find(route.name) != SIZE_MAX; });
    for (ColumnRoute& route : routed_.columns) assign(route);
    if (!rest_.empty()) add_rest();
    return std::move(typed_);
  }

 private:
  void assign(ColumnRoute& route) {
    if (route.name.empty() || route.name.size() > kNameBytesMax) return refuse_name(route);
    const bool declared = std::ranges::any_of(
        route.selections, [](const LaneSelection& selection) { return selection.lane->declared; });
    if (declared) return assign_declared(route);
    size_t column = measurement_.find(route.name);
    if (column == SIZE_MAX) {
      const LaneSelection* first = first_selection(route);
      if (first == nullptr) return;  // all its rows are refused
      const bool is_rest = route.name == kRestColumn;
      if (is_full() && !is_rest) {
        warn_full(route.name);
        return move_to_rest(route);
      }
      column = is_rest ? add_rest_column()
                       : measurement_.add(route.name, first->lane->type, first->lane->kind);
    }
    widen_for_floats(route, column);
    for (LaneSelection& selection : route.selections) check_values(column, route, selection);
    typed_.columns.push_back({column, std::move(route.selections)});
    if (route.name == kRestColumn) incoming_rest_ = typed_.columns.size() - 1;
  }

  void assign_declared(ColumnRoute& route) {
    for (size_t i = 0; i < route.selections.size(); ++i) {
      LaneSelection& selection = route.selections[i];
      const Lane& lane = *selection.lane;
      keep_second_values(route, std::span(route.selections).first(i), selection);
      size_t column = measurement_.find(route.name, lane.type);
      if (column == SIZE_MAX && is_full()) {
        warn_full(route.name);
        for_each_index(selection, [&](uint32_t k) { keep_in_rest(selection, k, route.name); });
        continue;
      }
      if (column == SIZE_MAX) column = measurement_.add(route.name, lane.type, lane.kind);
      add_values(column, std::move(selection));
    }
  }

  void add_values(size_t column, LaneSelection selection) {
    if (measurement_.column(column).type == ColumnType::kString) {
      refuse_long_strings(measurement_.column(column), selection);
    }
    typed_.columns.push_back({column, {}});
    typed_.columns.back().selections.push_back(std::move(selection));
  }

  bool is_full() const { return measurement_.get().columns.size() >= kColumnCountMax; }

  size_t add_rest_column() {
    return measurement_.add(kRestColumn, ColumnType::kString, ColumnKind::kField);
  }

  void warn_full(const std::string& name) {
    refusals_.warn(fmt::format(
        "measurement `{}` has {} columns, the most that are allowed: `{}` goes into `{}`",
        measurement_.get().name, kColumnCountMax, name, kRestColumn));
  }

  void refuse_name(const ColumnRoute& route) {
    const std::string reason =
        route.name.empty()
            ? std::string("a column has no name")
            : fmt::format("the name of column `{}...` has {} bytes; at most {} are allowed",
                          shown(route.name), route.name.size(), kNameBytesMax);
    if (policy_ == ConflictPolicy::kKeepInRest) {
      refusals_.warn(reason + fmt::format(": its values go into `{}`", kRestColumn));
      return move_to_rest(route);
    }
    for (const LaneSelection& selection : route.selections) {
      for_each_index(selection,
                     [&](uint32_t k) { refusals_.refuse(selection.lane->rows[k], reason); });
    }
  }

  void move_to_rest(const ColumnRoute& route) {
    for (const LaneSelection& selection : route.selections) {
      for_each_index(selection, [&](uint32_t k) { keep_in_rest(selection, k, route.name); });
    }
  }

  void keep_in_rest(const LaneSelection& selection, uint32_t k, const std::string& name) {
    rest_.push_back({selection.lane->rows[k], name, json_of_value(*selection.lane, k)});
  }

  /// The selection with the earliest row that is not refused: it decides a new column's type.
  const LaneSelection* first_selection(const ColumnRoute& route) const {
    const LaneSelection* first = nullptr;
    uint32_t first_row = kNoRow;
    for (const LaneSelection& selection : route.selections) {
      const uint32_t row = first_row_of(selection, refusals_);
      if (row < first_row) {
        first = &selection;
        first_row = row;
      }
    }
    return first;
  }

  /// A float widens an integer column for all later rows, unless some integer, stored or earlier in
  /// this batch, is not exact as a double, or there is a sibling with numbers.
  void widen_for_floats(const ColumnRoute& route, size_t index) {
    const Column& column = measurement_.column(index);
    if (!is_integer(column.type) || column.beyond_double) return;
    uint32_t first_float = kNoRow;
    for (const LaneSelection& selection : route.selections) {
      if (selection.lane->type == ColumnType::kF64) {
        first_float = std::min(first_float, first_row_of(selection, refusals_));
      }
    }
    if (first_float == kNoRow) return;
    for (const ColumnType type : {ColumnType::kI64, ColumnType::kU64, ColumnType::kF64}) {
      if (type != column.type && measurement_.find(route.name, type) != SIZE_MAX) return;
    }
    for (const LaneSelection& selection : route.selections) {
      if (exceeds_double(selection, first_float, refusals_)) return;
      if (makes_integer_sibling(selection, column.type, first_float)) return;
    }
    measurement_.widen_to_f64(index);
  }

  /// Whether an integer before `end_row` needs a sibling of an integer column.
  bool makes_integer_sibling(const LaneSelection& selection, ColumnType type,
                             uint32_t end_row) const {
    const Lane& lane = *selection.lane;
    if (policy_ == ConflictPolicy::kRejectRow || !is_integer(lane.type)) return false;
    return std::ranges::any_of(find_misfits(selection, type), [&](uint32_t k) {
      return lane.rows[k] < end_row && !refusals_.contains(lane.rows[k]);
    });
  }

  void check_values(size_t index, const ColumnRoute& route, LaneSelection& selection) {
    const Column& column = measurement_.column(index);
    if (column.type == ColumnType::kString) return refuse_long_strings(column, selection);
    auto misfits = find_misfits(selection, column.type);
    if (misfits.empty()) return;
    remove(misfits, selection);
    if (policy_ == ConflictPolicy::kRejectRow) {
      refuse_misfits(column, *selection.lane, misfits);
    } else {
      use_siblings(index, route, {selection.lane, std::move(misfits), false});
    }
  }

  /// Gives values that do not fit a column to its siblings: first to those that it has, then to a
  /// new one.
  void use_siblings(size_t first, const ColumnRoute& route, LaneSelection values) {
    const Lane& lane = *values.lane;
    keep_second_values(route, route.selections, values);
    for (size_t i = first + 1; i < measurement_.get().columns.size(); ++i) {
      const Column& sibling = measurement_.column(i);
      const bool similar =
          sibling.type == lane.type || (is_integer(sibling.type) && is_integer(lane.type));
      if (!similar || sibling.name != route.name) continue;
      auto misfits = find_misfits(values, sibling.type);
      remove(misfits, values);
      if (!values.picks.empty()) add_values(i, std::move(values));
      values = {&lane, std::move(misfits), false};
    }
    if (values.picks.empty()) return;
    if (is_full()) {
      warn_full(route.name);
      for (uint32_t k : values.picks) keep_in_rest(values, k, route.name);
      return;
    }
    refusals_.warn(fmt::format(
        "column `{}` of `{}` is {}; from now on it also has values of type {}", route.name,
        measurement_.get().name, name_of(measurement_.column(first).type), name_of(lane.type)));
    add_values(measurement_.add(route.name, lane.type, lane.kind), std::move(values));
  }

  /// A row has one value under a name. Moves those of rows that `others` also have to `_rest`.
  void keep_second_values(const ColumnRoute& route, std::span<const LaneSelection> others,
                          LaneSelection& values) {
    std::vector<uint32_t> second;
    const auto has_row = [&](const LaneSelection& other, uint32_t row) {
      return other.lane != values.lane && std::ranges::binary_search(other.lane->rows, row);
    };
    for_each_index(values, [&](uint32_t k) {
      const uint32_t row = values.lane->rows[k];
      if (std::ranges::any_of(others, [&](const auto& other) { return has_row(other, row); })) {
        second.push_back(k);
      }
    });
    if (second.empty()) return;
    for (uint32_t k : second) keep_in_rest(values, k, route.name);
    remove(second, values);
    refusals_.warn(fmt::format(
        "rows of `{}` have values of several types for `{}`: at most one stays, the others go "
        "into `{}`",
        measurement_.get().name, route.name, kRestColumn));
  }

  void refuse_long_strings(const Column& column, const LaneSelection& selection) {
    const Lane& lane = *selection.lane;
    if (!may_hold_long_string(lane)) return;
    for_each_index(selection, [&](uint32_t k) {
      const size_t size = lane.text_of(k).size();
      if (size <= kStringBytesMax) return;
      refusals_.refuse(lane.rows[k],
                       fmt::format("the value of column `{}` has {} bytes; at most {} are allowed",
                                   column.name, size, kStringBytesMax));
    });
  }

  void refuse_misfits(const Column& column, const Lane& lane,
                      const std::vector<uint32_t>& misfits) {
    for (uint32_t k : misfits) {
      refusals_.refuse(lane.rows[k],
                       fmt::format("field type conflict: column `{}` of `{}` is {}, got {} `{}`",
                                   column.name, measurement_.get().name, name_of(column.type),
                                   name_of(lane.type), shown(text_of_value(lane, k))));
    }
  }

  void add_rest() {
    std::span<const LaneSelection> incoming;
    if (incoming_rest_ != SIZE_MAX) incoming = typed_.columns[incoming_rest_].selections;
    typed_.rest = merge_rest(std::move(rest_), incoming, refusals_);
    if (measurement_.find(kRestColumn) == SIZE_MAX && !typed_.rest.empty()) add_rest_column();
  }

  RoutedRows routed_;
  const ConflictPolicy policy_;
  MeasurementDraft& measurement_;
  RowRefusals& refusals_;
  std::vector<RestValue> rest_;
  size_t incoming_rest_ = SIZE_MAX;  // in typed_.columns: the `_rest` that arrived with the rows
  TypedRows typed_;
};

}  // namespace

TypedRows assign_columns(RoutedRows routed, ConflictPolicy policy, MeasurementDraft& measurement,
                         RowRefusals& refusals) {
  return ColumnAssignment(std::move(routed), policy, measurement, refusals).run();
}

void note_large_integers(const LaneSelection& selection, size_t column,
                         MeasurementDraft& measurement, const RowRefusals& refusals) {
  if (!is_integer(measurement.column(column).type)) return;
  if (measurement.column(column).beyond_double) return;
  if (exceeds_double(selection, kNoRow, refusals)) measurement.mark_beyond_double(column);
}

}  // namespace tocsin
