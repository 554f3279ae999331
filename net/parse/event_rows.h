// Turns the named values of one event into a row: finds its measurement, its time and its tags.
// Internal to net/parse; the parsers of JSON, logfmt, container logs and the like use it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/json_event.h"
#include "net/parse/line_protocol.h"
#include "net/parse/row_appender.h"
#include "net/parse/time_keys.h"

namespace tocsin {

/// Remembers the names of the last events, so that the next event with the same names is compared
/// and not looked up. The rows are the same with and without that memory. Not thread-safe; the
/// constructor's arguments must outlive it.
class EventRows : public RowAppender {
 public:
  /// `what` are the events, in the reason to reject one without values: `JSON object`.
  EventRows(const ParseOptions& options, const TimeKeys& time_keys, Batch& batch,
            LineWarnings& warnings, const char* what);

  /// What is known about an event besides its values.
  struct Facts {
    std::string_view line;          ///< as it came in
    std::string_view measurement;   ///< overrides the values and the options; empty: does not
    std::string_view usual;         ///< if the values name none; empty: options.measurement
    std::optional<Timestamp> time;  ///< if no value states one
    std::string oddity;             ///< a renamed or dropped key; empty: none
    bool unique = false;            ///< no two values have the same path
  };
  /// Appends the row, or returns false with reason() set. May rename and remove `values`. The last
  /// of several values with one name wins.
  bool append(std::vector<JsonValue>& values, Facts facts);
  /// The same if an earlier event had the same names, which are then unique. Otherwise returns
  /// false, and nothing is done.
  bool append_known(const std::vector<JsonValue>& values, const Facts& facts) {
    Shape* const shape = find_shape(values);
    return shape != nullptr && append_shaped(*shape, values, facts);
  }

 private:
  struct Lane {
    JsonValue::Kind kind = JsonValue::Kind::kArray;
    size_t index = SIZE_MAX;
  };
  struct Name {
    std::string text;
    JsonValue::Role role = JsonValue::Role::kGuess;
    bool is_tag = false;  // when its value is a string
    Lane lane = {};       // of the last value
  };
  struct TimeName {
    size_t rank = 0;
    size_t index = 0;
  };
  struct Shape {
    std::vector<Name> names;
    std::vector<TimeName> times;  // by rank
    std::string measurement;
    RowBatch* rows = nullptr;
  };

  Shape* find_shape(const std::vector<JsonValue>& values);
  static bool matches(const Shape& shape, const std::vector<JsonValue>& values);
  void learn(const std::vector<JsonValue>& values);
  std::optional<FoundTime> find_time(const Shape& shape, const std::vector<JsonValue>& values);
  bool append_shaped(Shape& shape, const std::vector<JsonValue>& values, const Facts& facts);

  void drop_duplicates(std::vector<JsonValue>& values, std::string& oddity);
  bool read_measurement(std::vector<JsonValue>& values, const Facts& facts,
                        std::string& measurement);
  bool read_time(std::vector<JsonValue>& values, std::optional<Timestamp>& time);
  void find_candidates(std::vector<JsonValue>& values);
  bool check(JsonValue& value, std::string& oddity);
  void warn_without_time(const std::vector<JsonValue>& values);
  bool is_tag(const JsonValue& value) const;
  static ColumnType column_type_of(JsonValue::Kind kind);
  void set(RowBatch& rows, size_t lane, const JsonValue& value);

  static constexpr size_t kShapesMax = 8;  // searched linearly

  const ParseOptions& options_;
  const TimeKeys& time_keys_;
  Batch& batch_;
  LineWarnings& warnings_;
  const char* const what_;
  std::vector<Shape> shapes_;
  size_t last_ = 0;        // the shape of the previous event
  size_t next_shape_ = 0;  // the one to replace next
  std::vector<TimeCandidate> candidates_;
  StaticTags static_tags_;
};

}  // namespace tocsin
