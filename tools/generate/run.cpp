// The loop over ticks: formats, writes and labels events, and in live mode waits for the clock.
#include "tools/generate/run.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>

#include "db/base/system_error.h"
#include "tools/generate/worlds/catalog.h"

namespace tocsin::generate {
namespace {

constexpr size_t kFlushBytes = size_t{1} << 20;
constexpr Duration kNap = 100 * kMillisecond;  // so that `stop` is noticed

class Runner {
 public:
  Runner(const RunOptions& options, EventSource& source, Sink& sink)
      : options_(options),
        sink_(sink),
        source_(source),
        formatter_(options.format, sink.mixed(), source.estate()) {}

  Result<RunReport> run() {
    TOCSIN_RETURN_IF_ERROR(open_labels());
    source_.seek(options_.start);
    report_.end = options_.start;
    report_.time_zone = source_.estate().time_zone;
    while (report_.end < options_.end && !stopped()) TOCSIN_RETURN_IF_ERROR(play_tick());
    TOCSIN_RETURN_IF_ERROR(flush());
    if (options_.live) TOCSIN_RETURN_IF_ERROR(play_live());
    return report_;
  }

 private:
  using LabelFile = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }

  Status play_live() {
    const Timestamp begun = SystemClock().now();
    const Timestamp end = *options_.live == 0 ? kTimeMax : begun + *options_.live;
    // A tick is written when it is over, so that no event is ever in the future.
    while (wait_until(std::min(end, report_.end + options_.world.interval)) &&
           SystemClock().now() < end) {
      TOCSIN_RETURN_IF_ERROR(play_tick());
      TOCSIN_RETURN_IF_ERROR(flush());
    }
    return {};
  }

  /// False if the run was stopped.
  bool wait_until(Timestamp t) const {
    for (Timestamp now = SystemClock().now(); now < t && !stopped(); now = SystemClock().now()) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(t - now, kNap)));
    }
    return !stopped();
  }

  Status play_tick() {
    const TimeRange tick = source_.next(events_);
    if (tick.start / kDay != day_) {
      TOCSIN_RETURN_IF_ERROR(flush());
      day_ = tick.start / kDay;
    }
    for (const Event& event : events_) {
      if (!options_.types[static_cast<size_t>(event.type)]) continue;
      formatter_.append(buffer_of(event.type), event);
      ++report_.event_count;
    }
    report_.end = tick.end;
    TOCSIN_RETURN_IF_ERROR(write_labels());
    for (const TextBuffer& buffer : buffers_) {
      if (buffer.size() >= kFlushBytes) return flush();
    }
    return {};
  }

  TextBuffer& buffer_of(LogType type) {
    return buffers_[sink_.mixed() ? 0 : static_cast<size_t>(type)];
  }

  Status flush() {
    for (size_t i = 0; i < buffers_.size(); ++i) {
      if (buffers_[i].size() == 0) continue;
      TOCSIN_RETURN_IF_ERROR(sink_.write(static_cast<LogType>(i), day_ * kDay, buffers_[i].view()));
      report_.byte_count += buffers_[i].size();
      buffers_[i].clear();
    }
    return {};
  }

  Status open_labels() {
    if (options_.labels_path.empty()) return {};
    // It is often in the folder of the files, which does not exist yet.
    const auto folder = std::filesystem::path(options_.labels_path).parent_path();
    std::error_code ignored;  // fopen() says what is wrong
    if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
    labels_.reset(std::fopen(options_.labels_path.c_str(), "ae"));
    return labels_ != nullptr ? Status() : labels_failed("opening");
  }

  Status write_labels() {
    const std::vector<Label> begun = source_.begun();
    for (const Label& label : begun) {
      report_.anomaly_count += label.duty != Duty::kQuiet;
      report_.weak_count += label.duty == Duty::kWeak;
      report_.optional_count += label.duty == Duty::kOptional;
    }
    if (labels_ == nullptr || begun.empty()) return {};
    for (const Label& label : begun) {
      if (std::fputs((label_line(label) + "\n").c_str(), labels_.get()) == EOF)
        return labels_failed("writing");
    }
    return std::fflush(labels_.get()) == 0 ? Status() : labels_failed("writing");
  }

  Status labels_failed(const char* attempt) const {
    return system_error(attempt, "the labels file " + options_.labels_path, errno);
  }

  const RunOptions& options_;
  Sink& sink_;
  EventSource& source_;
  Formatter formatter_;
  std::vector<Event> events_;
  std::array<TextBuffer, kLogTypeCount> buffers_;
  LabelFile labels_{nullptr, &std::fclose};
  int64_t day_ = 0;
  RunReport report_;
};

}  // namespace

Result<RunReport> run(const RunOptions& options, Sink& sink) {
  TOCSIN_TRY(const std::unique_ptr<EventSource> source, make_source(options.world));
  return Runner(options, *source, sink).run();
}

}  // namespace tocsin::generate
