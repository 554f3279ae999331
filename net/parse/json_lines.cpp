// Turns each JSON event into a row: finds its measurement, its time and its tags.
#include "net/parse/json_lines.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/limits.h"
#include "net/parse/event_time.h"
#include "net/parse/framer.h"
#include "net/parse/journal.h"
#include "net/parse/json_event.h"
#include "net/parse/json_fault.h"
#include "net/parse/json_repair.h"
#include "net/parse/keys.h"
#include "net/parse/line_numbers.h"
#include "net/parse/nul_blocks.h"
#include "net/parse/odd_names.h"
#include "net/parse/plain_objects.h"
#include "net/parse/row_appender.h"

namespace tocsin {
namespace {

using Kind = JsonValue::Kind;
constexpr std::string_view kTagsPrefix = "tags.";
constexpr std::string_view kFieldsPrefix = "fields.";

JsonValue* find(std::vector<JsonValue>& values, std::string_view path) {
  const auto it = std::find_if(values.begin(), values.end(),
                               [&](const JsonValue& value) { return value.path == path; });
  return it == values.end() ? nullptr : &*it;
}

class EventReader : public RowAppender {
 public:
  EventReader(JsonFlattener& flattener, const ParseOptions& options, const TimeKeys& time_keys,
              Batch& batch, LineWarnings& warnings)
      : flattener_(flattener),
        options_(options),
        time_keys_(time_keys),
        batch_(batch),
        warnings_(warnings) {}

  /// Appends the line's row to the batch, or returns false with reason() set. `padded` is the line
  /// with kJsonPadding readable bytes after it. Both must live as long as the batch.
  bool read(std::string_view line, std::string_view padded) {
    if (!flattener_.flatten(padded) && !retry_repaired(line)) return fail_unreadable(line);
    std::vector<JsonValue>& values = flattener_.values();
    std::string measurement;
    std::optional<Timestamp> time;
    telegraf_ = is_telegraf(values);
    journal_ = !telegraf_ && is_journal_entry(values);
    if (journal_) read_journal_entry(values, batch_);
    oddity_ = flattener_.oddity();
    if (!read_measurement(values, measurement) || !read_time(values, time)) return false;
    if (values.empty()) return fail("JSON object without any value");
    for (JsonValue& value : values) {
      if (!check(value)) return false;
    }
    if (!time) warn_without_time(values);
    if (!oddity_.empty()) warnings_.add(LineWarning::kOddKey, [&] { return oddity_; });
    RowBatch& rows = batch_.rows_of(measurement);
    rows.begin_row(time.value_or(options_.now), line);
    for (size_t i = 0; i < values.size(); ++i) append(rows, values[i], i);
    return true;
  }

 private:
  bool fail_unreadable(std::string_view line) {
    const std::string fault = json_fault(line);
    return fail(fault.empty() ? flattener_.error() : "invalid JSON: " + fault);
  }

  bool retry_repaired(std::string_view line) {
    if (!flattener_.invalid_text()) return false;
    std::string repaired = repaired_json(line);
    const size_t size = repaired.size();
    repaired.append(kJsonPadding, ' ');
    return flattener_.flatten(batch_.keep(std::move(repaired)).substr(0, size));
  }

  bool is_telegraf(std::vector<JsonValue>& values) const {
    const JsonShape& shape = flattener_.shape();
    if (!shape.only_telegraf_keys || !shape.fields_is_object || !shape.tags_is_object) return false;
    const JsonValue* name = find(values, "name");
    return name != nullptr && name->kind == Kind::kString;
  }

  bool read_measurement(std::vector<JsonValue>& values, std::string& measurement) {
    JsonValue* named = find(values, telegraf_ ? "name" : "measurement");
    if (named != nullptr && named->kind == Kind::kString && !named->text.empty()) {
      measurement = named->text;
      values.erase(values.begin() + (named - values.data()));
    } else {
      const bool usual = options_.measurement == kUsualMeasurement;
      measurement = journal_ && usual ? kJournalMeasurement : options_.measurement;
    }
    if (!check_measurement(
            measurement,
            "no measurement: the event has no key `measurement`, and its source sets none")) {
      return false;
    }
    const bool admitted = !options_.admit_odd_name || !is_odd_measurement(measurement) ||
                          options_.admit_odd_name(measurement);
    return admitted || fail(odd_names_limit_reason(measurement));
  }

  bool read_time(std::vector<JsonValue>& values, std::optional<Timestamp>& time) {
    find_candidates(values);
    const auto found = time_keys_.choose(candidates_);
    if (!found) {
      if (candidates_.empty() || !time_keys_.are_named()) return true;
      const JsonValue& first = values[candidates_.front().index];
      return fail(time_keys_.invalid_time(first.text, first.path));
    }
    time = found->time;
    if (found->drop != FoundTime::kNone) {
      values.erase(values.begin() + static_cast<ptrdiff_t>(found->drop));
    }
    return true;
  }

