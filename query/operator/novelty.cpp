#include "query/operator/novelty.h"

#include <algorithm>
#include <cmath>

#include "query/operator/group_parts.h"
#include "query/usual/novelty.h"

namespace tocsin {
namespace {

void append_novelty(const Novelty& novelty, const Windows& windows, std::span<TableColumn> out) {
  append_number(novelty.share, out[0]);
  append_number(novelty.before_share, out[1]);
  out[2].valid.push_back(novelty.first_window.has_value());
  out[2].i64.push_back(
      novelty.first_window ? windows.window(windows.past_count - *novelty.first_window).start : 0);
  const char* kind = name_of(novelty.kind);
  out[3].valid.push_back(kind != nullptr);
  out[3].text.push_back(kind ? std::string_view(kind) : std::string_view());
  append_number(novelty.usual_new, out[4]);
}

}  // namespace

Result<std::vector<TableColumn>> judge_novelty(
    Execution& execution, const BaselinePrefix& prefix, const Windows& windows,
    std::span<const std::shared_ptr<const WindowRecord>> records, GroupTable& groups,
    std::span<const uint32_t> shown) {
  const BaselineNovelty& novelty = *prefix.baseline->novelty;
  const size_t group_count = groups.group_count();
  MemoryGauge gauge(execution);
  TOCSIN_RETURN_IF_ERROR(gauge.set(NoveltyJudge::memory_bytes(group_count)));
  std::vector<uint32_t> wholes(group_count);  // without keys, all groups are of one
  if (!novelty.keys.empty()) {
    TOCSIN_TRY(GroupParts parts, part_groups(execution, groups, prefix.key_types, novelty.keys));
    wholes = std::move(parts.part_of);
  }
  NoveltyJudge judge(windows.count(), windows.step, wholes);
  const auto found = std::ranges::find(prefix.value_columns, novelty.column);
  const auto column = static_cast<size_t>(found - prefix.value_columns.begin());
  for (size_t k = windows.count(); k-- > 0;) {
    TOCSIN_RETURN_IF_ERROR(execution.check());
    const WindowRecord& record = *records[k];
    for (uint32_t i = 0; i < record.kept_count; ++i) {
      judge.add(record.groups[i], record.values[column * record.kept_count + i]);
    }
    judge.end_window();
  }
  std::vector<TableColumn> out;
  for (const ValueType type :
       {ValueType::kF64, ValueType::kF64, ValueType::kTime, ValueType::kString, ValueType::kF64})
    out.emplace_back(type);
  for (const uint32_t group : shown) append_novelty(judge.judge(group), windows, out);
  return out;
}

}  // namespace tocsin
