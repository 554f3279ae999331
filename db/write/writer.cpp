#include "db/write/writer.h"

#include <future>
#include <utility>

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "db/base/log.h"
#include "db/limits.h"
#include "db/write/leftovers.h"

namespace tocsin {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr auto kMaintenanceEvery = std::chrono::seconds(1);

}  // namespace

Writer::Writer(Store& store)
    : store_(store),
      queue_(store.options),
      catalog_(store),
      requests_(store),
      bulk_(store),
      retention_(store),
      next_maintenance_(steady_clock::now()) {}

Result<std::unique_ptr<Writer>> Writer::start(Store& store) {
  std::unique_ptr<Writer> writer(new Writer(store));
  TOCSIN_RETURN_IF_ERROR(writer->catalog_.load());
  writer->remove_leftovers();
  writer->count_rejected_bytes();
  writer->thread_ = std::thread([raw = writer.get()] { raw->run(); });
  return writer;
}

Writer::~Writer() {
  if (!thread_.joinable()) return;
  queue_.stop();
  thread_.join();
}

// ---- Any thread ----

Status Writer::submit(WriteRequest request, WriteDone done) {
  const bool wait_for_room = request.bulk;
  return queue_.push(std::move(request), std::move(done), wait_for_room);
}

Result<WriteReport> Writer::write(WriteRequest request) {
  request.bulk = false;
  request.urgent = true;  // the caller is blocked until it is done
  auto promise = std::make_shared<std::promise<Result<WriteReport>>>();
  auto future = promise->get_future();
  TOCSIN_RETURN_IF_ERROR(queue_.push(
      std::move(request),
      [promise](Result<WriteReport> report) { promise->set_value(std::move(report)); }, true));
  return future.get();
}

Status Writer::flush() {
  return queue_.run_task([this]() -> Status {
    WriteQueue::Work work = queue_.take_writes();
    commit_or_gather(work);
    TOCSIN_RETURN_IF_ERROR(flush_bulk());
    if (const auto error = queue_.suspended_by()) return tl::unexpected<Error>(*error);
    return {};
  });
}

Status Writer::apply(CatalogEdit edit) {
  return queue_.run_task([this, &edit]() -> Status {
    Status status = catalog_.commit(edit);
    if (!status && catalog_.is_stale()) recover(status.error());
    return status;
  });
}

Result<std::string> Writer::confirm_retention() {
  std::string confirmed;
  TOCSIN_RETURN_IF_ERROR(queue_.run_task([this, &confirmed]() -> Status {
    auto result = retention_.confirm(catalog_);
    if (result) {
      confirmed = *std::move(result);
      return {};
    }
    if (catalog_.is_stale()) recover(result.error());
    return tl::unexpected<Error>(result.error());
  }));
  return confirmed;
}

Status Writer::change_options(const DatabaseOptions& options) {
  return queue_.run_task([this, &options]() -> Status {
    store_.options.future_max = options.future_max;
    store_.options.retention = options.retention;
    store_.options.measurement_retention = options.measurement_retention;
    return {};
  });
}

DatabaseCounters Writer::counters() const {
  DatabaseCounters counters;
  // Read first: rows are counted as written before they cease to be pending.
  counters.pending_bytes = queue_.pending_bytes();
  counters.rows_written = rows_written_;
  counters.rows_rejected = requests_.rows_rejected();
  counters.commits = catalog_.commits();
  counters.hot_bytes = catalog_.hot_bytes();
  counters.longest_wait = queue_.longest_wait();
  counters.last_commit = catalog_.last_commit();
  if (const auto error = queue_.suspended_by()) {
    counters.writable = false;
    counters.trouble = error->message;
  }
  counters.clock_ahead = store_.clock_guard.observe().ahead();
  counters.retention_waits = retention_.waits();
  return counters;
}

// ---- The writer thread ----

void Writer::remove_leftovers() {
  auto transaction = store_.environment->begin_read();
  Status status;
  if (transaction) {
    status = tocsin::remove_leftovers(store_.directory, *transaction);
  } else {
    status = tl::unexpected<Error>(transaction.error());
  }
  if (!status) log(LogLevel::kWarning, "removing unlisted segments: " + status.error().message);
}