  void find_candidates(std::vector<JsonValue>& values) {
    candidates_.clear();
    for (size_t i = 0; i < values.size(); ++i) {
      const JsonValue& value = values[i];
      const auto place = time_keys_.place_of(value.path);
      if (!place) continue;
      TimeCandidate candidate{.rank = place->rank,
                              .index = i,
                              .text = value.text,
                              .is_text = value.kind == Kind::kString,
                              .whole = place->whole,
                              .has_seconds = place->has_seconds};
      if (!place->nanos_key.empty()) {
        if (const JsonValue* nanos = find(values, place->nanos_key)) candidate.nanos = nanos->text;
      }
      candidates_.push_back(candidate);
    }
    std::stable_sort(candidates_.begin(), candidates_.end(),
                     [](const auto& a, const auto& b) { return a.rank < b.rank; });
  }

  void warn_without_time(const std::vector<JsonValue>& values) {
    const bool named = time_keys_.are_named();
    warnings_.add(named ? LineWarning::kTimeKeyMissing : LineWarning::kNoTime, [&] {
      KeysText keys(time_keys_);
      for (const JsonValue& value : values) keys.add(value.path, value.text);
      return keys.text();
    });
  }

  std::string_view column_of(const JsonValue& value) const {
    if (!telegraf_) return value.path;
    if (value.path.starts_with(kFieldsPrefix)) return value.path.substr(kFieldsPrefix.size());
    if (value.path.starts_with(kTagsPrefix)) return value.path.substr(kTagsPrefix.size());
    return value.path;
  }

  bool is_tag(const JsonValue& value) const {
    if (telegraf_) return value.path.starts_with(kTagsPrefix);
    return is_tag_key(value.path, options_);
  }

  bool check(JsonValue& value) {
    if (const std::string_view column = column_of(value); column.size() > kNameBytesMax) {
      const std::string_view prefix = value.path.substr(0, value.path.size() - column.size());
      const std::string name = shortened_name(column);
      value.path = batch_.copy(std::string(prefix) + name);
      if (oddity_.empty()) {
        oddity_ = fmt::format("a key of {} bytes is stored as `{}`", column.size(), name);
      }
    }
    if (value.text.size() > kStringBytesMax) {
      return fail(fmt::format("string of {} bytes in `{}`, at most {} are possible",
                              value.text.size(), value.path, kStringBytesMax));
    }
    return true;
  }

  void append(RowBatch& rows, const JsonValue& value, size_t hint) {
    const std::string_view column = column_of(value);
    const auto lane = [&](ColumnType type, ColumnKind kind = ColumnKind::kField) {
      return rows.lane(column, type, kind, hint);
    };
    switch (value.kind) {
      case Kind::kI64: return rows.set_i64(lane(ColumnType::kI64), value.i64, value.text);
      case Kind::kU64: return rows.set_u64(lane(ColumnType::kU64), value.u64, value.text);
      case Kind::kF64: return rows.set_f64(lane(ColumnType::kF64), value.f64, value.text);
      case Kind::kBool: return rows.set_bool(lane(ColumnType::kBool), value.boolean, value.text);
      case Kind::kHuge:
      case Kind::kArray: return rows.set_string(lane(ColumnType::kString), value.text);
      case Kind::kString: break;
    }
    const ColumnKind kind = is_tag(value) ? ColumnKind::kTag : ColumnKind::kField;
    rows.set_string(lane(ColumnType::kString, kind),
                    value.escaped ? batch_.copy(value.text) : value.text);
  }

  JsonFlattener& flattener_;
  const ParseOptions& options_;
  const TimeKeys& time_keys_;
  Batch& batch_;
  LineWarnings& warnings_;

  // Of the current event.
  bool telegraf_ = false;  // whether it has Telegraf's shape
  bool journal_ = false;   // whether it is an entry of the journal
  std::vector<TimeCandidate> candidates_;
  std::string oddity_;
};

}  // namespace

struct JsonLinesParser::Impl {
  JsonFlattener flattener;
};

JsonLinesParser::JsonLinesParser() : impl_(std::make_unique<Impl>()) {}
JsonLinesParser::~JsonLinesParser() = default;

void JsonLinesParser::parse(std::string_view buffer, const ParseOptions& options, Batch& batch,
                            LineErrors& errors) {
  const TimeKeys time_keys(options.time);
  EventReader reader(impl_->flattener, options, time_keys, batch, errors.warnings());
  PlainObjects plain(options, time_keys, batch, errors.warnings());
  LineNumbers numbers(buffer);
  for (std::string_view rest = buffer; !rest.empty();) {
    const std::string_view line = next_line(rest);
    if (is_blank_line(line)) continue;
    if (options.guess_shapes && line.size() <= kLineBytesMax && plain.consume(line)) continue;
    read_around_nuls(line, numbers, errors, [&](std::string_view part) {
      if (part.size() > kLineBytesMax) return too_long("line", part.size());
      return reader.read(part, padded_line(part, buffer, batch)) ? std::string() : reader.reason();
    });
  }
}

}  // namespace tocsin
