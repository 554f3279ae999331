// The evaluation thread and the reloading of rule files.
#include "tools/serve/rule_service.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include "db/base/log.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

constexpr Duration kPollInterval = 2 * kSecond;  // of rule files and of the clock
constexpr std::chrono::seconds kSettle{1};       // after the last change of a rule file

std::string changes(const char* verb, const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format(", {} {}", verb, fmt::join(names, " "));
}

/// One line, such as `rules: 7 in total, added CheckoutSlow, 1 error, the first: ...`.
std::string describe(const RuleLoadReport& report, size_t rule_count) {
  std::string line = fmt::format("rules: {} in total", rule_count);
  if (report.inhibit_rule_count > 0) {
    line += fmt::format(", {} inhibit rule{}", report.inhibit_rule_count,
                        report.inhibit_rule_count == 1 ? "" : "s");
  }
  line += changes("added", report.added) + changes("changed", report.changed) +
          changes("removed", report.removed);
  if (report.added.empty() && report.changed.empty() && report.removed.empty()) {
    line += ", nothing changed";
  }
  if (!report.errors.empty()) {
    line += fmt::format(", {} error{}, the first: {}", report.errors.size(),
                        report.errors.size() == 1 ? "" : "s", report.errors.front());
  }
  return line;
}

/// Changes whenever a file that matches the globs is added, removed, modified, or gets another
/// mode.
std::string stamp_of(const std::vector<std::string>& globs) {
  std::string stamp;
  for (const std::string& path : find_rule_files(globs)) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
      stamp += path + '\n';
      continue;
    }
    stamp += fmt::format("{}:{}:{}.{:09}:{}.{:09}\n", path, status.st_size, status.st_mtim.tv_sec,
                         status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
  }
  return stamp;
}

/// Whether there is a measurement that is not Tocsin's own.
bool has_events(const Database& database) {
  const auto catalog = database.catalog();
  return std::ranges::any_of(catalog->measurements, [](const auto& measurement) {
    return !is_reserved_measurement(measurement.first);
  });
}

}  // namespace

RuleService::RuleService(RuleEngine& engine, const Database& database, const Clock& clock,
                         RuleSettings files)
    : engine_(engine), database_(database), clock_(clock), files_(std::move(files)) {}

RuleService::~RuleService() { stop(); }

Result<std::string> RuleService::reload() {
  const MutexLock lock(mutex_);
  // Before reading, so that a change during it is noticed later.
  loaded_stamp_ = stamp_of(files_.files);
  return load(files_, nullptr);
}

Result<std::string> RuleService::change(RuleSettings files, const RuleEngineOptions& options) {
  const MutexLock lock(mutex_);
  std::string stamp = stamp_of(files.files);
  TOCSIN_TRY(std::string changes, load(files, &options));
  files_ = std::move(files);
  loaded_stamp_ = std::move(stamp);
  return changes;
}

Result<std::string> RuleService::load(const RuleSettings& files, const RuleEngineOptions* options) {
  TOCSIN_TRY(const std::vector<RuleFile> read, read_rule_files(files));
  const RuleLoadReport report = engine_.load(read, options);
  for (const std::string& error : report.errors) log(LogLevel::kError, "rules: " + error);
  const bool events = has_events(database_);
  for (const std::string& warning : warning_log_.new_lines(report, events)) {
    log(LogLevel::kWarning, "rules: " + warning);
  }
  if (!events) {
    log(LogLevel::kInfo, "rules: no events are stored yet, so there is nothing to evaluate");
  }
  rule_count_ = engine_.status().size();
  wake_.notify_all();
  return describe(report, rule_count_);
}

void RuleService::start() {
  thread_ = std::thread([this] { run(); });
}

void RuleService::stop() {
  stopped_ = true;
  {
    const MutexLock lock(mutex_);  // so that the thread is either waiting or sees `stopped_`
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void RuleService::run() {
  while (!stopped_) {
    const Timestamp next_due = engine_.evaluate_due(&stopped_);
    note_caught_up();
    reload_if_changed();
    const MutexLock lock(mutex_);
    const Duration wait =
        std::clamp<Duration>(next_due - clock_.now(), kMillisecond, kPollInterval);
    if (!stopped_) {
      wake_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::nanoseconds(wait));
    }
  }
}

/// Logs once that all past windows have been evaluated, for scripts that wait for it.
void RuleService::note_caught_up() {
  if (caught_up_ || stopped_) return;
  const Timestamp now = clock_.now();
  for (const RuleStatus& rule : engine_.status()) {
    if (rule.last_window_end == 0 || rule.next_due <= now) return;
  }
  caught_up_ = true;
  log(LogLevel::kInfo, "rules are up to date");
}

// Waits until the files have not changed for a moment: a file that is being written may be empty,
// and its rules must not be removed because of that.
void RuleService::reload_if_changed() {
  {
    const MutexLock lock(mutex_);
    std::string stamp = stamp_of(files_.files);
    if (stamp == loaded_stamp_) return;
    const auto now = std::chrono::steady_clock::now();
    if (stamp != changed_stamp_) {
      changed_stamp_ = std::move(stamp);
      changed_at_ = now;
    }
    if (now - changed_at_ < kSettle) return;
  }
  const auto line = reload();
  if (line) return log(LogLevel::kInfo, *line);
  log(LogLevel::kError, "rules not reloaded: " + line.error().message);
}

}  // namespace tocsin
