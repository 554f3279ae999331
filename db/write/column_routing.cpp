#include "db/write/column_routing.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

namespace tocsin {
namespace {

bool has_value(const ColumnRoute& route, uint32_t row) {
  return std::any_of(route.selections.begin(), route.selections.end(),
                     [&](const LaneSelection& selection) {
                       const auto& rows = selection.lane->rows;
                       const auto at = std::lower_bound(rows.begin(), rows.end(), row);
                       if (at == rows.end() || *at != row) return false;
                       const auto k = static_cast<uint32_t>(at - rows.begin());
                       return selection.whole ||
                              std::binary_search(selection.picks.begin(), selection.picks.end(), k);
                     });
}

class Router {
 public:
  Router(const RowBatch& rows, RowRefusals& refusals) : rows_(rows), refusals_(refusals) {}

  RoutedRows run() {
    std::unordered_map<std::string_view, std::vector<const Lane*>> tags;
    for (const Lane& lane : rows_.lanes()) {
      if (lane.kind == ColumnKind::kTag && !lane.rows.empty()) tags[lane.name].push_back(&lane);
    }
    for (const Lane& lane : rows_.lanes()) {
      if (lane.rows.empty() && !lane.declared) continue;
      if (lane.name == "time" || lane.name == "measurement") {
        renamed_.push_back({&lane, {}, true});
        continue;
      }
      // A declared lane is a sibling of the tag.
      const bool may_move = lane.kind != ColumnKind::kTag && !lane.declared;
      const auto tag = may_move ? tags.find(lane.name) : tags.end();
      if (tag == tags.end()) {
        add(lane.name, {&lane, {}, true});
      } else {
        split_by_tag(lane, tag->second);
      }
    }
    // Last, when every other owner of the new names is known.
    for (LaneSelection& selection : renamed_) add_renamed(std::move(selection));
    return std::move(routed_);
  }

 private:
  void add(const std::string& name, LaneSelection selection) {
    auto [it, added] = index_.emplace(name, routed_.columns.size());
    if (added) routed_.columns.emplace_back().name = name;
    routed_.columns[it->second].selections.push_back(std::move(selection));
  }

  /// Values in rows that have a tag of the field's name are renamed.
  void split_by_tag(const Lane& field, const std::vector<const Lane*>& tags) {
    LaneSelection moved{&field, {}, false};
    LaneSelection kept{&field, {}, false};
    for (uint32_t k = 0; k < field.rows.size(); ++k) {
      const bool has_tag = std::any_of(tags.begin(), tags.end(), [&](const Lane* tag) {
        return std::binary_search(tag->rows.begin(), tag->rows.end(), field.rows[k]);
      });
      (has_tag ? moved : kept).picks.push_back(k);
    }
    if (!kept.picks.empty()) add(field.name, std::move(kept));
    if (!moved.picks.empty()) renamed_.push_back(std::move(moved));
  }

  void add_renamed(LaneSelection selection) {
    const Lane& lane = *selection.lane;
    const std::string name = lane.name + "_field";
    const auto taken = index_.find(name);
    if (taken != index_.end()) {
      std::vector<uint32_t> free;
      const size_t rest_before = routed_.rest.size();
      for_each_index(selection, [&](uint32_t k) {
        if (!has_value(routed_.columns[taken->second], lane.rows[k])) return free.push_back(k);
        routed_.rest.push_back({lane.rows[k], lane.name, json_of_value(lane, k)});
      });
      selection.picks = std::move(free);
      selection.whole = false;
      if (routed_.rest.size() > rest_before) {
        refusals_.warn(
            fmt::format("rows of `{}` already have a column `{}`: their field `{}` went "
                        "into `{}`",
                        rows_.measurement(), name, lane.name, kRestColumn));
      }
    }
    if (selection.whole || !selection.picks.empty()) add(name, std::move(selection));
  }

  const RowBatch& rows_;
  RowRefusals& refusals_;
  RoutedRows routed_;
  std::vector<LaneSelection> renamed_;
  std::unordered_map<std::string, size_t, NameHash, std::equal_to<>> index_;  // into columns
};

}  // namespace

RoutedRows route_columns(const RowBatch& rows, RowRefusals& refusals) {
  return Router(rows, refusals).run();
}

}  // namespace tocsin
