#include "db/write/writer.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "db/base/log.h"
#include "db/catalog/check.h"
#include "db/catalog/commit_mark.h"
#include "db/limits.h"
#include "db/write/leftovers.h"

namespace tocsin {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr auto kMaintenanceEvery = std::chrono::seconds(1);
constexpr auto kRetentionEvery = std::chrono::minutes(1);

/// A bulk builder is encoded before it is full when so many requests brought it nothing and it
/// holds so much: files in order of time leave one day after the other behind.
constexpr uint64_t kIdleRequestsMax = 64;
constexpr size_t kIdleBytesMax = kMiB;

/// Bytes that a request counts against the bounds.
size_t size_of(const WriteRequest& request) {
  size_t bytes = request.batch.byte_size();
  for (const SmallChange& change : request.changes) {
    bytes += change.key.size() + (change.value ? change.value->size() : 0);
  }
  for (const RejectedLine& line : request.rejected) bytes += line.line.size() + line.reason.size();
  return bytes;
}

}  // namespace

Writer::Writer(Store& store)
    : store_(store), next_maintenance_(steady_clock::now()), next_retention_(steady_clock::now()) {}

Result<std::unique_ptr<Writer>> Writer::start(Store& store) {
  std::unique_ptr<Writer> writer(new Writer(store));
  TOCSIN_RETURN_IF_ERROR(writer->load());
  writer->remove_leftovers();
  writer->thread_ = std::thread([raw = writer.get()] { raw->run(); });
  return writer;
}

Writer::~Writer() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  room_.notify_all();
  thread_.join();
}

// ---- Any thread ----

Status Writer::check_request(const WriteRequest& request) const {
  for (const SmallChange& change : request.changes) {
    if (change.key.empty() || change.key.size() > kSmallKeyBytesMax) {
      return fail(ErrorCode::kInvalid, fmt::format("a small table's key has {} bytes, 1 to {} are "
                                                   "allowed",
                                                   change.key.size(), kSmallKeyBytesMax));
    }
  }
  return {};
}

Status Writer::enqueue(WriteRequest request, Done done, bool wait_for_room) {
  TOCSIN_RETURN_IF_ERROR(check_request(request));
  const size_t bytes = size_of(request);
  if (bytes > kBatchBytesMax) {
    return fail(ErrorCode::kLimit, fmt::format("a write of {} bytes: at most {} are allowed, send "
                                               "it in parts",
                                               bytes, kBatchBytesMax));
  }
  std::unique_lock lock(mutex_);
  // A single write over the bound is let in alone, or it could never be.
  const auto has_room = [&] {
    return counters_.pending_bytes == 0 ||
           counters_.pending_bytes + bytes <= store_.options.pending_bytes_max;
  };
  if (wait_for_room) room_.wait(lock, [&] { return has_room() || stopping_ || trouble_; });
  if (trouble_) return tl::unexpected<Error>(*trouble_);
  if (stopping_) return fail(ErrorCode::kBusy, "the database is being closed");
  if (!has_room()) {
    return fail(ErrorCode::kBusy,
                fmt::format("{} bytes of rows wait to be committed, at most {} "
                            "may; try again",
                            counters_.pending_bytes, store_.options.pending_bytes_max));
  }
  counters_.pending_bytes += bytes;
  if (request.bulk) {
    bulk_queue_.push_back({std::move(request), std::move(done), bytes});
  } else {
    if (queue_.empty()) oldest_ = steady_clock::now();
    urgent_ = urgent_ || request.urgent;
    queued_bytes_ += bytes;
    queue_.push_back({std::move(request), std::move(done), bytes});
  }
  work_.notify_one();
  return {};
}

Status Writer::submit(WriteRequest request, Done done) {
  const bool wait_for_room = request.bulk;
  return enqueue(std::move(request), std::move(done), wait_for_room);
}

Result<WriteReport> Writer::write(WriteRequest request) {
  request.bulk = false;
  request.urgent = true;  // the caller stands still until it is done
  auto promise = std::make_shared<std::promise<Result<WriteReport>>>();
  auto future = promise->get_future();
  TOCSIN_RETURN_IF_ERROR(enqueue(
      std::move(request),
      [promise](Result<WriteReport> report) { promise->set_value(std::move(report)); }, true));
  return future.get();
}

