#include "db/write/schema_merge.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "db/base/text.h"
#include "db/limits.h"
#include "db/write/shared_store.h"

namespace tocsin {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr uint64_t kExactInDouble = uint64_t{1} << 53;
constexpr size_t kShownValueBytes = 64;  // of a value in an error message
constexpr size_t kWarningsMax = 20;      // per write; further ones are of the same kinds

uint64_t magnitude(int64_t value) {
  return value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
}

/// Values of one lane on their way to one column; `picks` are indexes into the lane.
struct Stream {
  const Lane* lane = nullptr;
  std::vector<uint32_t> picks;
  bool whole = true;  // all of the lane; else only `picks`
};

/// All streams that go to one column.
struct Target {
  std::string name;
  std::vector<Stream> streams;
  size_t column = SIZE_MAX;  // in the measurement; SIZE_MAX sends everything to `_rest`
};

template <class F>
void for_each_index(const Stream& stream, F f) {
  if (stream.whole) {
    for (uint32_t k = 0; k < stream.lane->rows.size(); ++k) f(k);
  } else {
    for (uint32_t k : stream.picks) f(k);
  }
}

std::string text_of_value(const Lane& lane, uint32_t k) {
  const std::string_view text = lane.text_of(k);
  if (!text.empty() || lane.type == ColumnType::kString) return std::string(text);
  switch (lane.type) {
    case ColumnType::kI64: return fmt::format("{}", lane.i64[k]);
    case ColumnType::kU64: return fmt::format("{}", lane.u64[k]);
    case ColumnType::kF64: return fmt::format("{}", lane.f64[k]);
    case ColumnType::kBool: return lane.i64[k] != 0 ? "true" : "false";
    case ColumnType::kString: break;
  }
  return {};
}

/// Whether some value may be longer than a string may be. Looks at a string lane's entries only, of
/// which there are fewer than values.
bool holds_long_string(const Lane& lane) {
  if (lane.type != ColumnType::kString) return true;
  for (uint32_t i = 0; i < lane.strings.size(); ++i) {
    if (lane.strings.entry(i).size > kStringBytesMax) return true;
  }
  return false;
}

/// Whether an integer of the lane may exceed what a float holds exactly, whichever rows are left.
bool holds_large_integer(const Lane& lane) {
  uint64_t seen = 0;  // every bit of every magnitude
  for (int64_t value : lane.i64) seen |= magnitude(value);
  for (uint64_t value : lane.u64) seen |= value;
  return seen >= kExactInDouble;
}

std::string json_of_value(const Lane& lane, uint32_t k) {
  switch (lane.type) {
    case ColumnType::kI64: return fmt::format("{}", lane.i64[k]);
    case ColumnType::kU64: return fmt::format("{}", lane.u64[k]);
    case ColumnType::kF64:
      if (std::isfinite(lane.f64[k])) return fmt::format("{}", lane.f64[k]);
      return json_quote(fmt::format("{}", lane.f64[k]));
    case ColumnType::kBool: return lane.i64[k] != 0 ? "true" : "false";
    case ColumnType::kString: return json_quote(lane.text_of(k));
  }
  return "null";
}

/// Merges one RowBatch. Lives for one call of ingest().
class Ingest {
 public:
  Ingest(const RowBatch& rows, const IngestOptions& options, SchemaDraft& schema,
         BuilderSet& builders, WriteReport& report)
      : rows_(rows),
        options_(options),
        schema_(schema),
        builders_(builders),
        report_(report),
        refused_(rows.row_count(), 0),
        left_(rows.row_count()) {}

