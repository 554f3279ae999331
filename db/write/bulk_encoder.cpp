#include "db/write/bulk_encoder.h"

#include <utility>

namespace tocsin {

BulkEncoder::~BulkEncoder() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Status BulkEncoder::add(SegmentPlacer& placer, std::unique_ptr<SegmentBuilder> builder,
                        std::string measurement, const Placement& placement) {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  {
    MutexLock lock(mutex_);
    while (job_) changed_.wait(mutex_);
    if (!status_) return std::exchange(status_, Status());
    job_ = Job{&placer, std::move(builder), std::move(measurement), placement};
  }
  changed_.notify_all();
  return {};
}

bool BulkEncoder::is_idle() {
  MutexLock lock(mutex_);
  return !job_;
}

Status BulkEncoder::wait() {
  MutexLock lock(mutex_);
  while (job_) changed_.wait(mutex_);
  return std::exchange(status_, Status());
}

void BulkEncoder::run() {
  MutexLock lock(mutex_);
  while (true) {
    while (!job_ && !stopping_) changed_.wait(mutex_);
    if (!job_) return;
    Job& job = *job_;
    lock.unlock();
    const Status status = job.placer->add(*job.builder, job.measurement, job.placement);
    job.builder = nullptr;  // frees its memory before the next builder is accepted
    lock.lock();
    if (!status && status_) status_ = status;
    job_.reset();
    changed_.notify_all();
  }
}

}  // namespace tocsin
