#include "db/schema/reject_log.h"

#include "db/limits.h"
#include "db/schema/schema.h"

namespace tocsin {
namespace {

constexpr std::string_view kOtherSources = "(other sources)";

void add_row(Timestamp time, std::string_view source, std::string_view reason,
             const std::string_view* line, uint64_t count, Batch& out) {
  RowBatch& rows = out.rows_of(kRejectedMeasurement);
  rows.begin_row(time);
  rows.set_string(rows.lane("source", ColumnType::kString, ColumnKind::kTag, 0), out.copy(source));
  rows.set_string(rows.lane("reason", ColumnType::kString, ColumnKind::kField, 1),
                  out.copy(reason));
  rows.set_i64(rows.lane("count", ColumnType::kI64, ColumnKind::kField, 2),
               static_cast<int64_t>(count));
  if (line == nullptr) return;
  rows.set_string(rows.lane("line", ColumnType::kString, ColumnKind::kField, 3),
                  out.copy(line->substr(0, kRejectedLineBytesMax)));
}

}  // namespace

void RejectLog::add(std::string_view source, std::string_view reason, std::string_view line,
                    Timestamp now, Batch& out) {
  auto& [name, minute] = entry_of(source, now, out);
  if (minute.kept == kRejectedPerMinuteMax) return count(minute, reason, 1);
  ++minute.kept;
  add_row(now, name, reason, &line, 1, out);
}

void RejectLog::add_counted(std::string_view source, std::string_view reason, uint64_t lines,
                            Timestamp now, Batch& out) {
  count(entry_of(source, now, out).second, reason, lines);
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
    add_row(minute.number * kMinute, source, reason, nullptr, count, out);
  }
}

}  // namespace tocsin
