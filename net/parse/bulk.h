// Splits the body of Elasticsearch's bulk API into documents; no I/O.
// Source: Elasticsearch's reference, "Bulk API".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"

namespace tocsin {

inline constexpr size_t kBulkItemsMax = 200'000;  ///< of one request; bounds the answer

enum class BulkAction : uint8_t { kCreate, kIndex, kUpdate, kDelete };
const char* name_of(BulkAction action);

struct BulkItem {
  BulkAction action = BulkAction::kCreate;
  uint32_t index = 0;         ///< in BulkBody::indices
  std::string id;             ///< may be empty
  std::string_view document;  ///< one line; empty: there is none
};

struct BulkBody {
  std::vector<std::string> indices;
  std::vector<BulkItem> items;
};

/// kInvalid names the line of the first action that is not valid; kLimit: more than kBulkItemsMax
/// items. `index`: of items that name none. The documents are not validated. Requires: `body` lives
/// as long as the result.
Result<BulkBody> parse_bulk(std::string_view body, std::string_view index);

/// The measurement for an index: its name without a date or a number of six digits at its end, and
/// without `.ds-` before it.
std::string measurement_of_index(std::string_view index);

}  // namespace tocsin
