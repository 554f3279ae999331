#include "db/schema/reject_log.h"

#include "db/limits.h"
#include "db/schema/schema.h"

namespace tocsin {
namespace {

constexpr std::string_view kOtherSources = "(other sources)";

/// Sets the columns of one row of `rejected`.
class RejectedRowWriter {
 public:
  RejectedRowWriter(Timestamp time, Batch& out)
      : out_(out), rows_(out.rows_of(kRejectedMeasurement)) {
    rows_.begin_row(time);
  }

  void text(const char* column, std::string_view value, ColumnKind kind = ColumnKind::kField) {
    rows_.set_string(rows_.lane(column, ColumnType::kString, kind, hint_++), out_.copy(value));
  }
  void text_unless_empty(const char* column, std::string_view value) {
    if (!value.empty()) text(column, value);
  }
  void number(const char* column, int64_t value) {
    rows_.set_i64(rows_.lane(column, ColumnType::kI64, ColumnKind::kField, hint_++), value);
  }
  void flag(const char* column, bool value) {
    rows_.set_bool(rows_.lane(column, ColumnType::kBool, ColumnKind::kField, hint_++), value);
  }
  void source_reason_count(std::string_view source, std::string_view reason, uint64_t count) {
    text("source", source, ColumnKind::kTag);
    text("reason", reason);
    number("count", static_cast<int64_t>(count));
  }

 private:
  Batch& out_;
  RowBatch& rows_;
  size_t hint_ = 0;
};

size_t size_of(const LineOrigin& origin) {
  return origin.path.size() + origin.format.size() + origin.precision.size() +
         origin.measurement.size() + origin.tag_keys.size() + origin.time_keys.size() +
         origin.time_layout.size() + origin.time_zone.size() + origin.header.size();
}

void write_origin(const LineOrigin& origin, RejectedRowWriter& row) {
  row.text_unless_empty("path", origin.path);
  row.text_unless_empty("format", origin.format);
  row.text_unless_empty("precision", origin.precision);
  // `measurement` is a column of every row: the measurement that it is in.
  row.text_unless_empty("default_measurement", origin.measurement);
  row.text_unless_empty("tag_keys", origin.tag_keys);
  row.text_unless_empty("time_keys", origin.time_keys);
  row.text_unless_empty("time_layout", origin.time_layout);
  row.text_unless_empty("time_zone", origin.time_zone);
  row.text_unless_empty("header", origin.header);
}

}  // namespace

void RejectLog::begin_commit(uint64_t last_commit) {
  if (last_commit == last_commit_) return;
  last_commit_ = last_commit;
  ids_used_ = 0;
}

void RejectLog::add(const Refusal& refusal, Timestamp now, Batch& out) {
  const LineOrigin& origin = refusal.request.origin;
  auto& [name, minute] = entry_of(refusal.request.source, now, out);
  const std::string_view line = refusal.line.substr(0, kRejectedLineBytesMax);
  const size_t bytes = line.size() + refusal.reason.size() + size_of(origin) + kRejectedRowBytes;
  if (!has_room(minute, bytes)) return count(minute, refusal.reason, 1);
  minute.kept_bytes += bytes;
  stored_bytes_ += bytes;
  RejectedRowWriter row(now, out);
  row.source_reason_count(name, refusal.reason, 1);
  row.number("id", static_cast<int64_t>(last_commit_ << kRejectedIdBits | ids_used_++));
  row.text("line", line);
  row.flag("cut", refusal.cut || line.size() < refusal.line.size());
  write_origin(origin, row);
}

void RejectLog::add_counted(std::string_view source, std::string_view reason, uint64_t lines,
                            Timestamp now, Batch& out) {
  count(entry_of(source, now, out).second, reason, lines);
}

void RejectLog::add_retried(const RetriedLine& line, Timestamp now, Batch& out) {
  RejectedRowWriter row(now, out);
  row.source_reason_count(line.source, line.reason, 0);
  row.number("retried", line.id);
  stored_bytes_ += line.source.size() + line.reason.size() + kRejectedRowBytes;
}

bool RejectLog::has_room(const Minute& minute, size_t bytes) const {
  return minute.kept_bytes + bytes <= kRejectedMinuteBytesMax &&
         stored_bytes_ + bytes <= kRejectedBytesMax && ids_used_ >> kRejectedIdBits == 0;
}

RejectLog::Sources::value_type& RejectLog::entry_of(std::string_view source, Timestamp now,
                                                    Batch& out) {
  if (!sources_.contains(source) && sources_.size() >= kRejectedSourcesMax) source = kOtherSources;
  auto it = sources_.find(source);
  if (it == sources_.end()) it = sources_.emplace(source, Minute{}).first;
  Minute& minute = it->second;
  const int64_t number = now / kMinute;
  if (minute.number != number) {
    write_counts(it->first, minute, out);
    minute = Minute{number, 0, {}};
  }
  return *it;
}

void RejectLog::count(Minute& minute, std::string_view reason, uint64_t lines) {
  if (!minute.counts.contains(reason) && minute.counts.size() >= kRejectedReasonsMax) {
    reason = kOtherReasons;
  }
  auto count = minute.counts.find(reason);
  if (count == minute.counts.end()) count = minute.counts.emplace(reason, 0).first;
  count->second += lines;
}

void RejectLog::flush(Timestamp now, bool at_close, Batch& out) {
  for (auto it = sources_.begin(); it != sources_.end();) {
    if (!at_close && it->second.number == now / kMinute) {
      ++it;
      continue;
    }
    write_counts(it->first, it->second, out);
    it = sources_.erase(it);
  }
}

void RejectLog::write_counts(const std::string& source, const Minute& minute, Batch& out) {
  for (const auto& [reason, count] : minute.counts) {
    RejectedRowWriter(minute.number * kMinute, out).source_reason_count(source, reason, count);
  }
}

}  // namespace tocsin
