#include "query/stats/stats.h"

#include <algorithm>
#include <utility>

#include "db/base/check.h"
#include "query/aggregate/key_values.h"
#include "query/aggregate/reducible_values.h"
#include "query/stats/spill.h"
#include "query/vector/kernels.h"

namespace tocsin {
namespace {

/// Counts of reduced values may use 1 / kCountsShare of the query's memory.
constexpr size_t kCountsShare = 2;

std::vector<ValueType> key_types(const StatsPlan& plan) {
  std::vector<ValueType> types;
  for (const auto& key : plan.keys) types.push_back(key.type);
  if (plan.windowed) types.push_back(ValueType::kI64);
  return types;
}

// Remembers the last bucket, because ascending times mostly stay in it.
class BucketCache {
 public:
  BucketCache(Duration width, const TimeZone& zone) : width_(width), zone_(zone) {}
  Timestamp start_of(Timestamp t) {
    if (t >= start_ && t < end_) return start_;
    start_ = bucket_start(t, width_, zone_);
    end_ = next_bucket_start(t, width_, zone_);
    return start_;
  }

 private:
  Duration width_;
  const TimeZone& zone_;
  Timestamp start_ = 0;
  Timestamp end_ = 0;
};

}  // namespace

StatsState::StatsState(const StatsPlan& plan, const Program& program, Execution& execution)
    : plan_(plan),
      execution_(execution),
      gauge_(execution),
      groups_(key_types(plan)),
      buckets_(plan.keys.size()) {
  for (const StatsPlan::Feed& feed : plan.feeds) {
    std::vector<const Aggregate*> aggregates;
    for (const uint32_t index : feed.aggregates) {
      aggregates.push_back(&plan.stage->aggregates[index]);
    }
    const ValueType argument =
        feed.argument ? program.nodes[*feed.argument].type : ValueType::kNull;
    accumulators_.push_back(make_accumulator(aggregates, argument));
  }
  resize();
}

void StatsState::resize() {
  for (auto& accumulator : accumulators_) accumulator->resize(groups_.group_count());
}

Status StatsState::bucket(const StatsPlan::Key& key, Evaluator& evaluator, Vector& out) {
  TOCSIN_TRY(const Vector* time, evaluator.value(key.node));
  out.reset(ValueType::kTime, evaluator.row_count());
  out.valid = time->valid;
  const auto starts = out.make_i64();
  BucketCache cache(key.bucket, plan_.zone);
  for (const uint32_t row : evaluator.rows()) starts[row] = cache.start_of(time->i64[row]);
  return {};
}

void StatsState::keep_share(const Vector& key, Evaluator& evaluator) {
  const auto rows = evaluator.rows();
  in_share_.resize(evaluator.row_count());
  if (const IdDictionary* dictionary = key.id_dictionary) {
    if (std::exchange(share_serial_, dictionary->serial) != dictionary->serial) {
      hashes_.assign(dictionary->ids.size() + 1, 0);  // the last one is null, whose hash is 0
      hash_ids(dictionary->ids, *key.id_format, share_->format, hashes_);
      codes_in_share_.resize(hashes_.size());
      for (size_t i = 0; i < hashes_.size(); ++i) codes_in_share_[i] = share_->holds(hashes_[i]);
    }
    for (const uint32_t row : rows) in_share_[row] = codes_in_share_[key.codes[row]];
  } else {
    hashes_.resize(rows.size());
    hash_values(key, rows, share_->format, hashes_);
    for (size_t i = 0; i < rows.size(); ++i) in_share_[rows[i]] = share_->holds(hashes_[i]);
  }
  evaluator.select(in_share_);
}

Status StatsState::add(Evaluator& evaluator, const Vector* window,
                       std::span<const EntryStatistics> counted) {
  auto rows = evaluator.rows();
  if (rows.empty()) return {};
  std::vector<const Vector*> keys;
  for (size_t k = 0; k < plan_.keys.size(); ++k) {
    if (plan_.keys[k].bucket != 0) {
      TOCSIN_RETURN_IF_ERROR(bucket(plan_.keys[k], evaluator, buckets_[k]));
      keys.push_back(&buckets_[k]);
    } else {
      TOCSIN_TRY(const Vector* key, evaluator.key(plan_.keys[k].node));
      keys.push_back(key);
    }
  }
  if (plan_.windowed) {
    TOCSIN_CHECK(window != nullptr);
    keys.push_back(window);
  }
  if (share_) {
    keep_share(*keys[share_->key], evaluator);
    rows = evaluator.rows();
    if (rows.empty()) return {};
  }
  if (spill_) return spill(std::move(keys), evaluator);
  row_groups_.resize(rows.size());
  groups_.assign(keys, rows, row_groups_);
  if (plan_.group_count_max != 0 && groups_.group_count() > plan_.group_count_max) {
    execution_.groups_exceeded = true;
    return fail(ErrorCode::kLimit, "there are more groups than are wanted");
  }
  resize();
  for (size_t i = 0; i < plan_.feeds.size(); ++i) {
    TOCSIN_RETURN_IF_ERROR(update(plan_.feeds[i], *accumulators_[i], evaluator, counted));
  }
  return measure_memory();
}

Status StatsState::spill(std::vector<const Vector*> columns, Evaluator& evaluator) {
  for (const NodeId node : spill_->plan().arguments) {
    TOCSIN_TRY(columns.emplace_back(), evaluator.value(node));
  }
  return spill_->add(thread_, columns, evaluator.rows());
}

Status StatsState::update(const StatsPlan::Feed& feed, Accumulator& accumulator,
                          Evaluator& evaluator, std::span<const EntryStatistics> counted) {
  AggregateInput input{evaluator.rows(), row_groups_, nullptr, nullptr, counted};
  if (feed.where) {
    TOCSIN_TRY(const Vector* mask, evaluator.value(*feed.where));
    if (mask->type != ValueType::kBool) return {};  // the literal null counts as false
    fed_rows_.assign(input.rows.begin(), input.rows.end());
    fed_groups_ = row_groups_;
    const size_t kept = kernels::select_pairs(mask->boolean, fed_rows_, fed_groups_);
    if (kept == 0) return {};
    input.rows = std::span(fed_rows_).first(kept);
    input.groups = std::span(fed_groups_).first(kept);
  }
  if (!counted.empty() && feed.from_counts) {
    for (size_t i = 0; i < input.rows.size(); ++i) {
      accumulator.add_rows(input.groups[i], counted[input.rows[i]]);
    }
    return {};
  }
  if (feed.argument) {
    TOCSIN_TRY(input.argument, evaluator.value(*feed.argument));
    if (input.argument->type == ValueType::kNull) return {};  // no row has a value
  }
  if (feed.time) {
    TOCSIN_TRY(input.time, evaluator.value(*feed.time));
  }
  accumulator.update(input);
  return {};
}

size_t StatsState::memory_bytes() const {
  size_t bytes = groups_.memory_bytes();
  for (const auto& accumulator : accumulators_) {
    if (accumulator) bytes += accumulator->memory_bytes();
  }
  return bytes;
}

Status StatsState::measure_memory() {
  size_t bytes = std::max(memory_bytes(), expected_bytes_);
  if (gauge_.try_set(bytes)) return {};
  if (reduction_allowed_) {
    // A thread that holds less than its share reduces its values only once: another thread holds
    // more than its share and will reduce its own.
    const size_t share = execution_.options().memory_bytes_max / execution_.thread_count();
    if (!reduced_ || bytes > share) reduced_ |= reduce_values();
    bytes = std::max(memory_bytes(), expected_bytes_);
    if (gauge_.try_set(bytes) || bytes <= share) return {};
  }
  return gauge_.set(bytes);
}

bool StatsState::collects_values(const StatsPlan::Feed& feed) const {
  return shares_values(plan_.stage->aggregates[feed.aggregates.front()].kind);
}

void StatsState::allow_reduction() {
  reduction_allowed_ = std::ranges::any_of(
      accumulators_, [](const auto& each) { return each->reducible_values() != nullptr; });
}

bool StatsState::reduce_values() {
  size_t bytes_left =
      execution_.options().memory_bytes_max / kCountsShare / execution_.thread_count();
  bool helps = false;
  for (const auto& accumulator : accumulators_) {
    ReducibleValues* const values = accumulator->reducible_values();
    if (!values) continue;
    const size_t before = accumulator->memory_bytes();
    helps |= values->reduce(bytes_left);
    const size_t after = accumulator->memory_bytes();
    if (after > before) bytes_left -= std::min(bytes_left, after - before);
  }
  if (!helps) return false;
  estimated_ = true;  // from now on, memory does not grow with the number of rows
  expected_bytes_ = 0;
  return true;
}

std::optional<ResultCandidates> StatsState::missing_candidates() {
  reduction_allowed_ = false;
  bool is_missing = false;
  ResultCandidates candidates{&groups_, {}};
  for (const auto& accumulator : accumulators_) {
    ReducibleValues* const values = accumulator->reducible_values();
    is_missing |= values && !values->find_candidates();
    candidates.by_feed.push_back(values ? values->candidates() : nullptr);
  }
  if (!is_missing) return std::nullopt;
  accumulators_.clear();
  gauge_.try_set(memory_bytes());  // less than before, so the result does not matter
  return candidates;
}

void StatsState::keep_only(const ResultCandidates& candidates) {
  estimated_ = true;
  groups_.absorb(*candidates.groups);  // into an empty table, so the numbers stay the same
  resize();
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    ReducibleValues* const values = accumulators_[i]->reducible_values();
    if (values) values->keep_only(candidates.by_feed[i]);
  }
}

