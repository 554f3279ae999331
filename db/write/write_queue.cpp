#include "db/write/write_queue.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "db/limits.h"

namespace tocsin {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

/// Bytes that a request counts against the bounds.
size_t size_of(const WriteRequest& request) {
  size_t bytes = request.batch.byte_size();
  for (const SmallChange& change : request.changes) {
    bytes += change.key.size() + (change.value ? change.value->size() : 0);
  }
  for (const RejectedLine& line : request.rejected) bytes += line.line.size() + line.reason.size();
  for (const RetriedLine& line : request.retried) bytes += line.source.size() + line.reason.size();
  return bytes;
}

Status check_keys(const WriteRequest& request) {
  for (const SmallChange& change : request.changes) {
    if (!change.key.empty() && change.key.size() <= kSmallKeyBytesMax) continue;
    return fail(ErrorCode::kInvalid,
                fmt::format("a key of a small table has {} bytes; 1 to {} are allowed",
                            change.key.size(), kSmallKeyBytesMax));
  }
  return {};
}

tl::unexpected<Error> closing_error() {
  return fail(ErrorCode::kBusy, "the database is being closed");
}

}  // namespace

Status WriteQueue::push(WriteRequest request, WriteDone done, bool wait_for_room) {
  TOCSIN_RETURN_IF_ERROR(check_keys(request));
  const size_t bytes = size_of(request);
  if (bytes > kBatchBytesMax) {
    return fail(ErrorCode::kLimit,
                fmt::format("the write has {} bytes; at most {} are allowed, so send it in parts",
                            bytes, kBatchBytesMax));
  }
  MutexLock lock(mutex_);
  while (wait_for_room && !has_room(bytes) && !stopping_ && !suspended_by_) room_.wait(mutex_);
  if (suspended_by_) return tl::unexpected<Error>(*suspended_by_);
  if (stopping_) return closing_error();
  if (!has_room(bytes)) {
    return fail(ErrorCode::kBusy,
                fmt::format("{} bytes of rows are waiting to be committed, and at most {} may "
                            "wait; try again",
                            pending_bytes_, options_.pending_bytes_max));
  }
  pending_bytes_ += bytes;
  if (request.bulk) {
    bulk_.push_back({std::move(request), std::move(done), bytes});
  } else {
    if (grouped_.empty()) grouped_since_ = steady_clock::now();
    grouped_urgent_ = grouped_urgent_ || request.urgent;
    grouped_bytes_ += bytes;
    grouped_.push_back({std::move(request), std::move(done), bytes});
  }
  // The writer would otherwise wake up only to wait for the mutex.
  lock.unlock();
  work_.notify_one();
  return {};
}

/// A request larger than the bound is admitted when nothing else is pending; otherwise it could
/// never be written.
bool WriteQueue::has_room(size_t bytes) const {
  return pending_bytes_ == 0 || pending_bytes_ + bytes <= options_.pending_bytes_max;
}

Status WriteQueue::run_task(std::function<Status()> run) {
  std::future<Status> result;
  {
    MutexLock lock(mutex_);
    if (stopping_) return closing_error();
    tasks_.push_back({std::move(run), {}});
    result = tasks_.back().result.get_future();
  }
  work_.notify_one();
  return result.get();
}

void WriteQueue::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  room_.notify_all();
}

uint64_t WriteQueue::pending_bytes() const {
  MutexLock lock(mutex_);
  return pending_bytes_;
}

Duration WriteQueue::longest_wait() const {
  MutexLock lock(mutex_);
  if (!taken_since_ && grouped_.empty()) return 0;
  const SteadyTime since = taken_since_.value_or(grouped_since_);
  return std::chrono::duration_cast<nanoseconds>(steady_clock::now() - since).count();
}

std::optional<Error> WriteQueue::suspended_by() const {
  MutexLock lock(mutex_);
  return suspended_by_;
}

WriteQueue::SteadyTime WriteQueue::due_time() const {
  return grouped_since_ + nanoseconds(options_.commit_interval);
}

bool WriteQueue::is_due(SteadyTime now) const {
  if (grouped_.empty()) return false;
  return grouped_urgent_ || grouped_bytes_ >= options_.commit_bytes || now >= due_time();
}

WriteQueue::Work WriteQueue::wait(SteadyTime deadline) {
  Work work;
  MutexLock lock(mutex_);
  while (!stopping_ && tasks_.empty() && bulk_.empty() && !is_due(steady_clock::now())) {
    const SteadyTime until = grouped_.empty() ? deadline : std::min(deadline, due_time());
    if (!work_.wait_until(mutex_, until)) break;
  }
  work.stop = stopping_;
  work.tasks.swap(tasks_);
  work.bulk.swap(bulk_);
  if (stopping_ || is_due(steady_clock::now())) take_grouped(work);
  return work;
}

WriteQueue::Work WriteQueue::take_writes() {
  Work work;
  MutexLock lock(mutex_);
  work.bulk.swap(bulk_);
  take_grouped(work);
  return work;
}

void WriteQueue::take_grouped(Work& work) {
  if (!grouped_.empty()) taken_since_ = grouped_since_;
  work.grouped.swap(grouped_);
  grouped_bytes_ = 0;
  grouped_urgent_ = false;
}

void WriteQueue::release(size_t bytes) {
  {
    MutexLock lock(mutex_);
    pending_bytes_ -= bytes;
    taken_since_.reset();
  }
  room_.notify_all();
}

void WriteQueue::suspend(const Error& reason) {
  {
    MutexLock lock(mutex_);
    suspended_by_ = reason;
  }
  room_.notify_all();
}

void WriteQueue::resume() {
  MutexLock lock(mutex_);
  suspended_by_.reset();
}

}  // namespace tocsin