void Writer::run() {
  bool stop = false;
  while (!stop) {
    WriteQueue::Work work = queue_.wait(next_maintenance_);
    stop = work.stop;
    commit_or_gather(work);
    for (WriteQueue::Task& task : work.tasks) task.result.set_value(task.run());
    if (steady_clock::now() >= next_maintenance_) maintain();
  }
  (void)flush_bulk();
  flush_reject_counts(true);
}

void Writer::commit_or_gather(WriteQueue::Work& work) {
  if (!work.grouped.empty()) commit(std::move(work.grouped));
  if (!work.bulk.empty()) gather(std::move(work.bulk));
}

void Writer::commit(std::deque<QueuedWrite> queued) {
  if (catalog_.is_stale()) return refuse(std::move(queued));
  BuilderSet builders;
  std::vector<MergedWrite> writes;
  writes.reserve(queued.size());
  while (!queued.empty()) {
    writes.push_back(requests_.merge(std::move(queued.front()), catalog_.commit_number(),
                                     catalog_.schema(), builders));
    queued.pop_front();
  }
  SegmentPlacer placer(store_);
  Status status = place(builders, placer);
  if (status) status = list(placer, writes);
  if (!status) recover(status.error());
  answer(writes, status);
}

void Writer::gather(std::deque<QueuedWrite> queued) {
  while (!queued.empty() && !catalog_.is_stale()) {
    QueuedWrite write = std::move(queued.front());
    queued.pop_front();
    const size_t bytes = std::exchange(write.bytes, 0);
    bulk_.add(requests_.merge(std::move(write), catalog_.commit_number(), catalog_.schema(),
                              bulk_.builders()));
    queue_.release(bytes);  // the rows are in builders now, which kGatherBytesMax bounds
    const Status status = bulk_.encode_ready(catalog_);
    if (!status) {
      recover(status.error());
    } else if (bulk_.is_full()) {
      (void)flush_bulk();  // it answers the requests, also with an error
    }
  }
  refuse(std::move(queued));
}

Status Writer::flush_bulk() {
  if (bulk_.empty()) return {};
  std::vector<MergedWrite> writes = bulk_.take_writes();
  Status status = bulk_.finish(catalog_);
  if (status) status = list(bulk_.placer(), writes);
  bulk_.clear();
  if (!status) recover(status.error());
  answer(writes, status);
  return status;
}

/// Encodes the builders' rows and makes the files durable. On an error no new file is left.
Status Writer::place(BuilderSet& builders, SegmentPlacer& placer) {
  Placement placement;
  placement.commit_number = catalog_.commit_number() + 1;
  placement.created_at = store_.clock.now();
  Status status;
  for (auto& [key, entry] : builders.builders()) {
    if (!status) break;
    placement.to_file = placer.belongs_in_file(*entry.builder, catalog_.hot_bytes());
    status = placer.add(*entry.builder, catalog_.schema().name_of(key.first), placement);
    entry.builder.reset();
  }
  if (status) status = placer.sync();
  if (!status) placer.abandon();
  return status;
}

/// Commits the placed segments together with the requests' small changes.
Status Writer::list(const SegmentPlacer& placer, const std::vector<MergedWrite>& writes) {
  CatalogEdit edit;
  edit.added = &placer;
  for (const MergedWrite& write : writes) {
    for (const SmallChange& change : write.changes) edit.changes.push_back(&change);
  }
  return catalog_.commit(edit);
}

void Writer::answer(std::vector<MergedWrite>& writes, const Status& status) {
  size_t bytes = 0, rows = 0;
  for (const MergedWrite& write : writes) {
    bytes += write.bytes;
    rows += write.report.rows_written;
  }
  if (status) rows_written_ += rows;
  queue_.release(bytes);
  for (MergedWrite& write : writes) {
    if (!write.done) continue;
    if (status) {
      write.report.commit_number = catalog_.commit_number();
      write.done(std::move(write.report));
    } else {
      write.done(tl::unexpected<Error>(status.error()));
    }
  }
}

