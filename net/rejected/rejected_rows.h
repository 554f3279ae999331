// The rows of the measurement `rejected`, read directly from its segments.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "db/base/result.h"
#include "db/schema/write_request.h"
#include "db/segment/snapshot.h"

namespace tocsin {

/// A row; a column without a value is empty. The texts are valid until the next row.
struct RejectedRowView {
  Timestamp time = 0;
  std::string_view source;
  std::string_view reason;
  std::string_view line;
  std::optional<int64_t> count;
  std::optional<int64_t> id;
  std::optional<int64_t> retried;  ///< the id of a line that was stored later
  bool cut = false;
  LineOrigin origin;
};

/// Calls `visit` for each row, by segment. Stops at the first error, including one of `visit`.
/// kCorrupt names the segment.
Status visit_rejected(const Snapshot& snapshot,
                      const std::function<Status(const RejectedRowView&)>& visit);

}  // namespace tocsin