  void run() {
    if (rows_.row_count() == 0) return;
    if (!check_measurement()) return;
    check_times();
    if (left_ == 0) return;
    measurement_ = schema_.find(rows_.measurement());
    if (measurement_ == nullptr) measurement_ = &schema_.add(rows_.measurement());
    plan_targets();
    // Columns that exist first: a row that they refuse must not decide a new column's type.
    std::stable_partition(targets_.begin(), targets_.end(), [&](const Target& target) {
      return measurement_->find(target.name) != SIZE_MAX;
    });
    for (Target& target : targets_) resolve(target);
    merge_rest();
    if (left_ == 0) return;
    place_rows();
    for (const Target& target : targets_) append(target);
    append_rest();
    report_.rows_written += left_;
  }

 private:
  void refuse(size_t row, std::string reason) {
    if (refused_[row]) return;
    refused_[row] = 1;
    --left_;
    report_.rejected.push_back({rows_.measurement(), row, std::move(reason)});
  }

  void warn(std::string warning) {
    if (report_.warnings.size() < kWarningsMax) report_.warnings.push_back(std::move(warning));
  }

  bool check_measurement() {
    const std::string& name = rows_.measurement();
    std::string reason;
    if (name.empty()) {
      reason = "the measurement has no name";
    } else if (name.size() > kNameBytesMax) {
      reason = fmt::format("the measurement's name has {} bytes, at most {} are allowed",
                           name.size(), kNameBytesMax);
    } else if (!options_.allow_reserved && is_reserved_measurement(name)) {
      reason = fmt::format("measurement `{}` is reserved for tocsin itself", name);
    } else if (schema_.find(name) == nullptr && schema_.size() >= kMeasurementCountMax) {
      reason = fmt::format("measurement `{}` would be number {}, at most {} are allowed", name,
                           schema_.size() + 1, kMeasurementCountMax);
    }
    if (reason.empty()) return true;
    for (size_t row = 0; row < rows_.row_count(); ++row) refuse(row, reason);
    return false;
  }

  void check_times() {
    const Timestamp latest = options_.now > kTimeMax - options_.future_max
                                 ? kTimeMax
                                 : options_.now + options_.future_max;
    const Duration retention = options_.retention ? options_.retention(rows_.measurement()) : 0;
    const Timestamp earliest = retention > 0 ? options_.now - retention : kTimeMin;
    const auto times = rows_.times();
    for (size_t row = 0; row < times.size(); ++row) {
      if (times[row] > latest) {
        refuse(row,
               fmt::format("time {} is more than {} ahead of the clock: most likely its unit "
                           "is wrong",
                           format_time_short(times[row]), format_duration(options_.future_max)));
      } else if (times[row] < earliest) {
        refuse(row, fmt::format("time {} is older than the retention of {}",
                                format_time_short(times[row]), format_duration(retention)));
      }
    }
  }

  // ---- Which column each lane goes to ----

  void plan_targets() {
    std::unordered_map<std::string_view, std::vector<const Lane*>> tags;
    for (const Lane& lane : rows_.lanes()) {
      if (lane.kind == ColumnKind::kTag && !lane.rows.empty()) tags[lane.name].push_back(&lane);
    }
    std::vector<Stream> renamed;
    for (const Lane& lane : rows_.lanes()) {
      if (lane.rows.empty()) continue;
      if (lane.name == "time" || lane.name == "measurement") {
        renamed.push_back({&lane, {}, true});
        continue;
      }
      auto tag = lane.kind == ColumnKind::kTag ? tags.end() : tags.find(lane.name);
      if (tag == tags.end()) {
        add_stream(lane.name, {&lane, {}, true});
      } else {
        split_by_tag(lane, tag->second, renamed);
      }
    }
    // Last: where the new name is taken, its owner is known by now.
    for (Stream& stream : renamed) add_renamed(std::move(stream));
  }

  void add_stream(const std::string& name, Stream stream) {
    auto [it, added] = target_index_.emplace(name, targets_.size());
    if (added) targets_.emplace_back().name = name;
    targets_[it->second].streams.push_back(std::move(stream));
  }

