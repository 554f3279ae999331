// Tags that a source adds to all of its rows.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/schema/batch.h"

namespace tocsin {

/// Names and values.
using TagList = std::vector<std::pair<std::string, std::string>>;

/// Adds the tags to rows of one batch. Not thread-safe; `tags` and `batch` must outlive it.
class StaticTags {
 public:
  StaticTags(const TagList& tags, Batch& batch) {
    for (const auto& [name, value] : tags) tags_.push_back({name, batch.copy(value), 0});
  }

  bool empty() const { return tags_.empty(); }
  bool has(std::string_view name) const {
    for (const Tag& tag : tags_) {
      if (tag.name == name) return true;
    }
    return false;
  }
  /// Sets the tags of the current row. A tag of that name that is set later replaces the value.
  void set(RowBatch& rows) {
    for (Tag& tag : tags_) {
      tag.lane = rows.lane(tag.name, ColumnType::kString, ColumnKind::kTag, tag.lane);
      rows.set_string(tag.lane, tag.value);
    }
  }

 private:
  struct Tag {
    std::string_view name;
    std::string_view value;
    size_t lane = 0;  // of the last row
  };

  std::vector<Tag> tags_;
};

}  // namespace tocsin
