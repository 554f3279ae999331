// Alert events as rows of the measurement `alerts` and as outbox entries.
#include "rules/alert_write.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/base/json.h"

namespace tocsin {
namespace {

// Sets the columns of one row, always in the same order: the position is the hint by which a lane
// is found without a search.
class RowWriter {
 public:
  RowWriter(Batch& batch, RowBatch& rows) : batch_(batch), rows_(rows) {}

  void text(const char* name, ColumnKind kind, std::string_view value) {
    if (value.empty()) {
      ++hint_;
      return;
    }
    rows_.set_string(lane(name, ColumnType::kString, kind), batch_.copy(value));
  }
  void time(const char* name, Timestamp value) {
    rows_.set_i64(lane(name, ColumnType::kI64, ColumnKind::kTime), value);
  }
  void number(const char* name, double value) {
    const size_t index = lane(name, ColumnType::kF64, ColumnKind::kField);
    if (std::isfinite(value)) rows_.set_f64(index, value);
  }
  void flag(const char* name, bool value) {
    rows_.set_bool(lane(name, ColumnType::kBool, ColumnKind::kField), value);
  }

 private:
  size_t lane(const char* name, ColumnType type, ColumnKind kind) {
    return rows_.lane(name, type, kind, hint_++);
  }

  Batch& batch_;
  RowBatch& rows_;
  size_t hint_ = 0;
};

void add_row(const AlertEvent& event, Batch& batch) {
  RowBatch& rows = batch.rows_of(kAlertsMeasurement);
  rows.begin_row(event.time);
  RowWriter row(batch, rows);
  row.text("rule", ColumnKind::kTag, event.rule);
  row.text("type", ColumnKind::kTag, event.type);
  row.text("severity", ColumnKind::kTag, name_of(event.severity));
  row.text("state", ColumnKind::kTag, name_of(event.state));
  row.text("service", ColumnKind::kTag, event.service);
  row.number("value", event.value);
  row.number("baseline", event.baseline);
  row.text("summary", ColumnKind::kField, event.summary);
  row.text("fingerprint", ColumnKind::kField, event.fingerprint);
  row.time("started_at", event.started_at);
  row.time("window_from", event.window_from);
  row.time("window_to", event.window_to);
  row.time("written_at", event.written_at);
  row.text("labels", ColumnKind::kField, json_object(event.labels));
  row.text("annotations", ColumnKind::kField, json_object(event.annotations));
  row.text("samples", ColumnKind::kField, json_array(event.samples));
  row.flag("late", event.late);
  row.text("inhibited_by", ColumnKind::kField,
           fmt::format("{}", fmt::join(event.inhibited_by, ", ")));
  row.text("explanation", ColumnKind::kField, event.explanation);
  row.text("query", ColumnKind::kField, event.query);
  row.text("silenced_by", ColumnKind::kField,
           fmt::format("{}", fmt::join(event.silenced_by, ", ")));
  row.text("acknowledged_by", ColumnKind::kField, event.acknowledged_by);
}

}  // namespace

Result<OutboxSequence> OutboxSequence::load(const Database& database) {
  TOCSIN_TRY(const std::vector<SmallEntry> waiting, database.list(SmallTable::kOutbox, ""));
  OutboxSequence sequence;
  for (const SmallEntry& entry : waiting) {
    const std::string_view key = entry.key;
    const std::string_view digits = key.substr(key.rfind('/') + 1);
    uint64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    sequence.last_ = std::max(sequence.last_, number);
  }
  return sequence;
}

// Numbers follow the clock so that they also grow across restarts with an empty outbox. A wrong
// clock does no harm.
uint64_t OutboxSequence::next(Timestamp now) {
  last_ = std::max(last_ + 1, now > 0 ? static_cast<uint64_t>(now) : 0);
  return last_;
}

bool wants(const AlertRoute& route, const AlertEvent& event) {
  if (event.only_stored) return false;
  const auto accepts = [&](Severity severity) {
    return route.severities.empty() || std::find(route.severities.begin(), route.severities.end(),
                                                 severity) != route.severities.end();
  };
  if (event.state == AlertState::kFiring) return accepts(event.severity);
  if (event.state != AlertState::kResolved || !route.send_resolved) return false;
  return accepts(event.severity) ||
         std::any_of(event.notified.begin(), event.notified.end(), accepts);
}

size_t add_alerts(const std::vector<AlertEvent>& events, const std::vector<AlertRoute>& routes,
                  Timestamp now, OutboxSequence& sequence, WriteRequest& request) {
  size_t entry_count = 0;
  for (const AlertEvent& event : events) {
    add_row(event, request.batch);
    const uint64_t number = sequence.next(now);
    for (const AlertRoute& route : routes) {
      if (!wants(route, event)) continue;
      request.changes.push_back(
          {SmallTable::kOutbox, outbox_key(route.forwarder, number), encode_alert(event)});
      ++entry_count;
    }
  }
  return entry_count;
}

}  // namespace tocsin