Status Writer::run_on_writer(std::function<Status()> run) {
  std::future<Status> result;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::kBusy, "the database is being closed");
    tasks_.push_back({std::move(run), {}});
    result = tasks_.back().result.get_future();
  }
  work_.notify_one();
  return result.get();
}

Status Writer::flush() {
  return run_on_writer([this]() -> Status {
    std::deque<Pending> queued, bulk;
    {
      std::lock_guard lock(mutex_);
      queued.swap(queue_);
      bulk.swap(bulk_queue_);
      queued_bytes_ = 0;
      urgent_ = false;
    }
    if (!queued.empty()) commit(std::move(queued));
    if (!bulk.empty()) gather(std::move(bulk));
    TOCSIN_RETURN_IF_ERROR(flush_gathered());
    std::lock_guard lock(mutex_);
    if (trouble_) return tl::unexpected<Error>(*trouble_);
    return {};
  });
}

Status Writer::apply(CatalogEdit edit) {
  return run_on_writer([this, &edit]() -> Status {
    Status status = transact(edit);
    if (!status && status.error().code != ErrorCode::kConflict) recover(status.error());
    return status;
  });
}

DatabaseCounters Writer::counters() const {
  std::lock_guard lock(mutex_);
  DatabaseCounters counters = counters_;
  counters.writable = !trouble_;
  if (trouble_) counters.trouble = trouble_->message;
  return counters;
}

// ---- The writer thread ----

Status Writer::load() {
  const CommitMark mark = read_commit_mark(store_.directory);
  TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
  TOCSIN_TRY(state_, check_catalog(transaction, mark, store_.directory));
  TOCSIN_TRY(auto catalog, read_catalog(transaction));
  schema_ = std::make_unique<SchemaDraft>(catalog, state_.next_measurement_id);
  store_.remember(catalog, state_.schema_version);
  // Numbers given out since the last commit are not used again by this process.
  store_.next_segment_id = std::max(store_.next_segment_id.load(), state_.next_segment_id);
  store_.next_file_number = std::max(store_.next_file_number.load(), state_.next_file_number);
  uint64_t hot_bytes = 0;
  TOCSIN_RETURN_IF_ERROR(walk_all_segments(transaction, Table::kHot,
                                           [&](const SegmentRecord& record, ByteView) -> Status {
                                             hot_bytes += record.info.byte_size;
                                             return {};
                                           }));
  std::lock_guard lock(mutex_);
  counters_.hot_bytes = hot_bytes;
  return {};
}

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

bool Writer::is_due(SteadyTime now) const {
  if (queue_.empty()) return false;
  return urgent_ || queued_bytes_ >= store_.options.commit_bytes ||
         now >= oldest_ + nanoseconds(store_.options.commit_interval);
}

void Writer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const auto ready = [this] {
    return stopping_ || !tasks_.empty() || !bulk_queue_.empty() || is_due(steady_clock::now());
  };
  while (!ready()) {
    SteadyTime until = next_maintenance_;
    if (!queue_.empty()) {
      until = std::min(until, oldest_ + nanoseconds(store_.options.commit_interval));
    }
    if (work_.wait_until(lock, until) == std::cv_status::timeout) return;
  }
}

void Writer::run() {
  bool stop = false;
  while (!stop) {
    std::deque<Task> tasks;
    std::deque<Pending> queued, bulk;
    {
      std::unique_lock lock(mutex_);
      wait_for_work(lock);
      stop = stopping_;
      tasks.swap(tasks_);
      bulk.swap(bulk_queue_);
      if (stop || is_due(steady_clock::now())) {
        queued.swap(queue_);
        queued_bytes_ = 0;
        urgent_ = false;
      }
    }
    if (!queued.empty()) commit(std::move(queued));
    if (!bulk.empty()) gather(std::move(bulk));
    for (Task& task : tasks) task.result.set_value(task.run());
    if (steady_clock::now() >= next_maintenance_) maintain();
  }
  if (!gathered_.empty() || !gathered_waiting_.empty()) (void)flush_gathered();
  flush_reject_counts(true);
}

