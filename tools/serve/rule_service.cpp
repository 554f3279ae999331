// Evaluation thread and reload.
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

constexpr Duration kPollInterval = 2 * kSecond;  // of rule files, and of the clock
constexpr std::chrono::seconds kSettle{1};       // since a rule file was changed last

std::string changes(const char* verb, const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format(", {} {}", verb, fmt::join(names, " "));
}

/// One line, e.g. `rules: 7 in all, added CheckoutSlow, 1 mistake`.
std::string describe(const RuleLoadReport& report, size_t rule_count) {
  std::string line = fmt::format("rules: {} in all", rule_count);
  line += changes("added", report.added) + changes("changed", report.changed) +
          changes("removed", report.removed);
  if (report.added.empty() && report.changed.empty() && report.removed.empty()) {
    line += ", nothing changed";
  }
  if (!report.errors.empty()) {
    line +=
        fmt::format(", {} with mistakes, first: {}", report.errors.size(), report.errors.front());
  }
  return line;
}

/// On a new database every rule warns of measurements that do not exist yet: one line is enough.
void log_warnings(const std::vector<std::string>& warnings) {
  if (warnings.empty()) return;
  std::string line = "rules: " + warnings.front();
  if (warnings.size() > 1) line += fmt::format(" (and {} warnings like it)", warnings.size() - 1);
  log(LogLevel::kWarning, line);
}

/// Differs whenever a file that the globs find came, went, changed, or may be read by others.
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

}  // namespace

RuleService::RuleService(RuleEngine& engine, const Clock& clock, std::vector<std::string> globs)
    : engine_(engine), clock_(clock), globs_(std::move(globs)) {}

RuleService::~RuleService() { stop(); }

Result<std::string> RuleService::reload() {
  const std::lock_guard lock(mutex_);
  loaded_stamp_ = stamp_of(globs_);  // before reading: a change meanwhile is found later
  TOCSIN_TRY(const std::vector<RuleFile> files, read_rule_files(globs_));
  const RuleLoadReport report = engine_.load(files);
  for (const std::string& error : report.errors) log(LogLevel::kError, "rules: " + error);
  log_warnings(report.warnings);
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
    const std::lock_guard lock(mutex_);  // so that the thread is either waiting or sees `stopped_`
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void RuleService::run() {
  while (!stopped_) {
    const Timestamp next_due = engine_.evaluate_due(&stopped_);
    note_caught_up();
    reload_if_changed();
    std::unique_lock lock(mutex_);
    const Duration wait =
        std::clamp<Duration>(next_due - clock_.now(), kMillisecond, kPollInterval);
    if (!stopped_) wake_.wait_for(lock, std::chrono::nanoseconds(wait));
  }
}

/// Says once that no window of the past is left, for whoever waits for it.
void RuleService::note_caught_up() {
  if (caught_up_ || stopped_) return;
  const Timestamp now = clock_.now();
  for (const RuleStatus& rule : engine_.status()) {
    if (rule.last_window_end == 0 || rule.next_due <= now) return;
  }
  caught_up_ = true;
  log(LogLevel::kInfo, "rules are up to date");
}

// Not before the files have been left alone for a moment: one that is being written may be empty,
// and its rules must not be removed for that.
void RuleService::reload_if_changed() {
  {
    const std::lock_guard lock(mutex_);
    std::string stamp = stamp_of(globs_);
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
