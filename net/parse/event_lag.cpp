#include "net/parse/event_lag.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "db/base/floor.h"
#include "db/schema/own_columns.h"

namespace tocsin {
namespace {

/// While the store accepts no writes, older intervals are dropped.
constexpr size_t kIntervalsMax = 12;
/// So many combinations of codes are counted in an array.
constexpr size_t kDenseMax = size_t{1} << 14;
constexpr const char* kOtherHosts = "(other hosts)";

const Lane* text_lane(const RowBatch& rows, std::string_view name) {
  for (const Lane& lane : rows.lanes()) {
    if (lane.type == ColumnType::kString && lane.name == name && !lane.rows.empty()) return &lane;
  }
  return nullptr;
}

/// Counts the rows of one measurement by the codes of service and host.
class BatchLags {
 public:
  BatchLags(const Lane& service, const Lane* host) : service_(service), host_(host) {
    host_count_ = 1 + (host ? host->strings.size() : 0);  // 0: the row has no host
    const size_t cells = service.strings.size() * host_count_;
    if (cells <= kDenseMax) dense_.resize(cells);
  }

  void count(std::span<const Timestamp> times, Timestamp arrival) {
    size_t next_host = 0;
    for (size_t i = 0; i < service_.rows.size(); ++i) {
      const uint32_t row = service_.rows[i];
      while (host_ && next_host < host_->rows.size() && host_->rows[next_host] < row) ++next_host;
      Duration lag = 0;
      if (__builtin_sub_overflow(arrival, times[row], &lag)) continue;
      if (lag == 0 || lag > kLagMax || lag < -kLagMax) continue;
      const bool has_host =
          host_ && next_host < host_->rows.size() && host_->rows[next_host] == row;
      const size_t cell =
          service_.codes[i] * host_count_ + (has_host ? host_->codes[next_host] + 1 : 0);
      lag_at(cell).add(lag);
    }
  }

  void append(std::vector<HostLag>& out) const {
    for (size_t cell = 0; cell < dense_.size(); ++cell) append(cell, dense_[cell], out);
    for (const auto& [cell, lag] : sparse_) append(cell, lag, out);
    if (others_.events > 0) out.push_back({"", "", others_});
  }

 private:
  LagRange& lag_at(size_t cell) {
    if (!dense_.empty()) return dense_[cell];
    if (sparse_.size() < kLagHostsMax) return sparse_[cell];
    const auto known = sparse_.find(cell);
    return known == sparse_.end() ? others_ : known->second;
  }

  void append(size_t cell, const LagRange& lag, std::vector<HostLag>& out) const {
    if (lag.events == 0) return;
    const auto host = static_cast<uint32_t>(cell % host_count_);
    const auto service = static_cast<uint32_t>(cell / host_count_);
    out.push_back({std::string(service_.strings.text(service)),
                   host == 0 ? "" : std::string(host_->strings.text(host - 1)), lag});
  }

  const Lane& service_;
  const Lane* host_;
  size_t host_count_;
  std::vector<LagRange> dense_;
  std::unordered_map<size_t, LagRange> sparse_;
  LagRange others_;  // of more combinations than there is room for
};

int64_t interval_of(Timestamp t) { return floor_div(t, kLagInterval); }

class LagRow {
 public:
  LagRow(Timestamp time, Batch& out) : out_(out), rows_(out.rows_of(kEventLagMeasurement)) {
    rows_.begin_row(time);
  }
  void tag(const char* name, std::string_view value) {
    ++hint_;
    if (value.empty()) return;
    rows_.set_string(rows_.lane(name, ColumnType::kString, ColumnKind::kTag, hint_ - 1),
                     out_.copy(value));
  }
  void integer(const char* name, int64_t value) {
    rows_.set_i64(rows_.lane(name, ColumnType::kI64, ColumnKind::kField, hint_++), value);
  }
  void lag(const LagRange& lag) {
    integer("lag_min_ms", lag.min / kMillisecond);
    integer("lag_max_ms", lag.max / kMillisecond);
    integer("events", static_cast<int64_t>(lag.events));
  }

 private:
  Batch& out_;
  RowBatch& rows_;
  size_t hint_ = 0;
};

/// The smallest lags of an interval.
class SmallestLags {
 public:
  void add(Duration lag, std::string_view host) { sorted_.emplace_back(lag, host); }
  void sort() {
    std::ranges::sort(sorted_);
    for (size_t i = 0; i < sorted_.size(); ++i) places_[sorted_[i].second].push_back(i);
  }
  /// The median of those of other hosts: services on one host have the same clock.
  std::optional<Duration> median_of_peers(std::string_view host) const {
    const std::vector<size_t>& own = places_.at(host);
    if (own.size() == sorted_.size()) return std::nullopt;
    size_t at = (sorted_.size() - own.size() - 1) / 2;
    for (const size_t place : own) at += place <= at;
    return sorted_[at].first;
  }

 private:
  std::vector<std::pair<Duration, std::string_view>> sorted_;
  std::unordered_map<std::string_view, std::vector<size_t>> places_;  // by host, ascending
};

}  // namespace

void LagRange::add(Duration lag) {
  min = std::min(min, lag);
  max = std::max(max, lag);
  ++events;
}

void LagRange::add(const LagRange& other) {
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  events += other.events;
}

std::vector<HostLag> lags_of(const Batch& batch, Timestamp arrival) {
  std::vector<HostLag> out;
  for (const RowBatch& rows : batch.measurements()) {
    const Lane* service = text_lane(rows, "service");
    if (!service) continue;
    BatchLags lags(*service, text_lane(rows, "host"));
    lags.count(rows.times(), arrival);
    lags.append(out);
  }
  return out;
}

void LagLog::add(const std::vector<HostLag>& lags, Timestamp arrival) {
  if (lags.empty()) return;
  Interval& interval = intervals_[interval_of(arrival)];
  for (const HostLag& each : lags) {
    const auto known = interval.hosts.find({each.service, each.host});
    if (known != interval.hosts.end()) {
      known->second.add(each.lag);
    } else if (!each.service.empty() && interval.hosts.size() < kLagHostsMax) {
      interval.hosts.emplace(std::pair(each.service, each.host), each.lag);
    } else {
      interval.others.add(each.lag);
    }
  }
  if (intervals_.size() > kIntervalsMax) intervals_.erase(intervals_.begin());
}

bool LagLog::add_rows(Timestamp now, bool at_end, Batch& out) const {
  bool any = false;
  for (const auto& [number, interval] : intervals_) {
    if (!at_end && number == interval_of(now)) continue;
    any = true;
    const Timestamp start = number * kLagInterval;
    SmallestLags sorted;
    for (const auto& [name, lag] : interval.hosts) sorted.add(lag.min, name.second);
    sorted.sort();
    for (const auto& [name, lag] : interval.hosts) {
      LagRow row(start, out);
      row.tag("service", name.first);
      row.tag("host", name.second);
      row.lag(lag);
      const auto peers = sorted.median_of_peers(name.second);
      if (peers) row.integer("peers_lag_min_ms", *peers / kMillisecond);
    }
    if (interval.others.events == 0) continue;
    LagRow row(start, out);
    row.tag("host", kOtherHosts);
    row.lag(interval.others);
  }
  return any;
}

void LagLog::forget(Timestamp now, bool at_end) {
  std::erase_if(intervals_,
                [&](const auto& each) { return at_end || each.first != interval_of(now); });
}

}  // namespace tocsin