/// Merges one request's rows into builders.
Writer::Waiting Writer::take_in(Pending pending, BuilderSet& builders) {
  WriteRequest& request = pending.request;
  builders.begin_request();
  Waiting waiting;
  waiting.done = std::move(pending.done);
  waiting.bytes = pending.bytes;
  waiting.changes = std::move(request.changes);
  MergeOptions options;
  options.now = store_.clock.now();
  options.future_max = store_.options.future_max;
  options.retention = [this](std::string_view name) { return store_.retention_of(name); };
  options.policy = request.batch.policy();
  options.allow_reserved = request.allow_reserved;

  Batch rejected;
  for (const RowBatch& rows : request.batch.measurements()) {
    const size_t before = waiting.report.rejected.size();
    merge_rows(rows, options, *schema_, builders, waiting.report);
    for (size_t i = before; i < waiting.report.rejected.size(); ++i) {
      const RejectedRow& row = waiting.report.rejected[i];
      rejects_.add(request.source, row.reason, rows.lines()[row.row], options.now, rejected);
    }
  }
  for (const RejectedLine& line : request.rejected) {
    if (line.counted == 0) {
      rejects_.add(request.source, line.reason, line.line, options.now, rejected);
    } else {
      rejects_.add_counted(request.source, line.reason, line.counted, options.now, rejected);
    }
  }
  const uint64_t refused = waiting.report.rejected.size() + line_count(request.rejected);
  if (refused != 0) {
    take_in_rejected(rejected, builders);
    std::lock_guard lock(mutex_);
    counters_.rows_rejected += refused;
  }
  return waiting;
}

void Writer::take_in_rejected(const Batch& rejected, BuilderSet& builders) {
  MergeOptions options;
  options.now = store_.clock.now();
  options.allow_reserved = true;
  WriteReport ignored;
  for (const RowBatch& rows : rejected.measurements()) {
    merge_rows(rows, options, *schema_, builders, ignored);
  }
}

void Writer::commit(std::deque<Pending> batch) {
  if (catalog_lost_) return refuse(std::move(batch));
  BuilderSet builders;
  std::vector<Waiting> waiting;
  waiting.reserve(batch.size());
  while (!batch.empty()) {
    waiting.push_back(take_in(std::move(batch.front()), builders));
    batch.pop_front();
  }
  SegmentPlacer placer(store_);
  answer(waiting, finish(builders, placer, waiting));
}

/// Places, syncs and lists everything; on an error recovers, so that writing can go on.
Status Writer::finish(BuilderSet& builders, SegmentPlacer& placer, std::vector<Waiting>& waiting) {
  Status status = place(builders, placer);
  if (status) status = placer.sync();
  if (!status) {
    if (&placer == gathered_files_.get()) (void)encoder_.wait();
    placer.abandon();
    recover(status.error());
    return status;
  }
  CatalogEdit edit;
  edit.added = &placer;
  for (const Waiting& request : waiting) {
    for (const SmallChange& change : request.changes) edit.changes.push_back(&change);
  }
  status = transact(edit);
  if (!status) recover(status.error());
  return status;
}

Status Writer::place(BuilderSet& builders, SegmentPlacer& placer) {
  Placement placement;
  placement.commit_number = state_.commit_number + 1;
  placement.created_at = store_.clock.now();
  placement.fresh_file = &placer == gathered_files_.get();
  size_t hot_bytes = counters().hot_bytes;
  for (auto& [key, entry] : builders.builders()) {
    std::unique_ptr<SegmentBuilder>& builder = entry.builder;
    placement.to_file = builder->row_count() > kDirectRowsMin ||
                        builder->raw_bytes() > kDirectBytesMin || hot_bytes > kHotBytesMax;
    if (placement.fresh_file && placement.to_file && encoder_.is_idle()) {
      // At the end of an import two threads encode what is left.
      TOCSIN_RETURN_IF_ERROR(
          encoder_.add(placer, std::move(builder), name_of(key.first), placement));
      continue;
    }
    const size_t hot_before = placer.hot().size();
    TOCSIN_RETURN_IF_ERROR(placer.add(*builder, name_of(key.first), placement));
    for (size_t i = hot_before; i < placer.hot().size(); ++i) {
      hot_bytes += placer.hot()[i].bytes.size();
    }
    builder.reset();
  }
  builders.clear();
  return placement.fresh_file ? encoder_.wait() : Status();
}

