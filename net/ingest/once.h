// Texts that are stored once, however often they are sent: what became of a text is remembered in
// the commit of its rows.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "db/base/time.h"
#include "db/database.h"

namespace tocsin {

/// A line that was not stored.
struct IngestProblem {
  uint64_t line = 0;  ///< or record; in the text, from 1
  std::string reason;
  bool unparsed = false;  ///< the line could not be parsed; otherwise the store refused its row
};

/// What became of a stored text.
struct TextOutcome {
  size_t rows_written = 0;
  size_t rows_rejected = 0;
  std::vector<IngestProblem> problems;  ///< the first ones, by line
};

/// A request whose texts are stored once. Used on the loop's thread.
struct OnceRequest {
  std::string key;
  bool has_client_key = false;  ///< otherwise its body identifies it
  Duration window = 0;          ///< how long it is remembered
  size_t text_count = 0;        ///< answered texts, and those of them that were stored before
  size_t duplicate_count = 0;
};

/// More are forgotten early, the oldest first. An entry takes about 200 bytes of memory.
inline constexpr size_t kOnceEntriesMax = 100'000;

/// The memory of stored texts: entries `once/KEY` of the small table `sources`. Not thread-safe.
class OnceLog {
 public:
  /// Reads the entries of earlier runs.
  Status load(const Database& database);

  enum class State : uint8_t { kNew, kInFlight, kStored };
  /// kNew: the caller stores the text and calls end(). kStored: sets `outcome`.
  State begin(const std::string& key, Timestamp now, TextOutcome& outcome);
  /// `outcome` is null if the text is not stored, or not remembered.
  void end(const std::string& key, Timestamp until, const TextOutcome* outcome);

  /// The entry of a text, for the commit of its rows.
  static SmallChange entry(const std::string& key, Timestamp until, const TextOutcome& outcome);
  /// Forgets what is expired or too much; the changes remove it from the table.
  std::vector<SmallChange> expire(Timestamp now);

 private:
  struct Entry {
    Timestamp until = 0;
    TextOutcome outcome;
  };

  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::pair<Timestamp, std::string>> order_;  // as they were added
  std::unordered_set<std::string> in_flight_;
};

}  // namespace tocsin