  /// A field named like a tag of the same row is stored as NAME_field.
  void split_by_tag(const Lane& field, const std::vector<const Lane*>& tags,
                    std::vector<Stream>& renamed) {
    Stream moved{&field, {}, false};
    Stream kept{&field, {}, false};
    for (uint32_t k = 0; k < field.rows.size(); ++k) {
      const bool has_tag = std::any_of(tags.begin(), tags.end(), [&](const Lane* tag) {
        return std::binary_search(tag->rows.begin(), tag->rows.end(), field.rows[k]);
      });
      (has_tag ? moved : kept).picks.push_back(k);
    }
    if (!kept.picks.empty()) add_stream(field.name, std::move(kept));
    if (!moved.picks.empty()) renamed.push_back(std::move(moved));
  }

  /// As NAME_field; values in rows that have a column of that name already go into `_rest`.
  void add_renamed(Stream stream) {
    const Lane& lane = *stream.lane;
    const std::string name = lane.name + "_field";
    const auto taken = target_index_.find(name);
    if (taken != target_index_.end()) {
      std::vector<uint32_t> free;
      const size_t rest_before = rest_.size();
      for_each_index(stream, [&](uint32_t k) {
        if (!has_value(targets_[taken->second], lane.rows[k])) return free.push_back(k);
        rest_.push_back({lane.rows[k], lane.name, json_of_value(lane, k)});
      });
      stream.picks = std::move(free);
      stream.whole = false;
      if (rest_.size() > rest_before) warn_renamed(name, lane.name);
    }
    if (stream.whole || !stream.picks.empty()) add_stream(name, std::move(stream));
  }

  void warn_renamed(const std::string& name, const std::string& original) {
    warn(fmt::format("rows of `{}` have a column `{}` already: their field `{}` went into `{}`",
                     rows_.measurement(), name, original, kRestColumn));
  }

  static bool has_value(const Target& target, uint32_t row) {
    return std::any_of(target.streams.begin(), target.streams.end(), [&](const Stream& stream) {
      const auto& rows = stream.lane->rows;
      const auto at = std::lower_bound(rows.begin(), rows.end(), row);
      if (at == rows.end() || *at != row) return false;
      const auto k = static_cast<uint32_t>(at - rows.begin());
      return stream.whole || std::binary_search(stream.picks.begin(), stream.picks.end(), k);
    });
  }

  // ---- The column's type, and what does not fit ----

  void resolve(Target& target) {
    if (target.name.empty() || target.name.size() > kNameBytesMax) {
      refuse_name(target);
      return;
    }
    target.column = measurement_->find(target.name);
    if (target.column == SIZE_MAX) {
      const Stream* first = first_stream(target);
      if (first == nullptr) return;  // all its rows are refused
      if (is_full() && target.name != kRestColumn) {
        warn(fmt::format("measurement `{}` has {} columns, the most allowed: `{}` goes into `{}`",
                         rows_.measurement(), kColumnCountMax, target.name, kRestColumn));
        to_rest(target);
        return;
      }
      const bool is_rest = target.name == kRestColumn;
      target.column =
          measurement_->add(target.name, is_rest ? ColumnType::kString : first->lane->type,
                            is_rest ? ColumnKind::kField : first->lane->kind);
    }
    widen_if_floats_come(target);
    for (Stream& stream : target.streams) check_values(target, stream);
  }

  bool is_full() const { return measurement_->get().columns.size() >= kColumnCountMax; }

  void refuse_name(Target& target) {
    const std::string reason =
        target.name.empty()
            ? std::string("a column has no name")
            : fmt::format("the name of column `{}...` has {} bytes, at most {} are allowed",
                          valid_prefix(target.name), target.name.size(), kNameBytesMax);
    if (options_.policy == ConflictPolicy::kKeepInRest) {
      warn(reason + fmt::format(": its values go into `{}`", kRestColumn));
      to_rest(target);
      return;
    }
    for (const Stream& stream : target.streams) {
      for_each_index(stream, [&](uint32_t k) { refuse(stream.lane->rows[k], reason); });
    }
  }

