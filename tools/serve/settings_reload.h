// Reads the configuration file again while the server runs, and applies what can change.
#pragma once

#include <functional>
#include <string>

#include "config/settings.h"
#include "db/base/mutex.h"
#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "net/server.h"
#include "tools/serve/rule_service.h"

namespace tocsin {

/// All functions may be called from any thread. All references must outlive it.
class SettingsReload {
 public:
  /// `read` returns the settings as they would be at a start now; `running` are those in use.
  SettingsReload(std::function<Result<Settings>()> read, Settings running, RuleService& rules,
                 Database& database, const Clock& clock)
      : read_(std::move(read)),
        running_(std::move(running)),
        rules_(rules),
        database_(database),
        clock_(clock) {}

  /// Reads settings and rule files. Returns one line that names what changed, and the settings that
  /// need a restart. If a setting is wrong or no rule file is found, nothing changes.
  Result<std::string> run(Server& server);

 private:
  const std::function<Result<Settings>()> read_;
  Mutex mutex_;  // one reload at a time
  Settings running_ TOCSIN_GUARDED_BY(mutex_);
  RuleService& rules_;
  Database& database_;
  const Clock& clock_;
};

}  // namespace tocsin
