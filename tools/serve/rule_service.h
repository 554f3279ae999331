// Runs the rule engine beside the server: its thread, and reloading of rule files.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "rules/engine.h"

namespace tocsin {

/// All functions may be called from any thread. `engine` and `clock` must outlive it.
class RuleService {
 public:
  /// `globs` as in read_rule_files.
  RuleService(RuleEngine& engine, const Clock& clock, std::vector<std::string> globs);
  ~RuleService();  ///< as stop()

  /// Reads the rule files again and says in one line what changed. A glob without a file leaves
  /// every rule as it is; a broken file leaves those of its own that ran before, and is logged.
  Result<std::string> reload();

  /// Begins to evaluate, and to look for changed files every few seconds.
  void start();
  /// Ends the thread once the window that is being evaluated is done.
  void stop();

  size_t rule_count() const { return rule_count_.load(); }

 private:
  void run();
  void reload_if_changed();
  void note_caught_up();

  RuleEngine& engine_;
  const Clock& clock_;
  const std::vector<std::string> globs_;
  std::atomic<bool> stopped_{false};
  std::atomic<size_t> rule_count_{0};
  bool caught_up_ = false;  // of the thread alone
  std::thread thread_;

  std::mutex mutex_;  // guards all below; held while rules are loaded
  std::condition_variable wake_;
  std::string loaded_stamp_;   ///< names, sizes and times of the files when they were read last
  std::string changed_stamp_;  ///< the same when a change was seen, and when that was
  std::chrono::steady_clock::time_point changed_at_;
};

}  // namespace tocsin
