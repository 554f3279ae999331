#include "query/scan/segment_source.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "db/base/check.h"
#include "query/vector/kernels.h"

namespace tocsin {
namespace {

bool fits(ColumnType stored, ValueType wanted) {
  switch (stored) {
    case ColumnType::kI64:
      return wanted == ValueType::kI64 || wanted == ValueType::kF64 || wanted == ValueType::kTime ||
             wanted == ValueType::kDuration;
    case ColumnType::kU64: return wanted == ValueType::kU64 || wanted == ValueType::kF64;
    case ColumnType::kF64: return wanted == ValueType::kF64;
    case ColumnType::kBool: return wanted == ValueType::kBool;
    case ColumnType::kString: return wanted == ValueType::kString;
  }
  return false;
}

// Null has the code after that of the last entry.
void set_null_codes(const Vector& vector, size_t null_code, std::span<uint32_t> codes) {
  for (size_t i = 0; i < vector.valid.size(); ++i) {
    if (vector.valid[i] == 0) codes[i] = static_cast<uint32_t>(null_code);
  }
}

}  // namespace

Result<MeasurementMap> MeasurementMap::make(const Plan& plan, const SourceMeasurement& source,
                                            const Measurement* stored) {
  MeasurementMap map;
  map.source_ = &source;
  for (const uint32_t index : source.columns) {
    const PlanColumn& wanted = plan.source_columns.at(index);
    const Column* column = stored ? find_column(*stored, wanted.name, wanted.type) : nullptr;
    const bool changed = column && wanted.sibling && type_of(*column) != wanted.type;
    if (column && (changed || !fits(column->type, wanted.type))) {
      return fail(
          ErrorCode::kBusy,
          fmt::format("column `{}` of `{}` became {} while the query was prepared as {}; "
                      "run the query again",
                      wanted.name, source.name, name_of(column->type), name_of(wanted.type)));
    }
    map.columns_.push_back(column);
  }
  return map;
}

const Column* MeasurementMap::find(uint32_t source_column) const {
  const auto& indexes = source_->columns;
  const auto found = std::ranges::lower_bound(indexes, source_column);
  if (found == indexes.end() || *found != source_column) return nullptr;
  return columns_[static_cast<size_t>(found - indexes.begin())];
}

SegmentSource::SegmentSource(const Plan& plan) : plan_(plan), states_(plan.source_columns.size()) {
  empty_.serial = next_dictionary_serial();
}

void SegmentSource::open(const Segment& segment, const MeasurementMap& map, bool few_rows) {
  few_rows_ = few_rows;
  if (segment_ == &segment) return;  // another unit of the same segment
  segment_ = &segment;
  if (map_ != &map) {
    measurement_.entries = {map.source().name};
    measurement_.serial = next_dictionary_serial();
  }
  map_ = &map;
  for (const uint32_t column : touched_) states_[column] = {};
  touched_.clear();
}

Result<SegmentSource::State*> SegmentSource::resolve(uint32_t column) {
  State& state = states_.at(column);
  if (state.resolved) return &state;
  if (const Column* stored = map_->find(column)) {
    TOCSIN_TRY(state.column, segment_->column(*stored));
    if (state.column && !fits(state.column->type(), plan_.source_columns[column].type)) {
      return fail(ErrorCode::kBusy,
                  fmt::format("column `{}` changed its type in {}; run the query again",
                              stored->name, segment_->info().name));
    }
  }
  state.resolved = true;
  touched_.push_back(column);
  return &state;
}

Result<const SegmentColumn*> SegmentSource::stored(uint32_t column) {
  TOCSIN_TRY(State * state, resolve(column));
  return state->column;
}

Result<const Dictionary*> SegmentSource::dictionary(uint32_t column) {
  if (column == kSourceMeasurement) return &measurement_;
  if (plan_.source_columns.at(column).type != ValueType::kString) return nullptr;
  TOCSIN_TRY(State * state, resolve(column));
  if (!state->column) return &empty_;
  if (!state->column->has_dictionary()) return nullptr;
  if (!state->dictionary) {
    TOCSIN_TRY(const auto entries, state->column->entries());
    state->dictionary = std::make_unique<Dictionary>();
    state->dictionary->entries.assign(entries.begin(), entries.end());
    state->dictionary->serial = next_dictionary_serial();
  }
  return state->dictionary.get();
}

Result<std::optional<ColumnStatistics>> SegmentSource::statistics(uint32_t column) {
  const SegmentInfo& info = segment_->info();
  if (column == kSourceMeasurement) return std::nullopt;
  if (column == kSourceTime) {
    ColumnStatistics time;
    time.has_range = true;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    time.min = std::nextafter(static_cast<double>(info.min_time), -kInfinity);
    time.max = std::nextafter(static_cast<double>(info.max_time), kInfinity);
    return time;
  }
  TOCSIN_TRY(State * state, resolve(column));
  if (state->column) return state->column->statistics();
  ColumnStatistics absent;
  absent.null_count = info.row_count;
  return absent;
}

Status SegmentSource::read_null(ValueType type, size_t count, Vector& out) {
  out.reset_null(type, count);
  if (type != ValueType::kString) return {};
  out.text = {};
  std::ranges::fill(out.make_codes(), 0u);
  out.dictionary = &empty_;
  return {};
}

Status SegmentSource::read(uint32_t index, size_t start, size_t count,
                           std::span<const uint32_t> selection, Vector& out) {
  const ValueType type = plan_.source_columns.at(index).type;
  if (index == kSourceTime) {
    out.reset(ValueType::kTime, count);
    bytes_read_ += count * sizeof(Timestamp);
    return segment_->read_times(start, out.make_i64());
  }
  if (index == kSourceMeasurement) {
    out.reset(ValueType::kString, count);
    std::ranges::fill(out.make_codes(), 0u);
    out.dictionary = &measurement_;
    return {};
  }
  TOCSIN_TRY(State * state, resolve(index));
  if (!state->column) return read_null(type, count, out);
  out.reset(type, count);
  const bool few = kernels::are_few(selection.size(), count);
  const SegmentColumn::Only only = few ? selection : SegmentColumn::Only();
  if (state->column->has_nulls()) {
    TOCSIN_RETURN_IF_ERROR(state->column->read_valid(start, out.make_valid()));
  }
  if (type == ValueType::kString) {
    TOCSIN_TRY(const Dictionary* dictionary_of_column, dictionary(index));
    out.dictionary = dictionary_of_column;
    return read_text(*state, start, selection, only, out);
  }
  bytes_read_ += count * (type == ValueType::kBool ? 1 : sizeof(int64_t));
  return read_number(*state->column, start, type, only, out);
}

Result<const IdFormat*> SegmentSource::id_format(uint32_t column) {
  if (column == kSourceMeasurement) return nullptr;
  if (plan_.source_columns.at(column).type != ValueType::kString) return nullptr;
  TOCSIN_TRY(State * state, resolve(column));
  return state->column && !state->column->has_dictionary() ? state->column->id_format() : nullptr;
}

Result<bool> SegmentSource::read_ids(uint32_t column, size_t start, size_t count, Vector& out) {
  TOCSIN_TRY(const IdFormat* format, id_format(column));
  if (!format) return false;
  State& state = states_[column];
  out.reset(ValueType::kString, count);
  if (state.column->has_nulls()) {
    TOCSIN_RETURN_IF_ERROR(state.column->read_valid(start, out.make_valid()));
  }
  out.id_format = format;
  const IdDictionary* dictionary = nullptr;
  if (!few_rows_) {
    TOCSIN_TRY(dictionary, id_dictionary(state));
  }
  if (dictionary == nullptr) {
    TOCSIN_RETURN_IF_ERROR(state.column->read_ids(start, out.make_ids()));
    return true;
  }
  out.id_dictionary = dictionary;
  const auto codes = out.make_codes();
  TOCSIN_RETURN_IF_ERROR(state.column->read_id_codes(start, codes));
  set_null_codes(out, dictionary->ids.size(), codes);
  return true;
}

Result<const IdDictionary*> SegmentSource::id_dictionary(State& state) {
  if (!state.ids) {
    auto dictionary = std::make_unique<IdDictionary>();
    TOCSIN_RETURN_IF_ERROR(state.column->read_distinct_ids(dictionary->ids));
    dictionary->serial = next_dictionary_serial();
    state.ids = std::move(dictionary);
  }
  return state.ids->ids.empty() ? nullptr : state.ids.get();
}

Result<std::span<const TextTemplate>> SegmentSource::templates(uint32_t column) {
  if (column == kSourceMeasurement) return std::span<const TextTemplate>();
  TOCSIN_TRY(State * state, resolve(column));
  if (!state->column || !state->column->has_templates()) return std::span<const TextTemplate>();
  return state->column->templates();
}

Status SegmentSource::read_template_ids(uint32_t column, size_t start, size_t count, Vector& out) {
  const SegmentColumn& stored = *states_.at(column).column;
  out.reset(ValueType::kString, count);
  if (stored.has_nulls()) TOCSIN_RETURN_IF_ERROR(stored.read_valid(start, out.make_valid()));
  return stored.read_template_ids(start, out.make_codes());
}

Status SegmentSource::read_text(State& state, size_t start, std::span<const uint32_t> selection,
                                SegmentColumn::Only only, Vector& out) {
  if (out.dictionary) {
    const auto codes = out.make_codes();
    bytes_read_ += codes.size_bytes();
    TOCSIN_RETURN_IF_ERROR(state.column->read_codes(start, codes, only));
    set_null_codes(out, out.dictionary->entries.size(), codes);
    return {};
  }
  const auto text = out.make_text();
  std::ranges::fill(text, std::string_view{});
  segment_rows_.clear();
  for (const uint32_t row : selection) segment_rows_.push_back(static_cast<uint32_t>(start) + row);
  StringVector& strings = out.string_buffer();
  TOCSIN_RETURN_IF_ERROR(state.column->read_strings(segment_rows_, strings));
  TOCSIN_CHECK(strings.values.size() == selection.size());
  for (size_t i = 0; i < selection.size(); ++i) {
    text[selection[i]] = strings.values[i];
    bytes_read_ += strings.values[i].size();
  }
  return {};
}

Status SegmentSource::read_number(const SegmentColumn& column, size_t start, ValueType type,
                                  SegmentColumn::Only only, Vector& out) {
  const size_t count = out.size;
  switch (type) {
    case ValueType::kBool: return column.read_bool(start, out.make_boolean());
    case ValueType::kU64: return column.read_u64(start, out.make_u64(), only);
    case ValueType::kF64: break;
    default: return column.read_i64(start, out.make_i64(), only);
  }
  const auto values = out.make_f64();
  if (column.type() == ColumnType::kI64) {
    i64_.resize(count);
    TOCSIN_RETURN_IF_ERROR(column.read_i64(start, i64_, only));
    kernels::convert(std::span<const int64_t>(i64_), values);
  } else if (column.type() == ColumnType::kU64) {
    u64_.resize(count);
    TOCSIN_RETURN_IF_ERROR(column.read_u64(start, u64_, only));
    kernels::convert(std::span<const uint64_t>(u64_), values);
  } else {
    TOCSIN_RETURN_IF_ERROR(column.read_f64(start, values, only));
    if (!kernels::all_finite(values)) kernels::drop_not_finite(values, out.writable_valid());
  }
  return {};
}

}  // namespace tocsin
