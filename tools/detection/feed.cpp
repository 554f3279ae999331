// Formats events as lines, parses these as the server does, and stores the rows.
#include "tools/detection/feed.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "net/parse/line_protocol.h"

namespace tocsin::detection {
namespace {

constexpr size_t kRequestBytes = size_t{1} << 20;

/// A refused event is an error of the generator or of the store.
Status check_written(const Result<WriteReport>& written) {
  if (!written) return tl::unexpected<Error>(written.error());
  if (written->rejected.empty()) return {};
  return fail(ErrorCode::kInvalid, "the database refused an event: " + written->rejected[0].reason);
}

}  // namespace

void Feed::next_tick() {
  tick_ = source_.next(tick_events_);
  for (generate::Label& label : source_.begun()) labels_.push_back(std::move(label));
}

bool Feed::is_orderly() const {
  return std::all_of(tick_events_.begin(), tick_events_.end(),
                     [&](const generate::Event& event) { return tick_.contains(event.time); });
}

Result<Timestamp> Feed::play(Timestamp end, bool ordered) {
  if (tick_.end == 0) next_tick();
  while (tick_.end <= end && !(ordered && !is_orderly())) {
    for (const generate::Event& event : tick_events_) formatter_.append(buffer_, event);
    event_count_ += tick_events_.size();
    clock_.set(tick_.end);
    count_lags();
    if (buffer_.size() >= kRequestBytes) TOCSIN_RETURN_IF_ERROR(write_bulk());
    next_tick();
  }
  const bool stopped_early = tick_.end <= end;  // the next call stores the rest
  if (in_bulk_ || !stopped_early) TOCSIN_RETURN_IF_ERROR(write_rest());
  return tick_.start;
}

/// An event arrives at the end of its tick.
void Feed::count_lags() {
  constexpr unsigned kHostBits = 16;
  for (const generate::Event& event : tick_events_) {
    lags_[uint32_t{event.service} << kHostBits | event.host].add(tick_.end - event.time);
  }
  if (tick_.end % kLagInterval != 0) return;
  std::vector<HostLag> lags;
  for (const auto& [key, lag] : std::exchange(lags_, {})) {
    const std::string& service = source_.estate().services[key >> kHostBits].name;
    lags.push_back({service, fmt::format("{}-{}", service, key & 0xffff), lag});
  }
  LagLog log;
  log.add(lags, tick_.start);
  log.add_rows(tick_.end, true, lag_rows_);
}

/// Much is written in bulk, which makes whole segments at once.
Status Feed::write_bulk() {
  TOCSIN_TRY(WriteRequest request, parse_buffer());
  request.bulk = true;
  in_bulk_ = true;
  return database_.submit(std::move(request), [this](const Result<WriteReport>& written) {
    const MutexLock lock(mutex_);
    if (failed_) failed_ = check_written(written);
  });
}

Status Feed::write_rest() {
  if (in_bulk_) {
    if (buffer_.size() > 0) TOCSIN_RETURN_IF_ERROR(write_bulk());
    in_bulk_ = false;
    TOCSIN_RETURN_IF_ERROR(database_.seal());  // returns after the callbacks of all writes
    const MutexLock lock(mutex_);
    return failed_;
  }
  if (buffer_.size() == 0) return {};
  TOCSIN_TRY(WriteRequest request, parse_buffer());
  request.urgent = true;
  return check_written(database_.write(std::move(request)));
}

Result<WriteRequest> Feed::parse_buffer() {
  WriteRequest request;
  request.source = "detection";
  request.allow_reserved = true;
  request.batch = std::exchange(lag_rows_, Batch());
  const std::string_view lines = request.batch.keep(std::string(buffer_.view()));
  buffer_.clear();
  LineErrors errors;
  parse_line_protocol(lines, {}, request.batch, errors);
  if (!errors.empty())
    return fail(ErrorCode::kInvalid, "an event is not a line: " + errors[0].reason);
  return request;
}

}  // namespace tocsin::detection
