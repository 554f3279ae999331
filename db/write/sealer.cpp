#include "db/write/sealer.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "db/base/log.h"
#include "db/limits.h"
#include "db/segment/builder.h"
#include "db/segment/inspection.h"

namespace tocsin {
namespace {

constexpr auto kCheckEvery = std::chrono::seconds(1);
constexpr auto kPauseAfterError = std::chrono::seconds(10);
constexpr Duration kSettleCheckEvery = kMinute;
// Of one commit, to bound its memory, its open files, and what waits for it.
constexpr size_t kGroupMergesMax = 256;
constexpr size_t kGroupRawBytesMax = 32 * kMiB;

/// Rows that were committed while the clock was ahead must not wait until that time comes.
bool is_as_old(Timestamp time, Timestamp now, Duration age) {
  return time > now + age || now - time >= age;
}

/// The lineage of a segment that is made from these.
Result<Lineage> lineage_of(const std::vector<std::shared_ptr<const Segment>>& segments) {
  Lineage lineage;
  for (const auto& segment : segments) {
    if (!segment->info().sealed) {
      lineage.sealed_from.push_back(segment->info().id);
      continue;
    }
    lineage.replaces.push_back(segment->info().id);
    TOCSIN_TRY(const SegmentInspection inspection, segment->inspect());
    for (const auto* ids : {&inspection.replaces, &inspection.ancestors}) {
      lineage.ancestors.insert(lineage.ancestors.end(), ids->begin(), ids->end());
    }
  }
  return lineage;
}

/// Removes and returns the first inputs, as many as fit one segment, but at least one.
std::vector<SegmentRecord> take_group(std::vector<SegmentRecord>& inputs) {
  size_t rows = 0, bytes = 0, count = 0;
  for (const SegmentRecord& input : inputs) {
    rows += input.info.row_count;
    bytes += input.raw_size;
    if (count > 0 && (rows > kSegmentRowsMax || bytes > kSegmentBytesMax)) break;
    ++count;
  }
  const auto end = inputs.begin() + static_cast<ptrdiff_t>(count);
  std::vector<SegmentRecord> group(std::make_move_iterator(inputs.begin()),
                                   std::make_move_iterator(end));
  inputs.erase(inputs.begin(), end);
  return group;
}

}  // namespace

Sealer::Sealer(Store& store, Writer& writer)
    : store_(store), writer_(writer), thread_([this] { run(); }) {}

Sealer::~Sealer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Status Sealer::request(Scope scope, ProgressFunction progress) {
  std::future<Status> result;
  {
    MutexLock lock(mutex_);
    if (stopping_) return fail(ErrorCode::kBusy, "the database is being closed");
    requests_.push_back({scope, std::move(progress), {}});
    result = requests_.back().result.get_future();
  }
  wake_.notify_all();
  return result.get();
}

Status Sealer::seal_all() { return request(Scope::kSeal, {}); }
Status Sealer::compact(ProgressFunction progress) {
  return request(Scope::kCompact, std::move(progress));
}

bool Sealer::is_stopping() {
  MutexLock lock(mutex_);
  return stopping_;
}

void Sealer::run() {
  auto pause = kCheckEvery;
  while (true) {
    std::vector<Request> requests;
    {
      MutexLock lock(mutex_);
      const auto until = std::chrono::steady_clock::now() + pause;
      while (!stopping_ && requests_.empty() && wake_.wait_until(mutex_, until)) continue;
      requests.swap(requests_);
      if (stopping_) {
        for (Request& request : requests) {
          request.result.set_value(fail(ErrorCode::kBusy, "the database is being closed"));
        }
        return;
      }
    }
    for (Request& request : requests) request.result.set_value(run_request(request));
    const auto done = run_jobs(Scope::kDue, {});
    pause = kCheckEvery;
    if (!done && !is_stopping()) {
      log(LogLevel::kWarning, "sealing segments: " + done.error().message);
      pause = kPauseAfterError;
    }
  }
}

Status Sealer::add_hot_loads(const Transaction& transaction, std::map<Partition, Load>& loads) {
  return walk_all_segments(
      transaction, CatalogTable::kHot, [&](const SegmentRecord& record, ByteView) -> Status {
        Load& load = loads[{record.info.measurement, record.info.partition}];
        load.hot_since =
            load.hot_count == 0 ? record.created_at : std::min(load.hot_since, record.created_at);
        ++load.hot_count;
        load.hot_rows += record.info.row_count;
        load.hot_bytes += record.info.byte_size;
        return {};
      });
}

Status Sealer::add_small_loads(const Transaction& transaction, std::map<Partition, Load>& loads) {
  return walk_all_segments(transaction, CatalogTable::kSealed,
                           [&](const SegmentRecord& record, ByteView) -> Status {
                             if (!record.is_small()) return {};
                             Load& load = loads[{record.info.measurement, record.info.partition}];
                             ++load.small_count;
                             load.small_rows += record.info.row_count;
                             load.small_bytes += record.raw_size;
                             load.small_newest = std::max(load.small_newest, record.created_at);
                             return {};
                           });
}

Result<std::vector<Sealer::Job>> Sealer::find_jobs(Scope scope) {
  std::map<Partition, Load> loads;
  TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
  TOCSIN_TRY(const CatalogState state, read_state(transaction));
  TOCSIN_RETURN_IF_ERROR(add_hot_loads(transaction, loads));
  // Hot segments age by the second. Small ones change only with commits, and settle by the minute.
  const Timestamp now = store_.clock.now();
  const Duration running = store_.clock.running();
  if (state.commit_number != last_commit_ || running >= next_small_check_ ||
      scope == Scope::kCompact) {
    TOCSIN_RETURN_IF_ERROR(add_small_loads(transaction, loads));
    last_commit_ = state.commit_number;
    next_small_check_ = running + kSettleCheckEvery;
  }
  std::vector<Job> jobs;
  for (const auto& [partition, load] : loads) {
    if (load.hot_count > 0 &&
        (scope != Scope::kDue || load.hot_rows >= kSealRows || load.hot_bytes >= kSealBytes ||
         is_as_old(load.hot_since, now, kSealAge))) {
      jobs.push_back({partition, Work::kSeal});
    } else if (load.hot_count >= kHotMergeCount) {
      jobs.push_back({partition, Work::kMergeHot});
    }
    const bool fills_one = load.small_count > 1 && (load.small_rows >= kSegmentRowsMax ||
                                                    load.small_bytes >= kSegmentBytesMax);
    const bool is_settled = load.small_count > 1 && is_as_old(load.small_newest, now, kSettleAge);
    if (load.small_count >= kMergeCount || fills_one || is_settled ||
        (load.small_count > 1 && scope == Scope::kCompact)) {
      jobs.push_back({partition, Work::kMergeSealed});
    }
  }
  return jobs;
}

/// Returns how many jobs were run, including those without an effect.
Result<size_t> Sealer::run_jobs(Scope scope, const ProgressFunction& progress) {
  TOCSIN_TRY(const std::vector<Job> jobs, find_jobs(scope));
  for (size_t done = 0; done < jobs.size();) {
    if (is_stopping()) return fail(ErrorCode::kBusy, "the database is being closed");
    if (progress) progress(done, jobs.size());
    TOCSIN_TRY(const size_t count, run_group(std::span(jobs).subspan(done), jobs.size()));
    done += count;
  }
  return jobs.size();
}

/// Runs the first jobs with one commit, at most `count_max`, and returns how many.
Result<size_t> Sealer::run_group(std::span<const Job> jobs, size_t count_max) {
  size_t count = 0;
  Status status;
  {
    Group group(store_);
    while (status && count < std::min(jobs.size(), count_max) &&
           group.merge_count < kGroupMergesMax && group.raw_bytes < kGroupRawBytesMax) {
      // A merge must not be appended to a file that the other job of the day appends to.
      if (count > 0 && jobs[count].partition == jobs[count - 1].partition) break;
      status = add_job(jobs[count++], group);
    }
    if (status) {
      status = commit(group);
    } else {
      group.placer.abandon();
    }
  }
  if (status) return count;
  // One by one, so that the failure of one job does not keep the others from being committed.
  for (size_t i = 0; count > 1 && i < count; ++i) {
    TOCSIN_RETURN_IF_ERROR(run_group(jobs.subspan(i, 1), 1));
  }
  // kConflict: retention dropped the segments meanwhile, so nothing is left to do.
  if (count > 1 || status.error().code == ErrorCode::kConflict) return count;
  return tl::unexpected<Error>(status.error());
}

Status Sealer::run_request(const Request& request) {
  TOCSIN_TRY(const size_t sealed, run_jobs(Scope::kSeal, request.progress));
  (void)sealed;
  if (request.scope != Scope::kCompact) return {};
  // Each merge fills at most one segment per partition; the next round merges the rest.
  for (size_t count = 1; count > 0;) {
    TOCSIN_TRY(count, run_jobs(Scope::kCompact, request.progress));
  }
  return {};
}

Status Sealer::add_job(const Job& job, Group& group) {
  TOCSIN_TRY(auto inputs, find_inputs(job));
  if (job.work == Work::kMergeSealed) {
    // Neighbours in time, so that the result spans little time. The rest waits for more segments.
    std::sort(inputs.begin(), inputs.end(), [](const SegmentRecord& a, const SegmentRecord& b) {
      return a.info.min_time < b.info.min_time;
    });
    auto chosen = take_group(inputs);
    return chosen.size() < 2 ? Status() : merge(std::move(chosen), job.work, group);
  }
  while (!inputs.empty()) TOCSIN_RETURN_IF_ERROR(merge(take_group(inputs), job.work, group));
  return {};
}

Result<std::vector<SegmentRecord>> Sealer::find_inputs(const Job& job) {
  std::vector<SegmentRecord> inputs;
  TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
  const CatalogTable table =
      job.work == Work::kMergeSealed ? CatalogTable::kSealed : CatalogTable::kHot;
  const auto [measurement, day] = job.partition;
  TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, table, {measurement, day, day},
                                       [&](const SegmentRecord& record, ByteView) -> Status {
                                         if (table == CatalogTable::kHot || record.is_small()) {
                                           inputs.push_back(record);
                                         }
                                         return {};
                                       }));
  return inputs;
}