  static std::string valid_prefix(std::string_view text) {
    size_t ignored = 0;
    return valid_utf8(text.substr(0, kShownValueBytes), ignored);
  }

  /// The stream whose first row that was not refused comes first: it decides a new column's type.
  const Stream* first_stream(const Target& target) const {
    const Stream* first = nullptr;
    uint32_t first_row = kNone;
    for (const Stream& stream : target.streams) {
      const uint32_t row = first_row_of(stream);
      if (row < first_row) {
        first = &stream;
        first_row = row;
      }
    }
    return first;
  }

  uint32_t first_row_of(const Stream& stream) const {
    const auto& rows = stream.lane->rows;
    const size_t count = stream.whole ? rows.size() : stream.picks.size();
    for (size_t i = 0; i < count; ++i) {
      const uint32_t row = rows[stream.whole ? i : stream.picks[i]];
      if (!refused_[row]) return row;
    }
    return kNone;
  }

  void to_rest(Target& target) {
    target.column = SIZE_MAX;
    for (const Stream& stream : target.streams) {
      for_each_index(stream, [&](uint32_t k) {
        rest_.push_back({stream.lane->rows[k], target.name, json_of_value(*stream.lane, k)});
      });
    }
    target.streams.clear();
  }

  /// A float widens an integer column from there on, unless a stored integer, or one of this batch
  /// that comes before the first float, is not exact as a float.
  void widen_if_floats_come(const Target& target) {
    const Column& column = measurement_->column(target.column);
    if (column.type != ColumnType::kI64 && column.type != ColumnType::kU64) return;
    if (column.beyond_double) return;
    uint32_t first_float = kNone;
    for (const Stream& stream : target.streams) {
      if (stream.lane->type == ColumnType::kF64) {
        first_float = std::min(first_float, first_row_of(stream));
      }
    }
    if (first_float == kNone) return;
    for (const Stream& stream : target.streams) {
      if (exceeds_double(stream, first_float)) return;
    }
    measurement_->widen_to_f64(target.column);
  }

  bool exceeds_double(const Stream& stream, uint32_t before_row) const {
    const Lane& lane = *stream.lane;
    if (lane.type != ColumnType::kI64 && lane.type != ColumnType::kU64) return false;
    if (!holds_large_integer(lane)) return false;
    bool exceeds = false;
    for_each_index(stream, [&](uint32_t k) {
      const uint64_t size = lane.type == ColumnType::kI64 ? magnitude(lane.i64[k]) : lane.u64[k];
      exceeds |= size > kExactInDouble && lane.rows[k] < before_row && !refused_[lane.rows[k]];
    });
    return exceeds;
  }

  /// Takes values that do not fit the column out of the stream.
  void check_values(Target& target, Stream& stream) {
    const Lane& lane = *stream.lane;
    const Column& column = measurement_->column(target.column);
    std::vector<uint32_t> misfits;
    switch (column.type) {
      case ColumnType::kI64:
        if (lane.type == ColumnType::kI64) break;
        for_each_index(stream, [&](uint32_t k) {
          if (lane.type != ColumnType::kU64 || lane.u64[k] > INT64_MAX) misfits.push_back(k);
        });
        break;
      case ColumnType::kU64:
        if (lane.type == ColumnType::kU64) break;
        for_each_index(stream, [&](uint32_t k) {
          if (lane.type != ColumnType::kI64 || lane.i64[k] < 0) misfits.push_back(k);
        });
        break;
      case ColumnType::kF64:
        if (lane.type != ColumnType::kBool && lane.type != ColumnType::kString) break;
        for_each_index(stream, [&](uint32_t k) { misfits.push_back(k); });
        break;
      case ColumnType::kBool:
        if (lane.type == ColumnType::kBool) break;
        for_each_index(stream, [&](uint32_t k) { misfits.push_back(k); });
        break;
      case ColumnType::kString:
        if (!holds_long_string(lane)) break;
        for_each_index(stream, [&](uint32_t k) {
          const size_t size = lane.text_of(k).size();
          if (size <= kStringBytesMax) return;
          refuse(lane.rows[k],
                 fmt::format("the value of column `{}` has {} bytes, at most {} are allowed",
                             column.name, size, kStringBytesMax));
        });
        break;
    }
    if (!misfits.empty()) take_out(target, stream, misfits);
  }