/// Answers requests that cannot be merged because no schema is loaded.
void Writer::refuse(std::deque<QueuedWrite> queued) {
  if (queued.empty()) return;
  std::vector<MergedWrite> writes;
  for (QueuedWrite& write : queued) {
    MergedWrite& refused = writes.emplace_back();
    refused.done = std::move(write.done);
    refused.bytes = write.bytes;
  }
  answer(writes, fail(ErrorCode::kIo,
                      fmt::format("the catalog of {} could not be reopened", store_.directory)));
}

// ---- Errors ----

void Writer::suspend(const Error& error) {
  retry_at_ = steady_clock::now() + nanoseconds(kRetryAfter);
  const auto known = queue_.suspended_by();
  queue_.suspend(error);
  if (known && known->message == error.message) return;  // one log line, not one per attempt
  log(LogLevel::kError, fmt::format("writing to {} stopped: {}", store_.directory, error.message));
}

/// After a failed write, sync or commit, none of its segments is listed. Suspends writing for
/// kRetryAfter, forgets everything uncommitted, and opens the catalog again. The files that failed
/// are never written again, because their size differs from the catalog's.
void Writer::recover(const Error& error) {
  suspend(error);
  std::vector<MergedWrite> writes = bulk_.take_writes();
  bulk_.clear();
  answer(writes, tl::unexpected<Error>(error));
  const Status status = catalog_.reopen();
  if (!status) suspend(status.error());
}

void Writer::try_to_resume() {
  if (!queue_.suspended_by() || steady_clock::now() < retry_at_) return;
  struct statvfs disk;
  if (::statvfs(store_.directory.c_str(), &disk) == 0 &&
      static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize < kFreeBytesMin) {
    return;
  }
  Status status = store_.opened_paths->check();
  if (!status) return suspend(status.error());
  if (catalog_.is_stale()) {
    status = catalog_.reopen();
    if (!status) return suspend(status.error());
  }
  queue_.resume();
  log(LogLevel::kInfo, fmt::format("writing to {} has resumed", store_.directory));
}

/// So that a database without writes reports a renamed folder, too.
void Writer::check_paths() {
  if (queue_.suspended_by()) return;
  const Status status = store_.opened_paths->check();
  if (!status) recover(status.error());
}

// ---- Housekeeping ----

void Writer::maintain() {
  const SteadyTime now = steady_clock::now();
  next_maintenance_ = now + kMaintenanceEvery;
  try_to_resume();
  check_paths();
  if (!queue_.suspended_by()) flush_reject_counts(false);
  if (!catalog_.is_stale() && retention_.is_due()) {
    enforce_retention();
    if (bulk_.empty()) count_rejected_bytes();  // it has rows that the catalog does not list yet
  }
}

void Writer::enforce_retention() {
  for (const auto step : {&Retention::drop_expired, &Retention::unlink_dropped}) {
    const Status status = (retention_.*step)(catalog_);
    if (status) continue;
    log(LogLevel::kWarning, "dropping old segments: " + status.error().message);
    if (catalog_.is_stale()) recover(status.error());
  }
}

void Writer::count_rejected_bytes() {
  const Measurement* rejected = catalog_.schema().published()->find(kRejectedMeasurement);
  if (rejected == nullptr) return;
  uint64_t bytes = 0;
  const auto add = [&](const SegmentRecord& record, ByteView) -> Status {
    bytes += record.raw_size;
    return {};
  };
  const PartitionRange all{rejected->id, INT64_MIN, INT64_MAX};
  auto transaction = store_.environment->begin_read();
  Status status;
  if (!transaction) status = tl::unexpected<Error>(transaction.error());
  for (const CatalogTable table : {CatalogTable::kHot, CatalogTable::kSealed}) {
    if (status) status = walk_segments(*transaction, table, all, add);
  }
  if (status) return requests_.set_rejected_bytes(bytes);
  log(LogLevel::kWarning, "measuring the size of `rejected`: " + status.error().message);
}

void Writer::flush_reject_counts(bool at_close) {
  BuilderSet builders;
  if (!requests_.add_reject_counts(at_close, catalog_.schema(), builders)) return;
  SegmentPlacer placer(store_);
  Status status = place(builders, placer);
  if (status) status = list(placer, {});
  if (!status) recover(status.error());
}

}  // namespace tocsin