/// Opens the segments in a separate transaction; kConflict if one is gone.
Result<Sealer::Opened> Sealer::open_inputs(const std::vector<SegmentRecord>& inputs) {
  std::set<uint64_t> wanted;
  for (const SegmentRecord& input : inputs) wanted.insert(input.info.id);
  const SegmentInfo& first = inputs[0].info;
  Opened opened;
  TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
  TOCSIN_TRY(CatalogState state, read_state(transaction));
  TOCSIN_TRY(opened.catalog, store_.catalog_of(transaction, state));
  TOCSIN_RETURN_IF_ERROR(walk_segments(transaction,
                                       first.sealed ? CatalogTable::kSealed : CatalogTable::kHot,
                                       {first.measurement, first.partition, first.partition},
                                       [&](const SegmentRecord& record, ByteView body) -> Status {
                                         if (!wanted.contains(record.info.id)) return {};
                                         TOCSIN_TRY(auto segment, store_.cache.open(record, body));
                                         opened.segments.push_back(std::move(segment));
                                         return {};
                                       }));
  if (opened.segments.size() != inputs.size()) {
    return fail(ErrorCode::kConflict, "segments were dropped before they could be merged");
  }
  return opened;
}

const Measurement* Sealer::find_measurement(const std::shared_ptr<const Catalog>& catalog,
                                            MeasurementId id) {
  if (catalog != indexed_) {
    measurements_.clear();
    for (const auto& [name, measurement] : catalog->measurements) {
      measurements_[measurement.id] = &measurement;
    }
    indexed_ = catalog;
  }
  const auto found = measurements_.find(id);
  return found == measurements_.end() ? nullptr : found->second;
}