  void take_out(Target& target, Stream& stream, const std::vector<uint32_t>& misfits) {
    const Lane& lane = *stream.lane;
    const Column& column = measurement_->column(target.column);
    if (options_.policy == ConflictPolicy::kRejectRow) {
      for (uint32_t k : misfits) {
        refuse(lane.rows[k],
               fmt::format("field type conflict: column `{}` of `{}` is {}, got {} `{}`",
                           column.name, rows_.measurement(), name_of(column.type),
                           name_of(lane.type), valid_prefix(text_of_value(lane, k))));
      }
    } else {
      warn(fmt::format("{} values of type {} for column `{}` of `{}`, which is {}, went into `{}`",
                       misfits.size(), name_of(lane.type), column.name, rows_.measurement(),
                       name_of(column.type), kRestColumn));
      for (uint32_t k : misfits) {
        rest_.push_back({lane.rows[k], column.name, json_of_value(lane, k)});
      }
    }
    std::vector<uint32_t> kept;
    auto misfit = misfits.begin();
    for_each_index(stream, [&](uint32_t k) {
      if (misfit != misfits.end() && *misfit == k) {
        ++misfit;
      } else {
        kept.push_back(k);
      }
    });
    stream.picks = std::move(kept);
    stream.whole = false;
  }

  // ---- `_rest` ----

  struct RestValue {
    uint32_t row;
    std::string name;
    std::string json;
  };
  struct RestRow {
    uint32_t row;
    std::string json;
  };

  /// One JSON object per row; a `_rest` that came with the row becomes a member of it.
  void merge_rest() {
    if (rest_.empty()) return;
    std::stable_sort(rest_.begin(), rest_.end(),
                     [](const RestValue& a, const RestValue& b) { return a.row < b.row; });
    for (size_t i = 0; i < rest_.size();) {
      RestRow merged{rest_[i].row, "{"};
      for (; i < rest_.size() && rest_[i].row == merged.row; ++i) {
        if (merged.json.size() > 1) merged.json += ',';
        merged.json += json_quote(rest_[i].name) + ':' + rest_[i].json;
      }
      merge_incoming(merged);
      merged.json += '}';
      if (merged.json.size() > kStringBytesMax) {
        refuse(merged.row, fmt::format("what does not fit the row's columns has {} bytes as JSON, "
                                       "at most {} are allowed",
                                       merged.json.size(), kStringBytesMax));
      } else {
        rest_rows_.push_back(std::move(merged));
      }
    }
    if (measurement_->find(kRestColumn) == SIZE_MAX && !rest_rows_.empty()) {
      measurement_->add(kRestColumn, ColumnType::kString, ColumnKind::kField);
    }
  }

  void merge_incoming(RestRow& merged) const {
    auto it = target_index_.find(kRestColumn);
    if (it == target_index_.end()) return;
    for (const Target& target : targets_) {
      if (target.name != kRestColumn) continue;
      for (const Stream& stream : target.streams) {
        const auto& rows = stream.lane->rows;
        auto at = std::lower_bound(rows.begin(), rows.end(), merged.row);
        if (at == rows.end() || *at != merged.row) continue;
        const auto k = static_cast<uint32_t>(at - rows.begin());
        merged.json += fmt::format(",\"{}\":{}", kRestColumn, json_of_value(*stream.lane, k));
      }
    }
  }

  // ---- Appending ----