const std::string& Writer::name_of(MeasurementId id) const { return schema_->name_of(id); }

void Writer::gather(std::deque<Pending> batch) {
  if (catalog_lost_) return refuse(std::move(batch));
  if (!gathered_files_) gathered_files_ = std::make_unique<SegmentPlacer>(store_);
  while (!batch.empty() && !catalog_lost_) {
    Pending pending = std::move(batch.front());
    batch.pop_front();
    const size_t bytes = std::exchange(pending.bytes, 0);
    gathered_waiting_.push_back(take_in(std::move(pending), gathered_));
    {
      // The rows are in builders now, which kGatherBytesMax bounds.
      std::lock_guard lock(mutex_);
      counters_.pending_bytes -= bytes;
    }
    room_.notify_all();
    gathered_rows_ += gathered_waiting_.back().report.rows_written;
    const Status status = place_done_builders();
    if (!status) {
      (void)encoder_.wait();
      gathered_files_->abandon();
      recover(status.error());
    } else if (gathered_rows_ >= kGatherRowsMax || gathered_.memory_bytes() > kGatherBytesMax) {
      (void)flush_gathered();  // who waits is told of an error
    }
    if (!gathered_files_) gathered_files_ = std::make_unique<SegmentPlacer>(store_);
  }
  refuse(std::move(batch));
}

/// Answers requests that cannot even be merged: there is no schema to merge them into.
void Writer::refuse(std::deque<Pending> batch) {
  if (batch.empty()) return;
  std::vector<Waiting> waiting;
  for (Pending& pending : batch) {
    Waiting& refused = waiting.emplace_back();
    refused.done = std::move(pending.done);
    refused.bytes = pending.bytes;
  }
  answer(waiting, fail(ErrorCode::kIo,
                       fmt::format("the catalog of {} could not be reopened", store_.directory)));
}

Status Writer::place_done_builders() {
  auto& builders = gathered_.builders();
  for (auto it = builders.begin(); it != builders.end();) {
    const SegmentBuilder& builder = *it->second.builder;
    // More would only be cut in two again: see SegmentBuilder::finish.
    const bool full =
        builder.row_count() >= kSmallSegmentRows || builder.raw_bytes() >= kSmallSegmentBytes;
    // Of a day that the input has left behind.
    const bool left = gathered_.idle_requests(it->second) >= kIdleRequestsMax &&
                      builder.memory_bytes() >= kIdleBytesMax;
    if (!full && !left) {
      ++it;
      continue;
    }
    Placement placement;
    placement.commit_number = state_.commit_number + 1;
    placement.created_at = store_.clock.now();
    placement.to_file = true;
    placement.fresh_file = true;
    auto done = std::move(it->second.builder);
    const MeasurementId measurement = it->first.first;
    it = builders.erase(it);
    TOCSIN_RETURN_IF_ERROR(
        encoder_.add(*gathered_files_, std::move(done), name_of(measurement), placement));
  }
  return {};
}

Status Writer::flush_gathered() {
  if (gathered_waiting_.empty()) return {};
  std::vector<Waiting> waiting = std::exchange(gathered_waiting_, {});
  BuilderSet builders = std::exchange(gathered_, BuilderSet{});
  gathered_rows_ = 0;
  // Segments that were full earlier become visible only now: their rows are new to every reader.
  Status status = encoder_.wait();
  if (status) {
    gathered_files_->stamp(state_.commit_number + 1);
    status = finish(builders, *gathered_files_, waiting);
  } else {
    gathered_files_->abandon();
    recover(status.error());
  }
  gathered_files_ = nullptr;
  answer(waiting, status);
  return status;
}

void Writer::answer(std::vector<Waiting>& waiting, const Status& status) {
  size_t bytes = 0, rows = 0;
  for (const Waiting& request : waiting) {
    bytes += request.bytes;
    rows += request.report.rows_written;
  }
  {
    std::lock_guard lock(mutex_);
    counters_.pending_bytes -= bytes;
    if (status) counters_.rows_written += rows;
  }
  room_.notify_all();
  for (Waiting& request : waiting) {
    if (!request.done) continue;
    if (status) {
      request.report.commit_number = state_.commit_number;
      request.done(std::move(request.report));
    } else {
      request.done(tl::unexpected<Error>(status.error()));
    }
  }
}

