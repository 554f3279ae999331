// Runs the rule engine next to the server: its thread, and the reloading of rule files.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "config/settings.h"
#include "db/base/mutex.h"
#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "rules/engine.h"
#include "rules/warning_log.h"

namespace tocsin {

/// All functions may be called from any thread. All references must outlive it.
class RuleService {
 public:
  /// `files` as in read_rule_files.
  RuleService(RuleEngine& engine, const Database& database, const Clock& clock, RuleSettings files);
  ~RuleService();  ///< as stop()

  /// Reads the rule files again and returns one line that describes the changes. If a glob matches
  /// nothing, all rules stay unchanged; if a file is invalid, its previous rules do, and its errors
  /// are logged.
  Result<std::string> reload();

  /// The same with other files and options, which stay only if rule files are found.
  Result<std::string> change(RuleSettings files, const RuleEngineOptions& options);

  /// Starts the thread, which evaluates rules and checks for changed files every few seconds.
  void start();
  /// Stops the thread after the window that it is evaluating.
  void stop();

  size_t rule_count() const { return rule_count_.load(); }

 private:
  Result<std::string> load(const RuleSettings& files, const RuleEngineOptions* options)
      TOCSIN_REQUIRES(mutex_);
  void run();
  void reload_if_changed();
  void note_caught_up();

  RuleEngine& engine_;
  const Database& database_;
  const Clock& clock_;
  std::atomic<bool> stopped_{false};
  std::atomic<size_t> rule_count_{0};
  bool caught_up_ = false;  // used by the thread only
  std::thread thread_;

  Mutex mutex_;  // held while rules are loaded
  ConditionVariable wake_;
  RuleSettings files_ TOCSIN_GUARDED_BY(mutex_);
  WarningLog warning_log_ TOCSIN_GUARDED_BY(mutex_);
  /// Names, sizes and times of the rule files when they were last read.
  std::string loaded_stamp_ TOCSIN_GUARDED_BY(mutex_);
  /// The same when the last change was noticed, and the time of that.
  std::string changed_stamp_ TOCSIN_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point changed_at_ TOCSIN_GUARDED_BY(mutex_);
};

}  // namespace tocsin
