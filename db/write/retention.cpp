#include "db/write/retention.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "db/base/log.h"
#include "db/limits.h"

namespace tocsin {
namespace {

constexpr Duration kRetentionEvery = kMinute;
constexpr size_t kNamesMax = 3;  // measurements that a message names

/// `audit, orders, rejected and 4 more`.
std::string name_list(const std::set<std::string>& names) {
  std::vector<std::string> first;
  for (const std::string& name : names) {
    if (first.size() < kNamesMax) first.push_back(name);
  }
  std::string text = fmt::format("{}", fmt::join(first, ", "));
  if (names.size() > kNamesMax) text += fmt::format(" and {} more", names.size() - kNamesMax);
  return text;
}

/// `2d3h`, without what is below a minute.
std::string rounded(Duration duration) {
  return format_duration(duration < kMinute ? duration / kSecond * kSecond
                                            : duration / kMinute * kMinute);
}

Result<size_t> count_days(const Transaction& transaction, MeasurementId measurement) {
  std::set<int64_t> days;
  const auto add = [&](const SegmentRecord& record, ByteView) -> Status {
    days.insert(record.info.partition);
    return {};
  };
  for (const CatalogTable table : {CatalogTable::kHot, CatalogTable::kSealed}) {
    TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, table, {measurement}, add));
  }
  return days.size();
}

/// One line per day, whatever number of measurements it had.
struct DroppedDay {
  std::set<std::string> measurements;
  size_t segments = 0, rows = 0, bytes = 0;
};

void log_dropped(const std::map<int64_t, DroppedDay>& days) {
  for (const auto& [day, dropped] : days) {
    log(LogLevel::kInfo,
        fmt::format("retention: dropped {} of {}: {} rows in {} segments, {} bytes",
                    format_time_short(day * kDay).substr(0, 10), name_list(dropped.measurements),
                    dropped.rows, dropped.segments, dropped.bytes));
  }
}

}  // namespace

bool Retention::is_due() {
  const Duration running = store_.clock.running();
  if (checked_at_ && running - *checked_at_ < kRetentionEvery) return false;
  checked_at_ = running;
  return true;
}

Status Retention::load_waits() {
  if (waits_loaded_) return {};
  TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
  TOCSIN_TRY(const auto waits, read_retention_waits(transaction));
  waits_.clear();
  for (const RetentionWait& wait : waits) waits_[wait.measurement] = wait;
  waits_loaded_ = true;
  return {};
}

Result<std::vector<Retention::Expired>> Retention::find_expired(const CatalogCommit& catalog,
                                                                Timestamp now) {
  std::vector<Expired> found;
  TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
  for (const auto& [name, measurement] : catalog.schema().published()->measurements) {
    const Duration retention = store_.retention_of(name);
    if (retention <= 0) continue;
    Expired expired{measurement.id, name, retention, {}, 0, 0};
    const PartitionRange range{measurement.id, INT64_MIN, partition_of(now - retention) - 1};
    std::set<int64_t> days;
    const auto add = [&](const SegmentRecord& record, ByteView) -> Status {
      expired.segments.push_back(record);
      days.insert(record.info.partition);
      return {};
    };
    TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, CatalogTable::kHot, range, add));
    TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, CatalogTable::kSealed, range, add));
    if (days.empty()) {
      waits_.erase(measurement.id);
      continue;
    }
    expired.day_count = days.size();
    if (days.size() >= kDropWaitDays) {
      TOCSIN_TRY(expired.days_total, count_days(transaction, measurement.id));
    }
    found.push_back(std::move(expired));
  }
  return found;
}

/// The running time for which an unusual number of days still has to wait.
Duration Retention::wait_of(const Expired& expired, Duration passed) {
  const auto known = waits_.find(expired.measurement);
  if (known == waits_.end() || known->second.retention != expired.retention) {
    waits_[expired.measurement] = {expired.measurement, expired.retention,
                                   store_.options.retention_grace};
  } else {
    known->second.remaining = std::max<Duration>(known->second.remaining - passed, 0);
  }
  return waits_[expired.measurement].remaining;
}

std::vector<Retention::Expired> Retention::hold_back(std::vector<Expired>& expired,
                                                     const ClockView& clock) {
  const Duration running = store_.clock.running();
  const Duration passed = counted_at_ ? running - *counted_at_ : 0;
  counted_at_ = running;
  std::vector<Expired> held, free;
  for (Expired& entry : expired) {
    const bool unusual = entry.is_unusual();
    const bool must_wait = (unusual && wait_of(entry, passed) > 0) || clock.ahead() > 0;
    if (!unusual || !must_wait) waits_.erase(entry.measurement);
    (must_wait ? held : free).push_back(std::move(entry));
  }
  expired = std::move(free);
  return held;
}