Status Writer::transact(const CatalogEdit& edit) {
  if (catalog_lost_) return fail(ErrorCode::kIo, "the catalog could not be reopened");
  CatalogState next = state_;
  std::optional<Transaction> transaction;
  {
    TOCSIN_TRY(Transaction begun, store_.environment->begin_write());
    transaction.emplace(std::move(begun));
  }
  TOCSIN_RETURN_IF_ERROR(write_edit(*transaction, edit, next));
  TOCSIN_RETURN_IF_ERROR(transaction->commit());
  state_ = next;
  CommitMark mark{state_.commit_number, {}};
  if (edit.added != nullptr) {
    for (const SegmentRecord& record : edit.added->sealed()) {
      mark.sealed_ids.push_back(record.info.id);
    }
  }
  write_commit_mark(store_.directory, mark);
  store_.remember(schema_->publish(), state_.schema_version);

  std::lock_guard lock(mutex_);
  ++counters_.commits;
  if (edit.added != nullptr) {
    for (const HotSegment& hot : edit.added->hot()) counters_.hot_bytes += hot.bytes.size();
  }
  for (const SegmentRecord& record : edit.removed) {
    if (record.info.sealed) continue;
    counters_.hot_bytes -= std::min(counters_.hot_bytes, record.info.byte_size);
  }
  return {};
}

Status Writer::write_edit(Transaction& transaction, const CatalogEdit& edit, CatalogState& next) {
  const auto changed = schema_->changed();
  for (const Measurement* measurement : changed) {
    TOCSIN_RETURN_IF_ERROR(write_measurement(transaction, *measurement));
  }
  for (const SegmentRecord& record : edit.removed) {
    TOCSIN_TRY(const bool was_listed, remove_segment(transaction, record.info));
    if (!was_listed)
      return fail(ErrorCode::kConflict, record.info.name + " is not listed any more");
  }
  if (edit.added != nullptr) {
    for (const HotSegment& hot : edit.added->hot()) {
      TOCSIN_RETURN_IF_ERROR(write_hot(transaction, hot.record, hot.bytes.view()));
    }
    for (const SegmentRecord& sealed : edit.added->sealed()) {
      TOCSIN_RETURN_IF_ERROR(write_sealed(transaction, sealed));
    }
  }
  for (const SmallChange* change : edit.changes) {
    TOCSIN_RETURN_IF_ERROR(apply_change(transaction, *change));
  }
  TOCSIN_RETURN_IF_ERROR(drop_unlisted_files(transaction, edit.removed));
  ++next.commit_number;
  if (!changed.empty()) ++next.schema_version;
  next.next_segment_id = store_.next_segment_id;
  next.next_file_number = store_.next_file_number;
  next.next_measurement_id = schema_->next_id();
  return write_state(transaction, next);
}

/// Moves the files of which no segment is listed any more into `dropped`.
Status Writer::drop_unlisted_files(Transaction& transaction,
                                   const std::vector<SegmentRecord>& removed) {
  std::set<std::pair<MeasurementId, int64_t>> partitions;
  std::set<FileId> candidates;
  for (const SegmentRecord& record : removed) {
    if (!record.info.sealed) continue;
    partitions.emplace(record.info.measurement, record.info.partition);
    candidates.insert(record.file());
  }
  for (const auto& [measurement, partition] : partitions) {
    TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, Table::kSealed,
                                         {measurement, partition, partition},
                                         [&](const SegmentRecord& record, ByteView) -> Status {
                                           candidates.erase(record.file());
                                           return {};
                                         }));
  }
  for (const FileId& file : candidates) {
    TOCSIN_RETURN_IF_ERROR(
        write_dropped(transaction, {file, transaction.id(), store_.clock.now()}));
  }
  return {};
}

// ---- Trouble ----

void Writer::set_trouble(const Error& error) {
  {
    std::lock_guard lock(mutex_);
    trouble_ = error;
    retry_at_ = steady_clock::now() + nanoseconds(kRetryAfter);
  }
  room_.notify_all();
  log(LogLevel::kError, fmt::format("writing to {} stopped: {}", store_.directory, error.message));
}

