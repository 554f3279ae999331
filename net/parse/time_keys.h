// Finds the time of an event among its keys: those that the source's options name, or else the
// usual ones.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "net/parse/event_time.h"

namespace tocsin {

/// How the JSON and CSV events of a source state their time.
struct TimeOptions {
  std::vector<std::string> keys;  ///< empty: the usual ones
  TimeLayout layout;
  TimeZone zone;  ///< of texts without a zone
};

/// The same as a user writes it.
struct TimeSettings {
  std::vector<std::string> keys;
  std::string layout;  ///< empty: auto
  std::string zone;    ///< empty: UTC

  bool operator==(const TimeSettings&) const = default;
};
/// kInvalid or kNotFound says what is wrong.
Result<TimeOptions> read_time_options(TimeSettings settings);

/// A value of an event under a time key.
struct TimeCandidate {
  size_t rank = 0;   ///< of the key: the lowest one with a valid time wins
  size_t index = 0;  ///< the caller's
  std::string_view text = {};
  bool is_text = false;         ///< a string; otherwise a number as written
  bool whole = true;            ///< the key's own value; false: inside an object
  bool has_seconds = false;     ///< the seconds of an object like {"seconds", "nanos"}
  std::string_view nanos = {};  ///< of such an object; empty: 0
};

struct FoundTime {
  static constexpr size_t kNone = SIZE_MAX;

  Timestamp time = 0;
  /// The index of the candidate that says nothing but the time, and need not be stored; or kNone.
  size_t drop = kNone;
};

/// The time keys of a source. `options` must outlive it.
///
/// A number under a usual key is a time only from 2001 (1e9 seconds) on: smaller ones are
/// durations or counters more often. Whatever is not a time leaves the choice to the next key, and
/// stays a column.
class TimeKeys {
 public:
  explicit TimeKeys(const TimeOptions& options);
  TimeKeys(const TimeKeys&) = delete;
  TimeKeys& operator=(const TimeKeys&) = delete;

  bool are_named() const { return !options_.keys.empty(); }
  /// Why a line is rejected whose named key has a value that is not a time.
  std::string invalid_time(std::string_view value, std::string_view key) const;

  /// A key that may hold the time.
  struct Place {
    size_t rank = 0;
    bool whole = true;  ///< as in TimeCandidate
    bool has_seconds = false;
    std::string nanos_key;  ///< empty: none
  };
  /// The place of a flattened key: `time`, and also `time.seconds`, `time.$date` and the like.
  std::optional<Place> place_of(std::string_view path) const;

  /// The time of an integer under the key of this rank.
  std::optional<Timestamp> read_integer(int64_t value, std::string_view text) const;
  /// The time of an event; nothing if no candidate has one. Requires: sorted by rank.
  std::optional<FoundTime> choose(std::span<const TimeCandidate> candidates) const;
  /// Whether a value that states the time is not stored as a column as well. Usual keys that older
  /// versions did not recognise remain columns, because queries may use them.
  bool drops(size_t rank) const;

 private:
  std::optional<size_t> rank_of(std::string_view key) const;
  std::optional<Timestamp> read(const TimeCandidate& candidate) const;
  std::optional<Timestamp> read_pair(const TimeCandidate& candidate) const;

  const TimeOptions& options_;
};

/// For warnings about events without a time: `keys: a, b, time ("16:47" is not a time)`. Collects
/// the keys of one event and shows the first ones.
class KeysText {
 public:
  explicit KeysText(const TimeKeys& time_keys) : time_keys_(time_keys) {}

  /// `value`: shown if the key is a time key; empty: none.
  void add(std::string_view key, std::string_view value);
  std::string text() const;

 private:
  const TimeKeys& time_keys_;
  std::string text_;
  size_t count_ = 0;
};

}  // namespace tocsin
