// Merges rows into the stored schema: which column takes each value, what becomes of conflicts,
// which rows are refused (SEMANTICS.md section 5).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "db/schema/batch.h"
#include "db/schema/draft.h"
#include "db/schema/write_request.h"
#include "db/segment/builder.h"

namespace tocsin {

/// The column that keeps what no other column can take, as a JSON object per row.
inline constexpr const char* kRestColumn = "_rest";

/// Builders of segments by measurement and day.
class BuilderSet {
 public:
  using Key = std::pair<MeasurementId, int64_t>;
  struct Entry {
    std::unique_ptr<SegmentBuilder> builder;
    uint64_t last_request = 0;  ///< the one in which it was asked for last
  };

  /// What get() gives belongs to a further request.
  void begin_request() { ++request_; }
  SegmentBuilder& get(const Measurement& measurement, int64_t partition);
  std::map<Key, Entry>& builders() { return builders_; }
  /// How many requests ago the builder was asked for.
  uint64_t idle_requests(const Entry& entry) const { return request_ - entry.last_request; }
  bool empty() const { return builders_.empty(); }
  void clear() { builders_.clear(); }
  size_t memory_bytes() const;

 private:
  std::map<Key, Entry> builders_;
  uint64_t request_ = 0;
};

struct IngestOptions {
  Timestamp now = 0;
  Duration future_max = kDay;
  /// Retention of a measurement by name; 0 keeps everything.
  std::function<Duration(std::string_view)> retention;
  ConflictPolicy policy = ConflictPolicy::kRejectRow;
  bool allow_reserved = false;
};

/// Appends the rows to the builders, extends the schema, and reports what was refused. Strings are
/// copied, so the batch is not needed afterwards.
void ingest(const RowBatch& rows, const IngestOptions& options, SchemaDraft& schema,
            BuilderSet& builders, WriteReport& report);

}  // namespace tocsin