/// After a failed write, sync or commit: nothing of it is listed. Open the catalog again, forget
/// what was not committed, refuse writes for a while. Files that failed are never written again,
/// because their size is not what the catalog lists.
void Writer::recover(const Error& error) {
  set_trouble(error);
  const Status failed = tl::unexpected<Error>(error);
  std::vector<Waiting> waiting = std::exchange(gathered_waiting_, {});
  gathered_.clear();
  gathered_rows_ = 0;
  (void)encoder_.wait();  // its files are not listed either
  gathered_files_ = nullptr;
  answer(waiting, failed);
  reload();
}

void Writer::reload() {
  Status status = store_.environment->reopen();
  if (status) status = load();
  catalog_lost_ = !status;
  if (!status) set_trouble(status.error());
}

void Writer::try_again() {
  {
    std::lock_guard lock(mutex_);
    if (!trouble_ || steady_clock::now() < retry_at_) return;
  }
  struct statvfs disk;
  if (::statvfs(store_.directory.c_str(), &disk) == 0 &&
      static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize < kFreeBytesMin) {
    return;
  }
  if (catalog_lost_) reload();
  if (catalog_lost_) return;
  std::lock_guard lock(mutex_);
  trouble_.reset();
}

// ---- Housekeeping ----

void Writer::maintain() {
  const SteadyTime now = steady_clock::now();
  next_maintenance_ = now + kMaintenanceEvery;
  try_again();
  if (counters().writable) flush_reject_counts(false);
  if (now < next_retention_) return;
  next_retention_ = now + kRetentionEvery;
  for (Status status : {drop_expired(), unlink_dropped()}) {
    if (!status) log(LogLevel::kWarning, "dropping old segments: " + status.error().message);
  }
}

void Writer::flush_reject_counts(bool at_close) {
  Batch rejected;
  rejects_.flush(store_.clock.now(), at_close, rejected);
  if (rejected.empty()) return;
  BuilderSet builders;
  std::vector<Waiting> nobody;
  take_in_rejected(rejected, builders);
  SegmentPlacer placer(store_);
  (void)finish(builders, placer, nobody);
}

/// Unlists the segments of days that lie wholly before their measurement's retention.
Status Writer::drop_expired() {
  CatalogEdit edit;
  {
    TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
    for (const auto& [name, measurement] : schema_->published()->measurements) {
      const Duration retention = store_.retention_of(name);
      if (retention <= 0) continue;
      const PartitionRange days{measurement.id, INT64_MIN,
                                partition_of(store_.clock.now() - retention) - 1};
      const auto note = [&](const SegmentRecord& record, ByteView) -> Status {
        edit.removed.push_back(record);
        return {};
      };
      TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, Table::kHot, days, note));
      TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, Table::kSealed, days, note));
    }
  }
  if (edit.removed.empty()) return {};
  Status status = transact(edit);
  if (!status) recover(status.error());
  return status;
}

/// Unlinks dropped files that no reader can still want to open.
Status Writer::unlink_dropped() {
  std::vector<DroppedFile> dropped;
  {
    TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
    TOCSIN_TRY(dropped, read_dropped(transaction));
  }
  if (dropped.empty()) return {};
  TOCSIN_TRY(const uint64_t oldest, store_.environment->oldest_reader());
  std::vector<FileId> gone;
  for (const DroppedFile& file : dropped) {
    const bool is_old = store_.clock.now() - file.dropped_at > kSnapshotMax;
    if (oldest < file.transaction && !is_old) continue;
    const std::string path = store_.directory + "/" + file_path(file.file);
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) gone.push_back(file.file);
  }
  if (gone.empty()) return {};
  TOCSIN_TRY(Transaction transaction, store_.environment->begin_write());
  for (const FileId& file : gone) TOCSIN_RETURN_IF_ERROR(remove_dropped(transaction, file));
  CatalogState next = state_;
  TOCSIN_RETURN_IF_ERROR(write_state(transaction, next));
  Status status = transaction.commit();
  if (status) {
    state_ = next;
    return status;
  }
  // The transaction ended with its commit, so the environment may be reopened.
  recover(status.error());
  return status;
}

}  // namespace tocsin
