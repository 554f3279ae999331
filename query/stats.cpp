#include "query/stats.h"

#include <algorithm>
#include <utility>

#include "db/base/check.h"
#include "query/kernels.h"

namespace tocsin {
namespace {

constexpr size_t kMeasureEvery = 16;  // vectors between two looks at the memory held
constexpr NodeId kSourceTime = 0;     // the node of the source's `time`

std::vector<ValueType> key_types(const StatsPlan& plan) {
  std::vector<ValueType> types;
  for (const auto& key : plan.keys) types.push_back(key.type);
  if (plan.windowed) types.push_back(ValueType::kI64);
  return types;
}

bool is_from_counts(const Aggregate& aggregate, const StatsPlan::Feed& feed) {
  if (aggregate.kind == AggregateKind::kCount) return !feed.argument;
  return (aggregate.kind == AggregateKind::kMin || aggregate.kind == AggregateKind::kMax) &&
         feed.argument == kSourceTime;
}

// Bucket starts of ascending times mostly repeat.
class BucketCache {
 public:
  BucketCache(Duration width, const TimeZone& zone) : width_(width), zone_(zone) {
    span_ = width % kBucketChange == 0 ? kBucketChange : zone.name() == "UTC" ? width : 1;
  }
  Timestamp start_of(Timestamp t) {
    if (t >= from_ && t < to_) return start_;
    const int64_t remainder = t % span_;
    from_ = t - (remainder < 0 ? remainder + span_ : remainder);
    to_ = from_ > INT64_MAX - span_ ? INT64_MAX : from_ + span_;
    return start_ = bucket_start(t, width_, zone_);
  }

 private:
  Duration width_;
  const TimeZone& zone_;
  Duration span_;
  Timestamp from_ = 0;
  Timestamp to_ = 0;
  Timestamp start_ = 0;
};

}  // namespace

StatsPlan StatsPlan::compile(const StatsStage& stage, bool windowed, const TimeZone& zone,
                             Program& program) {
  StatsPlan plan;
  plan.stage = &stage;
  plan.windowed = windowed;
  plan.zone = zone;
  for (const GroupKey& key : stage.keys) {
    const NodeId node = program.columns.at(key.column);
    plan.keys.push_back({node, program.nodes[node].type, key.bucket});
  }
  for (uint32_t i = 0; i < stage.aggregates.size(); ++i) {
    const Aggregate& aggregate = stage.aggregates[i];
    Feed feed;
    if (aggregate.argument) feed.argument = program.add(*aggregate.argument);
    if (aggregate.where) feed.where = program.add(*aggregate.where);
    if (needs_time(aggregate.kind)) feed.time = program.columns.at(aggregate.time_column);
    const auto shared = std::ranges::find_if(plan.feeds, [&](const Feed& other) {
      return shares_values(aggregate.kind) &&
             shares_values(stage.aggregates[other.aggregates.front()].kind) &&
             other.argument == feed.argument && other.where == feed.where;
    });
    if (shared != plan.feeds.end()) {
      shared->aggregates.push_back(i);
      continue;
    }
    feed.aggregates = {i};
    feed.from_counts = is_from_counts(aggregate, feed);
    plan.feeds.push_back(std::move(feed));
  }
  return plan;
}

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
      hashes_.assign(dictionary->ids.size() + 1, 0);  // null, behind the ids, hashes to 0
      hash_ids(dictionary->ids, *key.id_format, share_->format, hashes_);
      codes_in_share_.resize(hashes_.size());
      for (size_t i = 0; i < hashes_.size(); ++i) codes_in_share_[i] = share_->holds(hashes_[i]);
    }
    for (const uint32_t row : rows) in_share_[row] = codes_in_share_[key.codes[row]];
  } else {
    hashes_.resize(rows.size());
    hash_texts(key, rows, share_->format, hashes_);
    for (size_t i = 0; i < rows.size(); ++i) in_share_[rows[i]] = share_->holds(hashes_[i]);
  }
  evaluator.select(in_share_);
}

Status StatsState::take(Evaluator& evaluator, const Vector* window,
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
  row_groups_.resize(rows.size());
  groups_.assign(keys, rows, row_groups_);
  resize();
  for (size_t i = 0; i < plan_.feeds.size(); ++i) {
    if (counting_ && !of_values(plan_.feeds[i])) continue;
    TOCSIN_RETURN_IF_ERROR(update(plan_.feeds[i], *accumulators_[i], evaluator, counted));
  }
  return ++vectors_taken_ % kMeasureEvery == 0 ? measure_memory() : Status{};
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
  for (const auto& accumulator : accumulators_) bytes += accumulator->memory_bytes();
  return bytes;
}

Status StatsState::measure_memory() { return gauge_.set(memory_bytes()); }

bool StatsState::of_values(const StatsPlan::Feed& feed) const {
  return shares_values(plan_.stage->aggregates[feed.aggregates.front()].kind);
}

bool StatsState::start_counting() {
  for (size_t i = 0; i < plan_.feeds.size(); ++i) {
    if (!of_values(plan_.feeds[i])) continue;
    if (!accumulators_[i]->start_counting()) return false;
    counting_ = true;
  }
  return counting_;
}

CountedRanks StatsState::counted_ranks() const {
  CountedRanks counted{&groups_, {}};
  for (const auto& accumulator : accumulators_) {
    counted.wanted.push_back(accumulator->wanted_values());
  }
  return counted;
}

void StatsState::keep_only(const CountedRanks& counted) {
  groups_.absorb(*counted.groups);  // which numbers them alike
  resize();
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    if (counted.wanted[i]) accumulators_[i]->keep_only(counted.wanted[i]);
  }
}

Status StatsState::expect(uint64_t done, uint64_t row_count) {
  constexpr uint64_t kSampleShare = 8;
  constexpr size_t kGroupsMin = 32 * 1024;
  if (expected_ || done < row_count / kSampleShare || groups_.group_count() < kGroupsMin) return {};
  expected_ = true;
  const auto share = static_cast<double>(row_count) / static_cast<double>(done);
  // What surely is too much is refused before it is touched; at least half of what is held is in
  // use.
  TOCSIN_RETURN_IF_ERROR(
      gauge_.set(static_cast<size_t>(static_cast<double>(memory_bytes()) * share / 2)));
  const auto group_count = static_cast<size_t>(static_cast<double>(groups_.group_count()) * share);
  groups_.reserve(group_count);
  for (auto& accumulator : accumulators_) accumulator->reserve(group_count);
  return measure_memory();
}

Status StatsState::merge(StatsState& other) {
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
    TOCSIN_RETURN_IF_ERROR(accumulators_[i]->settle(execution_));
    TOCSIN_RETURN_IF_ERROR(accumulators_[i]->finish(outputs, *arena));
    accumulators_[i].reset();
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