  /// Gives every row that is left its builder and its place there.
  void place_rows() {
    const auto times = rows_.times();
    const auto [first, last] = std::minmax_element(times.begin(), times.end());
    one_day_ = left_ == times.size() && partition_of(*first) == partition_of(*last);
    if (one_day_) {
      local_.push_back(&builders_.get(measurement_->get(), partition_of(*first)));
      base_ = local_[0]->add_rows(times);
      return;
    }
    place_.resize(times.size());
    builder_of_row_.assign(times.size(), kNone);
    std::unordered_map<int64_t, uint32_t> builder_of_day;
    int64_t day = INT64_MIN;
    uint32_t current = kNone;
    for (size_t row = 0; row < times.size(); ++row) {
      if (refused_[row]) continue;
      const int64_t partition = partition_of(times[row]);
      if (current == kNone || partition != day) {
        day = partition;
        auto [it, added] = builder_of_day.emplace(day, local_.size());
        if (added) local_.push_back(&builders_.get(measurement_->get(), day));
        current = it->second;
      }
      builder_of_row_[row] = current;
      place_[row] = local_[current]->add_row(times[row]);
    }
  }

  void append(const Target& target) {
    if (target.column == SIZE_MAX) return;
    for (const Stream& stream : target.streams) append_stream(target.column, stream);
  }

  void append_stream(size_t column_index, const Stream& stream) {
    const Lane& lane = *stream.lane;
    const ColumnType type = measurement_->column(column_index).type;
    if (type == ColumnType::kI64 || type == ColumnType::kU64) note_magnitude(column_index, stream);
    if (type == ColumnType::kString) {
      append_text(column_index, stream);
    } else if (one_day_ && stream.whole && append_lane(column_index, type, lane)) {
      return;
    } else if (type == ColumnType::kF64 && lane.type == ColumnType::kI64) {
      append_bits(column_index, stream, [&](uint32_t k) {
        return std::bit_cast<uint64_t>(static_cast<double>(lane.i64[k]));
      });
    } else if (type == ColumnType::kF64 && lane.type == ColumnType::kU64) {
      append_bits(column_index, stream, [&](uint32_t k) {
        return std::bit_cast<uint64_t>(static_cast<double>(lane.u64[k]));
      });
    } else if (type == ColumnType::kF64) {
      append_bits(column_index, stream,
                  [&](uint32_t k) { return std::bit_cast<uint64_t>(lane.f64[k]); });
    } else if (lane.type == ColumnType::kU64) {
      append_bits(column_index, stream, [&](uint32_t k) { return lane.u64[k]; });
    } else {
      append_bits(column_index, stream,
                  [&](uint32_t k) { return static_cast<uint64_t>(lane.i64[k]); });
    }
  }

  void note_magnitude(size_t column_index, const Stream& stream) {
    if (measurement_->column(column_index).beyond_double) return;
    if (exceeds_double(stream, kNone)) measurement_->mark_beyond_double(column_index);
  }

  /// All values of a lane at once, where their bits are those of the column's type.
  bool append_lane(size_t column_index, ColumnType type, const Lane& lane) {
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
      // Signed and unsigned of one size may be read as each other.
      bits = {reinterpret_cast<const uint64_t*>(lane.i64.data()), lane.i64.size()};
    } else {
      return false;
    }
    local_[0]->column(measurement_->column(column_index)).add_bits(base_, lane.rows, bits);
    return true;
  }

  void append_text(size_t column_index, const Stream& stream) {
    const Lane& lane = *stream.lane;
    if (lane.type == ColumnType::kString && one_day_ && stream.whole) {
      ColumnBuilder& to = local_[0]->column(measurement_->column(column_index));
      to.add_texts(base_, lane.rows, lane.strings, lane.codes);
    } else if (lane.type == ColumnType::kString) {
      append_values(column_index, stream, [&](ColumnBuilder& to, uint32_t place, uint32_t k) {
        to.add_text(place, lane.text_of(k));
      });
    } else {
      append_values(column_index, stream, [&](ColumnBuilder& to, uint32_t place, uint32_t k) {
        to.add_text(place, text_of_value(lane, k));
      });
    }
  }

