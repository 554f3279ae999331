// Turns each JSON event into a row: recognises those of Telegraf and of the journal.
#include "net/parse/json_lines.h"

#include <algorithm>
#include <string>
#include <utility>

#include "db/base/ascii.h"
#include "net/parse/event_rows.h"
#include "net/parse/framer.h"
#include "net/parse/journal.h"
#include "net/parse/json_event.h"
#include "net/parse/json_fault.h"
#include "net/parse/json_repair.h"
#include "net/parse/line_numbers.h"
#include "net/parse/nul_blocks.h"
#include "net/parse/plain_objects.h"

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

class EventReader {
 public:
  EventReader(JsonFlattener& flattener, const ParseOptions& options, const TimeKeys& time_keys,
              Batch& batch, LineWarnings& warnings)
      : flattener_(flattener),
        options_(options),
        time_keys_(time_keys),
        batch_(batch),
        rows_(options, time_keys, batch, warnings, "JSON object") {}

  /// Appends the line's row to the batch, or returns false with reason() set. `padded` is the line
  /// with kJsonPadding readable bytes after it. Both must live as long as the batch.
  bool read(std::string_view line, std::string_view padded) {
    if (!flattener_.flatten(padded) && !retry_repaired(line)) {
      reason_ = unreadable(line);
      return false;
    }
    std::vector<JsonValue>& values = flattener_.values();
    EventRows::Facts facts;
    facts.line = line;
    facts.oddity = flattener_.oddity();
    facts.unique = true;
    std::string name;
    if (is_telegraf(values)) {
      name = settle_telegraf(values);
      facts.measurement = name;
    } else if (is_journal_entry(values)) {
      read_journal_entry(values, batch_);
      if (options_.measurement == kUsualMeasurement) facts.usual = kJournalMeasurement;
    }
    if (rows_.append(values, std::move(facts))) return true;
    reason_ = rows_.reason();
    return false;
  }

  const std::string& reason() const { return reason_; }

 private:
  std::string unreadable(std::string_view line) const {
    const std::string fault = json_fault(line);
    return fault.empty() ? flattener_.error() : "invalid JSON: " + fault;
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

  // Names the tags and fields as Telegraf does; returns the measurement.
  std::string settle_telegraf(std::vector<JsonValue>& values) const {
    const JsonValue* const named = find(values, "name");
    std::string measurement(named->text);
    if (!measurement.empty()) values.erase(values.begin() + (named - values.data()));
    for (JsonValue& value : values) {
      for (const auto& [prefix, role] : {std::pair{kFieldsPrefix, JsonValue::Role::kField},
                                         std::pair{kTagsPrefix, JsonValue::Role::kTag}}) {
        if (!value.path.starts_with(prefix) || time_keys_.place_of(value.path)) continue;
        value.path.remove_prefix(prefix.size());
        value.role = role;
        break;
      }
    }
    return measurement;
  }

  JsonFlattener& flattener_;
  const ParseOptions& options_;
  const TimeKeys& time_keys_;
  Batch& batch_;
  EventRows rows_;
  std::string reason_;
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
  const bool may_be_plain = options.guess_shapes && options.static_tags.empty();
  for (std::string_view rest = buffer; !rest.empty();) {
    const std::string_view line = next_line(rest);
    if (is_blank_line(line)) continue;
    if (may_be_plain && line.size() <= kLineBytesMax && plain.consume(line)) continue;
    read_around_nuls(line, numbers, errors, [&](std::string_view part) {
      if (part.size() > kLineBytesMax) return too_long("line", part.size());
      return reader.read(part, padded_line(part, buffer, batch)) ? std::string() : reader.reason();
    });
  }
}

}  // namespace tocsin
