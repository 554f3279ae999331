#include "query/operator/judgement.h"

#include <algorithm>
#include <cmath>

#include "query/usual/silence.h"
#include "query/usual/unusual.h"

namespace tocsin {
namespace {

/// Groups are judged some at a time, so that their series need no more than this.
constexpr size_t kSeriesBytesMax = 16 * kMiB;

void append_basis(Basis basis, TableColumn& column) {
  column.valid.push_back(basis != Basis::kNone);
  column.text.push_back(basis == Basis::kNone ? std::string_view() : name_of(basis));
}

class GroupJudge {
 public:
  GroupJudge(Execution& execution, const BaselinePrefix& prefix, const Windows& windows,
             std::span<const std::shared_ptr<const WindowRecord>> records)
      : execution_(execution),
        prefix_(prefix),
        windows_(windows),
        records_(records),
        slots_(starts_of(windows), windows.step, prefix.plan->zone) {
    std::vector<uint64_t> rows(windows.count());
    for (uint32_t k = 0; k < windows.count(); ++k) rows[place_of(k)] = records[k]->source_rows;
    collected_ = collected_windows(slots_, rows);
    for (const BaselineJudgement& judgement : prefix.baseline->judgements) {
      const size_t first = columns_.size();
      for (size_t i = 0; i < judgement.column_count(); ++i)
        columns_.emplace_back(type_of(judgement, i));
      firsts_.push_back(first);
    }
  }

  Status judge(std::span<const JudgedGroup> groups) {
    const size_t series_bytes = windows_.count() * prefix_.value_columns.size() * sizeof(double);
    const size_t batch = std::max<size_t>(kSeriesBytesMax / std::max<size_t>(series_bytes, 1), 1);
    MemoryGauge gauge(execution_);
    TOCSIN_RETURN_IF_ERROR(gauge.set(std::min(batch, groups.size()) * series_bytes));
    for (size_t start = 0; start < groups.size(); start += batch) {
      TOCSIN_RETURN_IF_ERROR(
          judge_batch(groups.subspan(start, std::min(batch, groups.size() - start))));
    }
    return {};
  }

  std::vector<TableColumn> release() { return std::move(columns_); }

 private:
  static std::vector<Timestamp> starts_of(const Windows& windows) {
    std::vector<Timestamp> starts;
    for (auto k = static_cast<uint32_t>(windows.count()); k > 0; --k)
      starts.push_back(windows.window(k - 1).start);
    return starts;
  }
  static ValueType type_of(const BaselineJudgement& judgement, size_t column) {
    if (judgement.kind == JudgementKind::kSilence)
      return column == 2 ? ValueType::kF64 : ValueType::kDuration;
    if (column == 3) return ValueType::kDuration;
    return column == 4 ? ValueType::kString : ValueType::kF64;
  }

  size_t place_of(uint32_t window) const { return windows_.past_count - window; }

  Status judge_batch(std::span<const JudgedGroup> groups) {
    const size_t count = windows_.count();
    std::vector<uint32_t> row_of;  // by group
    for (uint32_t i = 0; i < groups.size(); ++i) {
      if (groups[i].group >= row_of.size()) row_of.resize(groups[i].group + 1, UINT32_MAX);
      row_of[groups[i].group] = i;
    }
    const size_t column_count = prefix_.value_columns.size();
    std::vector<double> series(groups.size() * column_count * count);
    for (uint32_t k = 0; k < count; ++k) {
      if (k % 64 == 0) TOCSIN_RETURN_IF_ERROR(execution_.check());
      const WindowRecord& record = *records_[k];
      for (uint32_t i = 0; i < record.kept_count; ++i) {
        const uint32_t group = record.groups[i];
        if (group >= row_of.size() || row_of[group] == UINT32_MAX) continue;
        for (size_t c = 0; c < column_count; ++c) {
          const double value = record.values[c * record.kept_count + i];
          if (std::isnan(value)) continue;
          series[(row_of[group] * column_count + c) * count + place_of(k)] = value;
        }
      }
    }
    std::vector<uint8_t> collected, excluded;
    for (uint32_t i = 0; i < groups.size(); ++i) {
      TOCSIN_RETURN_IF_ERROR(execution_.check());
      const JudgedGroup& group = groups[i];
      collected = collected_;
      for (size_t at = 0; at < count && windows_.past_count - at > group.first_window; ++at)
        collected[at] = 0;
      excluded.clear();
      for (uint32_t k = 0; k < group.excluded.size(); ++k) {
        if (excluded.empty()) excluded.resize(count);
        excluded[place_of(k)] = group.excluded[k];
      }
      const auto values = [&](uint32_t column) {
        const auto found = std::ranges::find(prefix_.value_columns, column);
        const auto c = static_cast<size_t>(found - prefix_.value_columns.begin());
        return std::span<const double>(series).subspan((i * column_count + c) * count, count);
      };
      for (size_t j = 0; j < prefix_.baseline->judgements.size(); ++j) {
        const BaselineJudgement& judgement = prefix_.baseline->judgements[j];
        const bool has_of =
            judgement.kind == JudgementKind::kShare || judgement.kind == JudgementKind::kMean;
        const Past past(slots_, values(judgement.column),
                        has_of ? values(judgement.of) : std::span<const double>(), collected,
                        excluded);
        append(judgement.kind, past, firsts_[j]);
      }
    }
    return {};
  }

  void append(JudgementKind kind, const Past& past, size_t first) {
    TableColumn* const out = &columns_[first];
    if (kind == JudgementKind::kSilence) {
      const Silence silence = judge_silence(past);
      const auto length = [&](int64_t windows) {
        return windows < 0 ? std::nan("") : static_cast<double>(windows * windows_.step);
      };
      append_number(length(silence.windows), out[0]);
      append_number(length(silence.usual), out[1]);
      append_number(silence.usual < 0 ? std::nan("") : silence.missed, out[2]);
      return;
    }
    const Judgement judgement = kind == JudgementKind::kCount   ? judge_count(past)
                                : kind == JudgementKind::kShare ? judge_share(past)
                                                                : judge_mean(past);
    append_number(judgement.observed, out[0]);
    append_number(judgement.usual, out[1]);
    append_number(judgement.surprise, out[2]);
    append_number(
        judgement.basis == Basis::kNone ? std::nan("") : static_cast<double>(judgement.span),
        out[3]);
    append_basis(judgement.basis, out[4]);
  }

  Execution& execution_;
  const BaselinePrefix& prefix_;
  const Windows& windows_;
  std::span<const std::shared_ptr<const WindowRecord>> records_;
  WindowSlots slots_;
  std::vector<uint8_t> collected_;  // by window, oldest first
  std::vector<TableColumn> columns_;
  std::vector<size_t> firsts_;  // by judgement: its first column
};

}  // namespace

Result<std::vector<TableColumn>> judge_groups(
    Execution& execution, const BaselinePrefix& prefix, const Windows& windows,
    std::span<const std::shared_ptr<const WindowRecord>> records,
    std::span<const JudgedGroup> groups) {
  GroupJudge judge(execution, prefix, windows, records);
  TOCSIN_RETURN_IF_ERROR(judge.judge(groups));
  return judge.release();
}

}  // namespace tocsin