void Retention::announce(const std::vector<Expired>& held, const ClockView& clock) {
  std::string cause, text;
  if (!held.empty()) {
    std::set<std::string> names;
    size_t days = 0;
    Duration wait = clock.remaining;
    for (const Expired& entry : held) {
      names.insert(entry.name);
      days += entry.day_count;
      const auto known = waits_.find(entry.measurement);
      if (known != waits_.end()) wait = std::max(wait, known->second.remaining);
    }
    const std::string what = fmt::format("retention waits with {} day{} of {}: ", days,
                                         days == 1 ? "" : "s", name_list(names));
    if (clock.needs_confirmation()) {
      cause = "confirmation";
      text = fmt::format(
          "{}the clock is {} ahead of the last commit; if the clock is right, run "
          "`tocsin retention confirm`, else set it",
          what, rounded(clock.ahead()));
    } else if (clock.ahead() > 0) {
      cause = "clock";
      text = fmt::format(
          "{}the clock jumped ahead by {}; they are deleted in {} unless it is set "
          "back, or at once by `tocsin retention confirm`",
          what, rounded(clock.ahead()), rounded(wait));
    } else {
      cause = "many";
      text = fmt::format(
          "{}these are many at once; they are deleted in {} unless the retention is "
          "raised, or at once by `tocsin retention confirm`",
          what, rounded(wait));
    }
  }
  if (cause != announced_) {
    announced_ = cause;
    if (!cause.empty()) log(LogLevel::kWarning, text);
  }
  const MutexLock lock(mutex_);
  text_ = std::move(text);
}

Status Retention::drop_expired(CatalogCommit& catalog) {
  TOCSIN_RETURN_IF_ERROR(load_waits());
  const ClockView clock = store_.clock_guard.observe();
  const std::map<MeasurementId, RetentionWait> before = waits_;
  TOCSIN_TRY(std::vector<Expired> expired, find_expired(catalog, clock.now));
  const std::vector<Expired> held = hold_back(expired, clock);
  announce(held, clock);
  CatalogEdit edit;
  std::map<int64_t, DroppedDay> days;
  for (Expired& entry : expired) {
    for (SegmentRecord& record : entry.segments) {
      DroppedDay& day = days[record.info.partition];
      day.measurements.insert(entry.name);
      ++day.segments;
      day.rows += record.info.row_count;
      day.bytes += record.info.byte_size;
      edit.removed.push_back(std::move(record));
    }
  }
  std::vector<RetentionWait> waits;
  for (const auto& [measurement, wait] : waits_) waits.push_back(wait);
  if (waits_ != before) edit.retention_waits = &waits;
  // A commit also stores how long a clock that jumped still has to wait.
  const bool clock_waits = !held.empty() && clock.remaining > 0;
  if (edit.removed.empty() && edit.retention_waits == nullptr && !clock_waits) return {};
  const Status status = catalog.commit(edit);
  if (status) {
    log_dropped(days);
  } else {
    waits_loaded_ = false;
  }
  return status;
}

Result<std::string> Retention::confirm(CatalogCommit& catalog) {
  TOCSIN_RETURN_IF_ERROR(drop_expired(catalog));  // the last sweep knew older settings
  std::vector<std::string> confirmed;
  const ClockView clock = store_.clock_guard.observe();
  if (clock.now != clock.believed) {
    confirmed.push_back(fmt::format("the clock, which jumped {} by {}",
                                    clock.ahead() > 0 ? "ahead" : "back",
                                    rounded(clock.latest() - clock.earliest())));
  }
  std::set<std::string> names;
  for (const auto& [name, measurement] : catalog.schema().published()->measurements) {
    if (waits_.contains(measurement.id)) names.insert(name);
  }
  if (!names.empty()) confirmed.push_back("deleting old days of " + name_list(names));
  if (confirmed.empty()) return std::string();
  store_.clock_guard.believe();
  std::vector<RetentionWait> waits;
  for (auto& [measurement, wait] : waits_) {
    wait.remaining = 0;
    waits.push_back(wait);
  }
  CatalogEdit edit;
  edit.retention_waits = &waits;
  TOCSIN_RETURN_IF_ERROR(catalog.commit(edit));
  TOCSIN_RETURN_IF_ERROR(drop_expired(catalog));
  return fmt::format("{}", fmt::join(confirmed, ", and "));
}

std::string Retention::waits() const {
  const MutexLock lock(mutex_);
  return text_;
}

Status Retention::unlink_dropped(CatalogCommit& catalog) {
  std::vector<DroppedFile> dropped;
  {
    TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
    TOCSIN_TRY(dropped, read_dropped(transaction));
  }
  if (dropped.empty()) return {};
  TOCSIN_RETURN_IF_ERROR(store_.opened_paths->check());
  TOCSIN_TRY(const uint64_t oldest, store_.environment->oldest_reader());
  const Duration running = store_.clock.running();
  std::vector<FileId> unlinked;
  for (const DroppedFile& file : dropped) {
    const Duration since = dropped_since_.emplace(file.file, running).first->second;
    if (oldest < file.transaction && running - since <= kSnapshotMax) continue;
    const std::string path = store_.directory + "/" + file_path(file.file);
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) unlinked.push_back(file.file);
  }
  if (unlinked.empty()) return {};
  for (const FileId& file : unlinked) dropped_since_.erase(file);
  return catalog.forget_dropped(unlinked);
}

}  // namespace tocsin
