// An in-memory store for tests of its writers. Like the real one it commits on a separate thread.
// It can be made to refuse writes or fail commits, and its state after any commit can be copied, as
// a crash would leave it.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "db/base/mutex.h"
#include "db/database.h"

namespace tocsin::test {

/// A row as text: `measurement name=value name=value`, values in the order of the lanes.
inline std::vector<std::string> rows_of(const Batch& batch) {
  std::vector<std::string> rows;
  for (const RowBatch& table : batch.measurements()) {
    std::vector<std::string> texts(table.row_count(), table.measurement());
    for (const Lane& lane : table.lanes()) {
      for (size_t i = 0; i < lane.rows.size(); ++i) {
        std::string value;
        if (lane.type == ColumnType::kString) value = std::string(lane.text_of(i));
        if (lane.type == ColumnType::kI64 || lane.type == ColumnType::kBool)
          value = std::to_string(lane.i64[i]);
        if (lane.type == ColumnType::kU64) value = std::to_string(lane.u64[i]);
        if (lane.type == ColumnType::kF64) value = std::to_string(lane.f64[i]);
        texts[lane.rows[i]] += " " + lane.name + "=" + value;
      }
    }
    rows.insert(rows.end(), texts.begin(), texts.end());
  }
  return rows;
}

struct StoreState {
  std::vector<std::string> rows;
  std::vector<std::pair<std::string, std::string>> rejected;  ///< reason, line
  std::map<std::pair<SmallTable, std::string>, std::string> small;
};

class FakeDatabase final : public Database {
 public:
  explicit FakeDatabase(StoreState state = {}) : state_(std::move(state)) {
    writer_ = std::thread([this] { run(); });
  }
  ~FakeDatabase() override {
    {
      const MutexLock lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    writer_.join();
  }

  void set_busy(std::optional<ErrorCode> code) {
    const MutexLock lock(mutex_);
    busy_ = code;
  }
  /// Lets the next `after` commits succeed and fails the `count` commits after them.
  void fail_commits(size_t count, size_t after = 0) {
    const MutexLock lock(mutex_);
    failures_ = count;
    successes_before_failures_ = after;
  }
  /// Waits until `count` requests have been refused; false after kWaitMax.
  bool wait_for_refused(size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + kWaitMax;
    const MutexLock lock(mutex_);
    while (refused_ < count) {
      if (!changed_.wait_until(mutex_, deadline)) return refused_ >= count;
    }
    return true;
  }
  /// Waits until `count` rows are committed; false after kWaitMax.
  bool wait_for_rows(size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + kWaitMax;
    const MutexLock lock(mutex_);
    while (state_.rows.size() < count) {
      if (!changed_.wait_until(mutex_, deadline)) return state_.rows.size() >= count;
    }
    return true;
  }
  StoreState state() const {
    const MutexLock lock(mutex_);
    return state_;
  }
  std::vector<StoreState> history() const {
    const MutexLock lock(mutex_);
    return history_;
  }
  /// The largest number of entries that one call of list() returned.
  size_t listed_max() const {
    const MutexLock lock(mutex_);
    return listed_max_;
  }
  size_t refused() const {
    const MutexLock lock(mutex_);
    return refused_;
  }
  size_t failed() const {
    const MutexLock lock(mutex_);
    return failed_;
  }
  void put(SmallTable table, const std::string& key, const std::string& value) {
    const MutexLock lock(mutex_);
    state_.small[{table, key}] = value;
  }

  const std::string& directory() const override { return directory_; }
  Status submit(WriteRequest request, std::function<void(Result<WriteReport>)> done) override {
    const MutexLock lock(mutex_);
    if (busy_) {
      ++refused_;
      changed_.notify_all();
      return fail(*busy_, "the store is busy");
    }
    queue_.emplace_back(std::move(request), std::move(done));
    wake_.notify_all();
    return {};
  }
  Result<WriteReport> write(WriteRequest) override {
    return fail(ErrorCode::kUnsupported, "no write");
  }
  Status seal() override { return {}; }
  Status compact(ProgressFunction) override { return {}; }
  Result<std::string> confirm_retention() override { return std::string(); }
  std::shared_ptr<const Catalog> catalog() const override { return std::make_shared<Catalog>(); }
  Result<Snapshot> snapshot(const SnapshotScope&) const override {
    return fail(ErrorCode::kUnsupported, "no snapshots");
  }
  Result<std::vector<SegmentInfo>> segment_infos(const SnapshotScope&) const override {
    return fail(ErrorCode::kUnsupported, "no segments");
  }
  Result<std::optional<std::string>> get(SmallTable table, std::string_view key) const override {
    const MutexLock lock(mutex_);
    const auto it = state_.small.find({table, std::string(key)});
    if (it == state_.small.end()) return std::optional<std::string>();
    return std::optional<std::string>(it->second);
  }
  Result<std::vector<SmallEntry>> list(SmallTable table, std::string_view prefix,
                                       SmallRange range = {}) const override {
    const MutexLock lock(mutex_);
    std::vector<SmallEntry> entries;
    for (const auto& [key, value] : state_.small) {
      if (entries.size() >= range.count_max) break;
      if (key.first == table && key.second.starts_with(prefix) && key.second >= range.from)
        entries.push_back({key.second, value});
    }
    listed_max_ = std::max(listed_max_, entries.size());
    return entries;
  }
  Status change_options(const DatabaseOptions&) override { return {}; }
  DatabaseCounters counters() const override { return {}; }

 private:
  void run() {
    MutexLock lock(mutex_);
    for (;;) {
      while (!closing_ && queue_.empty()) wake_.wait(mutex_);
      if (queue_.empty()) return;
      auto [request, done] = std::move(queue_.front());
      queue_.pop_front();
      Result<WriteReport> report = commit(request);
      lock.unlock();
      done(std::move(report));
      done = nullptr;
      lock.lock();
    }
  }

  Result<WriteReport> commit(const WriteRequest& request) TOCSIN_REQUIRES(mutex_) {
    if (successes_before_failures_ > 0) {
      --successes_before_failures_;
    } else if (failures_ > 0) {
      --failures_;
      ++failed_;
      return fail(ErrorCode::kDiskFull, "no space left");
    }
    const auto rows = rows_of(request.batch);
    state_.rows.insert(state_.rows.end(), rows.begin(), rows.end());
    for (const RejectedLine& line : request.rejected)
      state_.rejected.emplace_back(line.reason, line.line);
    for (const SmallChange& change : request.changes) {
      if (change.value) {
        state_.small[{change.table, change.key}] = *change.value;
      } else {
        state_.small.erase({change.table, change.key});
      }
    }
    history_.push_back(state_);
    changed_.notify_all();
    WriteReport report;
    report.commit_number = history_.size();
    report.rows_written = rows.size();
    return report;
  }

  static constexpr std::chrono::seconds kWaitMax{20};

  const std::string directory_ = "memory";
  std::thread writer_;
  mutable Mutex mutex_;
  ConditionVariable wake_;     // of the writer thread
  ConditionVariable changed_;  // a commit or a refusal, for waiting tests
  std::deque<std::pair<WriteRequest, std::function<void(Result<WriteReport>)>>> queue_
      TOCSIN_GUARDED_BY(mutex_);
  StoreState state_ TOCSIN_GUARDED_BY(mutex_);
  std::vector<StoreState> history_ TOCSIN_GUARDED_BY(mutex_);  // after each commit
  std::optional<ErrorCode> busy_ TOCSIN_GUARDED_BY(mutex_);
  size_t successes_before_failures_ TOCSIN_GUARDED_BY(mutex_) = 0;
  size_t failures_ TOCSIN_GUARDED_BY(mutex_) = 0;  // still to come
  size_t failed_ TOCSIN_GUARDED_BY(mutex_) = 0;
  size_t refused_ TOCSIN_GUARDED_BY(mutex_) = 0;
  mutable size_t listed_max_ TOCSIN_GUARDED_BY(mutex_) = 0;
  bool closing_ TOCSIN_GUARDED_BY(mutex_) = false;
};

}  // namespace tocsin::test