  template <class Bits>
  void append_bits(size_t column_index, const Stream& stream, Bits bits) {
    append_values(column_index, stream, [&](ColumnBuilder& to, uint32_t place, uint32_t k) {
      to.add_bits(place, bits(k));
    });
  }

  template <class Add>
  void append_values(size_t column_index, const Stream& stream, Add add) {
    std::vector<ColumnBuilder*> columns(local_.size(), nullptr);
    uint32_t current = kNone;
    ColumnBuilder* to = nullptr;
    const auto& rows = stream.lane->rows;
    for_each_index(stream, [&](uint32_t k) {
      const uint32_t row = rows[k];
      const uint32_t builder = one_day_ ? 0 : builder_of_row_[row];
      if (builder == kNone) return;
      if (builder != current) {
        current = builder;
        to = column_of(columns, builder, column_index, rows.size());
      }
      add(*to, place_of(row), k);
    });
  }

  uint32_t place_of(uint32_t row) const { return one_day_ ? base_ + row : place_[row]; }

  ColumnBuilder* column_of(std::vector<ColumnBuilder*>& columns, uint32_t builder,
                           size_t column_index, size_t value_count) {
    if (columns[builder] == nullptr) {
      columns[builder] = &local_[builder]->column(measurement_->column(column_index));
      // Most batches lie in one day; over several, room for all in each would be waste.
      if (local_.size() == 1) columns[builder]->reserve(value_count);
    }
    return columns[builder];
  }

  void append_rest() {
    if (rest_rows_.empty()) return;
    const Column& column = measurement_->column(measurement_->find(kRestColumn));
    for (const RestRow& rest : rest_rows_) {
      const uint32_t builder = one_day_ ? 0 : builder_of_row_[rest.row];
      if (builder == kNone) continue;
      local_[builder]->column(column).add_text(place_of(rest.row), rest.json);
    }
  }

  const RowBatch& rows_;
  const IngestOptions& options_;
  SchemaDraft& schema_;
  BuilderSet& builders_;
  WriteReport& report_;
  std::vector<uint8_t> refused_;  // by row
  size_t left_;                   // rows not refused
  MeasurementDraft* measurement_ = nullptr;
  std::vector<Target> targets_;
  std::unordered_map<std::string, size_t, NameHash, std::equal_to<>> target_index_;
  std::vector<RestValue> rest_;
  std::vector<RestRow> rest_rows_;
  std::vector<SegmentBuilder*> local_;  // builders of this batch's days
  bool one_day_ = false;                // no row is refused and all lie in local_[0], from base_ on
  uint32_t base_ = 0;
  std::vector<uint32_t> builder_of_row_;  // else: into local_; kNone for refused rows
  std::vector<uint32_t> place_;           // else: the row in its builder
  std::vector<uint64_t> double_bits_;
};

}  // namespace

SegmentBuilder& BuilderSet::get(const Measurement& measurement, int64_t partition) {
  Entry& entry = builders_[{measurement.id, partition}];
  if (!entry.builder) {
    entry.builder = std::make_unique<SegmentBuilder>(measurement.id, measurement.name, partition);
  }
  entry.last_request = request_;
  return *entry.builder;
}

size_t BuilderSet::memory_bytes() const {
  size_t bytes = 0;
  for (const auto& [key, entry] : builders_) bytes += entry.builder->memory_bytes();
  return bytes;
}

void ingest(const RowBatch& rows, const IngestOptions& options, SchemaDraft& schema,
            BuilderSet& builders, WriteReport& report) {
  Ingest(rows, options, schema, builders, report).run();
}

}  // namespace tocsin
