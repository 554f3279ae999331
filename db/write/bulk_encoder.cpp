#include "db/write/bulk_encoder.h"

#include <utility>

namespace tocsin {

BulkEncoder::~BulkEncoder() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Status BulkEncoder::add(SegmentPlacer& placer, std::unique_ptr<SegmentBuilder> builder,
                        std::string measurement, const Placement& placement) {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !job_; });
    if (!status_) return std::exchange(status_, Status());
    job_ = Job{&placer, std::move(builder), std::move(measurement), placement};
  }
  changed_.notify_all();
  return {};
}

bool BulkEncoder::is_idle() {
  const std::lock_guard lock(mutex_);
  return !job_;
}

Status BulkEncoder::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !job_; });
  return std::exchange(status_, Status());
}

void BulkEncoder::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return job_ || stopping_; });
    if (!job_) return;
    lock.unlock();
    const Status status = job_->placer->add(*job_->builder, job_->measurement, job_->placement);
    job_->builder = nullptr;  // its memory, before the next one is let in
    lock.lock();
    if (!status && status_) status_ = status;
    job_.reset();
    changed_.notify_all();
  }
}

}  // namespace tocsin
