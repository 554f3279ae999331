// Formats events as lines, parses these as the server does, and stores the rows.
#include "tools/detection/feed.h"

#include <algorithm>
#include <utility>

#include "net/parse/line_protocol.h"

namespace tocsin::detection {
namespace {

constexpr size_t kRequestBytes = size_t{1} << 20;

}  // namespace

Status Feed::load(Timestamp end) {
  TOCSIN_TRY(const Timestamp reached, take(end, false, true));
  TOCSIN_RETURN_IF_ERROR(database_.seal());  // returns after the callbacks of all writes
  clock_.set(reached);
  const MutexLock lock(mutex_);
  return failed_;
}

Result<Timestamp> Feed::play(Timestamp end, bool ordered) { return take(end, ordered, false); }

void Feed::next_tick() {
  tick_ = source_.next(tick_events_);
  for (generate::Label& label : source_.begun()) labels_.push_back(std::move(label));
}

bool Feed::is_orderly() const {
  return std::all_of(tick_events_.begin(), tick_events_.end(),
                     [&](const generate::Event& event) { return tick_.contains(event.time); });
}

Result<Timestamp> Feed::take(Timestamp end, bool ordered, bool bulk) {
  if (tick_.end == 0) next_tick();
  while (tick_.end <= end && !(ordered && !is_orderly())) {
    for (const generate::Event& event : tick_events_) formatter_.append(buffer_, event);
    event_count_ += tick_events_.size();
    if (bulk) clock_.set(tick_.end);  // or the database would refuse rows of the far future
    if (buffer_.size() >= kRequestBytes) TOCSIN_RETURN_IF_ERROR(write(bulk));
    next_tick();
  }
  TOCSIN_RETURN_IF_ERROR(write(bulk));
  return tick_.start;
}

Status Feed::write(bool bulk) {
  if (buffer_.size() == 0) return {};
  TOCSIN_TRY(WriteRequest request, parse_buffer());
  if (!bulk) {
    request.urgent = true;
    TOCSIN_TRY(const WriteReport report, database_.write(std::move(request)));
    if (report.rejected.empty()) return {};
    return fail(ErrorCode::kInvalid, "the database refused an event: " + report.rejected[0].reason);
  }
  request.bulk = true;
  return database_.submit(std::move(request), [this](const Result<WriteReport>& written) {
    const MutexLock lock(mutex_);
    if (!failed_) return;
    if (!written) {
      failed_ = tl::unexpected<Error>(written.error());
    } else if (!written->rejected.empty()) {
      failed_ = fail(ErrorCode::kInvalid,
                     "the database refused an event: " + written->rejected[0].reason);
    }
  });
}

Result<WriteRequest> Feed::parse_buffer() {
  WriteRequest request;
  request.source = "detection";
  const std::string_view lines = request.batch.keep(std::string(buffer_.view()));
  buffer_.clear();
  LineErrors errors;
  parse_line_protocol(lines, {}, request.batch, errors);
  if (!errors.empty())
    return fail(ErrorCode::kInvalid, "an event is not a line: " + errors[0].reason);
  return request;
}

}  // namespace tocsin::detection
