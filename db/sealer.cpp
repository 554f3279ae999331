#include "db/sealer.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "db/base/log.h"
#include "db/limits.h"
#include "db/segment_builder.h"
#include "db/segment_placer.h"

namespace tocsin {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);
constexpr auto kPauseAfterError = std::chrono::seconds(10);

const Measurement* find_measurement(const Catalog& catalog, MeasurementId id) {
  for (const auto& [name, measurement] : catalog.measurements) {
    if (measurement.id == id) return &measurement;
  }
  return nullptr;
}

bool is_small(const SegmentRecord& record) {
  return record.info.row_count < kSmallSegmentRows && record.info.byte_size < kSegmentBytesMax / 2;
}

}  // namespace

Sealer::Sealer(Store& store, Writer& writer)
    : store_(store), writer_(writer), thread_([this] { run(); }) {}

Sealer::~Sealer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Status Sealer::seal_all() {
  std::future<Status> result;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::kBusy, "the database is being closed");
    result = seal_requests_.emplace_back().get_future();
  }
  wake_.notify_all();
  return result.get();
}

bool Sealer::is_stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

void Sealer::run() {
  auto pause = kLookEvery;
  while (true) {
    std::vector<std::promise<Status>> requests;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, pause, [&] { return stopping_ || !seal_requests_.empty(); });
      requests.swap(seal_requests_);
      if (stopping_) {
        for (auto& request : requests) {
          request.set_value(fail(ErrorCode::kBusy, "the database is being closed"));
        }
        return;
      }
    }
    Status status = run_jobs(!requests.empty());
    for (auto& request : requests) request.set_value(status);
    pause = kLookEvery;
    if (!status) {
      log(LogLevel::kWarning, "sealing segments: " + status.error().message);
      pause = kPauseAfterError;
    }
  }
}

Result<std::vector<Sealer::Job>> Sealer::find_jobs(bool all) {
  std::map<Partition, Load> loads;
  TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
  TOCSIN_RETURN_IF_ERROR(walk_all_segments(
      transaction, Table::kHot, [&](const SegmentRecord& record, ByteView) -> Status {
        Load& load = loads[{record.info.measurement, record.info.partition}];
        load.hot_since =
            load.hot_count == 0 ? record.created_at : std::min(load.hot_since, record.created_at);
        ++load.hot_count;
        load.hot_rows += record.info.row_count;
        load.hot_bytes += record.info.byte_size;
        return {};
      }));
  TOCSIN_RETURN_IF_ERROR(walk_all_segments(
      transaction, Table::kSealed, [&](const SegmentRecord& record, ByteView) -> Status {
        if (!is_small(record)) return {};
        Load& load = loads[{record.info.measurement, record.info.partition}];
        ++load.small_count;
        load.small_rows += record.info.row_count;
        return {};
      }));
  std::vector<Job> jobs;
  const Timestamp now = store_.clock.now();
  for (const auto& [partition, load] : loads) {
    if (load.hot_count > 0 && (all || load.hot_rows >= kSealRows || load.hot_bytes >= kSealBytes ||
                               now - load.hot_since >= kSealAge)) {
      jobs.push_back({partition, Work::kSeal});
    } else if (load.hot_count >= kHotMergeCount) {
      jobs.push_back({partition, Work::kMergeHot});
    }
    const bool fills_one = load.small_count > 1 && load.small_rows >= kSegmentRowsMax;
    if (load.small_count >= kMergeCount || fills_one) {
      jobs.push_back({partition, Work::kMergeSealed});
    }
  }
  return jobs;
}

Status Sealer::run_jobs(bool all) {
  TOCSIN_TRY(auto jobs, find_jobs(all));
  for (const Job& job : jobs) {
    if (is_stopping()) return fail(ErrorCode::kBusy, "the database is being closed");
    Status status = run_job(job);
    // Retention may drop what is being sealed: then there is nothing left to do.
    if (!status && status.error().code != ErrorCode::kConflict) return status;
  }
  return {};
}

Status Sealer::run_job(const Job& job) {
  std::vector<SegmentRecord> inputs;
  {
    TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
    const Table table = job.work == Work::kMergeSealed ? Table::kSealed : Table::kHot;
    const auto [measurement, day] = job.partition;
    TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, table, {measurement, day, day},
                                         [&](const SegmentRecord& record, ByteView) -> Status {
                                           if (table == Table::kHot || is_small(record)) {
                                             inputs.push_back(record);
                                           }
                                           return {};
                                         }));
  }
  if (job.work == Work::kMergeSealed) {
    // Neighbours in time first, so that the outcome stays narrow; at most what fits one segment.
    std::sort(inputs.begin(), inputs.end(), [](const SegmentRecord& a, const SegmentRecord& b) {
      return a.info.min_time < b.info.min_time;
    });
    size_t rows = 0, bytes = 0, count = 0;
    for (const SegmentRecord& input : inputs) {
      rows += input.info.row_count;
      bytes += input.info.byte_size;
      if (rows > kSegmentRowsMax || bytes > kSegmentBytesMax) break;
      ++count;
    }
    inputs.resize(count);
    if (count < 2) return {};
  }
  if (inputs.empty()) return {};
  return merge(inputs, job.work);
}

Status Sealer::merge(const std::vector<SegmentRecord>& inputs, Work work) {
  const auto [id, partition] = Partition(inputs[0].info.measurement, inputs[0].info.partition);
  std::vector<std::shared_ptr<const Segment>> segments;
  std::shared_ptr<const Catalog> catalog;
  {
    TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
    TOCSIN_TRY(CatalogState state, read_state(transaction));
    TOCSIN_TRY(catalog, store_.catalog_of(transaction, state));
    const Table table = inputs[0].info.sealed ? Table::kSealed : Table::kHot;
    TOCSIN_RETURN_IF_ERROR(walk_segments(
        transaction, table, {id, partition, partition},
        [&](const SegmentRecord& record, ByteView body) -> Status {
          const bool wanted = std::any_of(inputs.begin(), inputs.end(), [&](const auto& input) {
            return input.info.id == record.info.id;
          });
          if (!wanted) return {};
          TOCSIN_TRY(auto segment, store_.cache.open(record, body));
          segments.push_back(std::move(segment));
          return {};
        }));
  }
  const Measurement* measurement = find_measurement(*catalog, id);
  if (segments.size() != inputs.size() || measurement == nullptr) {
    return fail(ErrorCode::kConflict, "segments were dropped before they could be merged");
  }

  SegmentBuilder builder(id, measurement->name, partition);
  Placement placement;
  placement.created_at = inputs[0].created_at;
  for (const auto& segment : segments) {
    TOCSIN_RETURN_IF_ERROR(builder.append(*segment, measurement->columns));
    placement.commit_number = std::max(placement.commit_number, segment->info().commit_number);
  }
  for (const SegmentRecord& input : inputs) {
    placement.created_at = std::min(placement.created_at, input.created_at);
  }
  placement.to_file = work != Work::kMergeHot;
  placement.fresh_file = work == Work::kMergeSealed;
  segments.clear();

  SegmentPlacer placer(store_);
  Status status = placer.add(builder, measurement->name, placement);
  if (status) status = placer.sync();
  if (!status) {
    placer.abandon();
    return status;
  }
  CatalogEdit edit;
  edit.added = &placer;
  edit.removed = inputs;
  return writer_.apply(std::move(edit));
}

}  // namespace tocsin