Status StatsState::estimate_memory(uint64_t done, uint64_t row_count) {
  constexpr uint64_t kSampleShare = 32;
  constexpr size_t kGroupsMin = 4 * 1024;
  if (estimated_ || done * kSampleShare * 2 < row_count) return {};
  const size_t groups = groups_.group_count();
  if (done * kSampleShare < row_count) {
    if (half_done_ == 0) {
      half_done_ = done;
      groups_half_done_ = groups;
    }
    return {};
  }
  estimated_ = true;
  const auto rows_left = static_cast<double>(row_count - std::min(done, row_count));
  // Later rows mostly belong to known groups, so growth is estimated from the new groups in the
  // second half of the sample.
  double group_growth = 1;
  if (groups >= kGroupsMin && done > half_done_) {
    const auto fresh = static_cast<double>(groups - groups_half_done_);
    group_growth +=
        fresh * rows_left / static_cast<double>(done - half_done_) / static_cast<double>(groups);
  }
  const double row_growth = 1 + rows_left / static_cast<double>(done);
  double bytes = static_cast<double>(groups_.memory_bytes()) * group_growth;
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    bytes += static_cast<double>(accumulators_[i]->memory_bytes()) *
             (collects_values(plan_.feeds[i]) ? row_growth : group_growth);
  }
  // Refuses, before allocating it, memory that will certainly be too much, together with that of
  // other threads. The factor of 2 allows for reserved memory that is not in use.
  expected_bytes_ = static_cast<size_t>(bytes / 2);
  TOCSIN_RETURN_IF_ERROR(measure_memory());
  if (groups >= kGroupsMin) {
    const auto group_count = static_cast<size_t>(static_cast<double>(groups) * group_growth);
    groups_.reserve(group_count);
    for (auto& accumulator : accumulators_) accumulator->reserve(group_count);
  }
  return measure_memory();
}

