#include "db/write/row_append.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <unordered_map>
#include <vector>

#include "db/write/shared_store.h"

namespace tocsin {
namespace {

constexpr uint32_t kNoBuilder = UINT32_MAX;

/// The builder and the row in it of every row of a batch.
struct RowPlaces {
  std::vector<SegmentBuilder*> builders;  ///< of the batch's days
  /// No row is refused and all are of one day: they are in builders[0], from `base` on, and the
  /// vectors below are empty.
  bool one_day = false;
  uint32_t base = 0;
  std::vector<uint32_t> builder_of_row;  ///< into `builders`; kNoBuilder for refused rows
  std::vector<uint32_t> row_in_builder;

  uint32_t builder_of(uint32_t row) const { return one_day ? 0 : builder_of_row[row]; }
  uint32_t place_of(uint32_t row) const { return one_day ? base + row : row_in_builder[row]; }
};

/// Adds the rows, without values, to their days' builders.
RowPlaces place_rows(std::span<const Timestamp> times, const RowRefusals& refusals,
                     const Measurement& measurement, BuilderSet& builders) {
  RowPlaces places;
  const auto [first, last] = std::minmax_element(times.begin(), times.end());
  places.one_day = refusals.left() == times.size() && partition_of(*first) == partition_of(*last);
  if (places.one_day) {
    places.builders.push_back(&builders.get(measurement, partition_of(*first)));
    places.base = places.builders[0]->add_rows(times);
    return places;
  }
  places.row_in_builder.resize(times.size());
  places.builder_of_row.assign(times.size(), kNoBuilder);
  std::unordered_map<int64_t, uint32_t> builder_of_day;
  int64_t day = INT64_MIN;
  uint32_t current = kNoBuilder;
  for (size_t row = 0; row < times.size(); ++row) {
    if (refusals.contains(row)) continue;
    const int64_t partition = partition_of(times[row]);
    if (current == kNoBuilder || partition != day) {
      day = partition;
      auto [it, added] = builder_of_day.emplace(day, places.builders.size());
      if (added) places.builders.push_back(&builders.get(measurement, day));
      current = it->second;
    }
    places.builder_of_row[row] = current;
    places.row_in_builder[row] = places.builders[current]->add_row(times[row]);
  }
  return places;
}

class Appender {
 public:
  explicit Appender(const RowPlaces& places) : places_(places) {}

  void append(const Column& column, const LaneSelection& selection) {
    const Lane& lane = *selection.lane;
    const ColumnType type = column.type;
    if (type == ColumnType::kString) {
      append_text(column, selection);
    } else if (places_.one_day && selection.whole && append_lane(column, lane)) {
      return;
    } else if (type == ColumnType::kF64 && lane.type == ColumnType::kI64) {
      append_bits(column, selection, [&](uint32_t k) {
        return std::bit_cast<uint64_t>(static_cast<double>(lane.i64[k]));
      });
    } else if (type == ColumnType::kF64 && lane.type == ColumnType::kU64) {
      append_bits(column, selection, [&](uint32_t k) {
        return std::bit_cast<uint64_t>(static_cast<double>(lane.u64[k]));
      });
    } else if (type == ColumnType::kF64) {
      append_bits(column, selection,
                  [&](uint32_t k) { return std::bit_cast<uint64_t>(lane.f64[k]); });
    } else if (lane.type == ColumnType::kU64) {
      append_bits(column, selection, [&](uint32_t k) { return lane.u64[k]; });
    } else {
      append_bits(column, selection,
                  [&](uint32_t k) { return static_cast<uint64_t>(lane.i64[k]); });
    }
  }

  void append_rest(const Column& column, std::span<const RestRow> rows) {
    for (const RestRow& rest : rows) {
      const uint32_t builder = places_.builder_of(rest.row);
      if (builder == kNoBuilder) continue;
      places_.builders[builder]->column(column).add_text(places_.place_of(rest.row), rest.json);
    }
  }