/// Encodes the merged rows and writes them, without syncing.
Status Sealer::merge(std::vector<SegmentRecord> inputs, Work work, Group& group) {
  const SegmentInfo& first = inputs[0].info;
  TOCSIN_TRY(Opened opened, open_inputs(inputs));
  const Measurement* measurement = find_measurement(opened.catalog, first.measurement);
  if (measurement == nullptr) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("segment {} does not belong to any measurement; run "
                            "`tocsin repair`",
                            first.name));
  }
  Placement placement;
  placement.to_file = work != Work::kMergeHot;
  placement.fresh_file = work == Work::kMergeSealed;
  placement.created_at = inputs[0].created_at;
  for (const SegmentRecord& input : inputs) {
    // A hot segment's age counts from its oldest row, a sealed one's from its newest.
    placement.created_at = placement.to_file ? std::max(placement.created_at, input.created_at)
                                             : std::min(placement.created_at, input.created_at);
    placement.commit_number = std::max(placement.commit_number, input.info.commit_number);
  }
  SegmentBuilder builder(first.measurement, measurement->name, first.partition);
  for (const auto& segment : opened.segments) {
    TOCSIN_RETURN_IF_ERROR(builder.append(*segment, measurement->columns));
  }
  for (const auto& segment : opened.segments) TOCSIN_RETURN_IF_ERROR(segment->check_intact());
  TOCSIN_TRY(Lineage lineage, lineage_of(opened.segments));
  builder.set_lineage(std::move(lineage));
  group.raw_bytes += builder.raw_bytes();
  ++group.merge_count;
  TOCSIN_RETURN_IF_ERROR(group.placer.add(builder, measurement->name, placement));
  std::move(inputs.begin(), inputs.end(), std::back_inserter(group.inputs));
  return {};
}

Status Sealer::commit(Group& group) {
  if (group.inputs.empty()) return {};
  Status status = group.placer.sync();
  if (!status) {
    group.placer.abandon();
    return status;
  }
  CatalogEdit edit;
  edit.added = &group.placer;
  edit.removed = std::move(group.inputs);
  status = writer_.apply(std::move(edit));
  // Nothing was committed, so the new files cannot be listed.
  if (!status && status.error().code == ErrorCode::kConflict) group.placer.abandon();
  return status;
}

}  // namespace tocsin