Status StatsState::merge(StatsState& other) {
  expected_bytes_ = 0;
  const std::vector<uint32_t> map = groups_.absorb(other.groups_);
  resize();
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    accumulators_[i]->merge(*other.accumulators_[i], map);
  }
  other.accumulators_.clear();
  other.groups_ = GroupTable(std::span<const ValueType>());
  TOCSIN_RETURN_IF_ERROR(other.gauge_.set(0));
  return measure_memory();
}

Result<Table> StatsState::finish() {
  expected_bytes_ = 0;
  TOCSIN_RETURN_IF_ERROR(measure_memory());
  Table table;
  table.row_count = groups_.group_count();
  auto arena = std::make_shared<StringArena>();
  const size_t key_count = plan_.keys.size();
  for (size_t k = 0; k < key_count; ++k) {
    TableColumn& column = table.columns.emplace_back(plan_.keys[k].type);
    if (plan_.ordered) table.pending_order.push_back({static_cast<uint32_t>(k), false});
    column.absent = !plan_.ordered && !plan_.live_keys.empty() && !plan_.live_keys[k];
    if (!column.absent) groups_.append_key(k, column);
  }
  for (const Aggregate& aggregate : plan_.stage->aggregates) {
    table.columns.emplace_back(aggregate.type).reserve(table.row_count);
  }
  for (size_t i = 0; i < plan_.feeds.size(); ++i) {
    std::vector<TableColumn*> outputs;
    for (const uint32_t index : plan_.feeds[i].aggregates) {
      outputs.push_back(&table.columns[key_count + index]);
    }
    TOCSIN_RETURN_IF_ERROR(accumulators_[i]->compute_results(execution_));
    TOCSIN_RETURN_IF_ERROR(accumulators_[i]->finish(outputs, *arena));
    accumulators_[i].reset();
    TOCSIN_RETURN_IF_ERROR(execution_.check());
    TOCSIN_RETURN_IF_ERROR(
        gauge_.set(memory_bytes() + table.memory_bytes() + arena->memory_bytes()));
  }
  if (plan_.windowed) {
    groups_.append_key(key_count, table.columns.emplace_back(ValueType::kI64));
  }
  table.arenas.push_back(std::move(arena));
  for (StringArena& keys : groups_.take_arenas()) {
    table.arenas.push_back(std::make_shared<StringArena>(std::move(keys)));
  }
  accumulators_.clear();
  groups_ = GroupTable(std::span<const ValueType>());
  TOCSIN_RETURN_IF_ERROR(gauge_.set(0));
  return table;
}

}  // namespace tocsin