 private:
  /// All values of a lane at once, if their bits are those of the column's type.
  bool append_lane(const Column& column, const Lane& lane) {
    const ColumnType type = column.type;
    const bool integers = type == ColumnType::kI64 || type == ColumnType::kU64;
    std::span<const uint64_t> bits;
    if (lane.type == ColumnType::kF64 && type == ColumnType::kF64) {
      double_bits_.resize(lane.f64.size());
      std::memcpy(double_bits_.data(), lane.f64.data(), lane.f64.size() * sizeof(double));
      bits = double_bits_;
    } else if (lane.type == ColumnType::kU64 && integers) {
      bits = lane.u64;
    } else if ((lane.type == ColumnType::kI64 && integers) ||
               (lane.type == ColumnType::kBool && type == ColumnType::kBool)) {
      // Signed and unsigned types of one size may alias.
      bits = {reinterpret_cast<const uint64_t*>(lane.i64.data()), lane.i64.size()};
    } else {
      return false;
    }
    places_.builders[0]->column(column).add_bits(places_.base, lane.rows, bits);
    return true;
  }

  void append_text(const Column& column, const LaneSelection& selection) {
    const Lane& lane = *selection.lane;
    if (lane.type == ColumnType::kString && places_.one_day && selection.whole) {
      places_.builders[0]->column(column).add_texts(places_.base, lane.rows, lane.strings,
                                                    lane.codes);
    } else if (lane.type == ColumnType::kString) {
      append_values(column, selection, [&](ColumnBuilder& to, uint32_t place, uint32_t k) {
        to.add_text(place, lane.text_of(k));
      });
    } else {
      append_values(column, selection, [&](ColumnBuilder& to, uint32_t place, uint32_t k) {
        to.add_text(place, text_of_value(lane, k));
      });
    }
  }

  template <class Bits>
  void append_bits(const Column& column, const LaneSelection& selection, Bits bits) {
    append_values(column, selection, [&](ColumnBuilder& to, uint32_t place, uint32_t k) {
      to.add_bits(place, bits(k));
    });
  }

  template <class Add>
  void append_values(const Column& column, const LaneSelection& selection, Add add) {
    std::vector<ColumnBuilder*> columns(places_.builders.size(), nullptr);
    uint32_t current = kNoBuilder;
    ColumnBuilder* to = nullptr;
    const auto& rows = selection.lane->rows;
    for_each_index(selection, [&](uint32_t k) {
      const uint32_t row = rows[k];
      const uint32_t builder = places_.builder_of(row);
      if (builder == kNoBuilder) return;
      if (builder != current) {
        current = builder;
        if (columns[builder] == nullptr) columns[builder] = open(column, builder, rows.size());
        to = columns[builder];
      }
      add(*to, places_.place_of(row), k);
    });
  }

  ColumnBuilder* open(const Column& column, uint32_t builder, size_t value_count) {
    ColumnBuilder& opened = places_.builders[builder]->column(column);
    // Most batches cover one day. With several, reserving for all values in each wastes memory.
    if (places_.builders.size() == 1) opened.reserve(value_count);
    return &opened;
  }

  const RowPlaces& places_;
  std::vector<uint64_t> double_bits_;
};

}  // namespace

void append_rows(const RowBatch& rows, const TypedRows& typed, const RowRefusals& refusals,
                 MeasurementDraft& measurement, BuilderSet& builders) {
  const RowPlaces places = place_rows(rows.times(), refusals, measurement.get(), builders);
  Appender appender(places);
  for (const ColumnValues& values : typed.columns) {
    for (const LaneSelection& selection : values.selections) {
      note_large_integers(selection, values.column, measurement, refusals);
      appender.append(measurement.column(values.column), selection);
    }
  }
  if (typed.rest.empty()) return;
  appender.append_rest(measurement.column(measurement.find(kRestColumn)), typed.rest);
}

}  // namespace tocsin
