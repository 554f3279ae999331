// The fixture of the engine's tests: a database in a temporary directory, a clock that the test
// sets, and a rule engine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "db/database.h"
#include "query/query.h"
#include "rules/engine.h"
#include "tests/support/temporary_folder.h"

namespace tocsin {

/// Times are minutes since `start()`, an even hour.
class RuleWorld {
 public:
  explicit RuleWorld(RuleEngineOptions options = default_options());
  ~RuleWorld();

  static RuleEngineOptions default_options();
  static Timestamp start() { return 20'000 * kDay; }
  static Timestamp at(double minute) {
    return start() + static_cast<Duration>(minute * static_cast<double>(kMinute));
  }

  /// Adds `count` events of a service to the measurement `audit`, spread over [from, to). They are
  /// written by the next advance().
  void events(const std::string& service, double from, double to, int count,
              const std::string& status = "SUCCESS");
  RuleLoadReport load(const std::string& text) { return engine->load({{"rules.yml", text}}); }
  /// Sets the clock and evaluates what is due.
  Timestamp advance(double minute);
  /// Calls advance() every `step` minutes, as a running server does.
  void run(double from, double to, double step = 1);
  /// Closes everything and opens the database again. Rules must be loaded again afterwards.
  void restart();

  /// All rows of `alerts` as `service:state@minute`, with ` late` after late ones.
  std::vector<std::string> alerts(const std::string& where = "true");
  /// How many rows `where` selects in `alerts`, also if no alert has a service yet.
  size_t alert_count(const std::string& where);
  std::vector<SmallEntry> outbox();
  RuleStatus status(const std::string& rule);

  RuleEngineOptions options;
  ManualClock clock;
  std::unique_ptr<Database> database;
  std::unique_ptr<QueryEngine> queries;
  std::unique_ptr<RuleEngine> engine;

 private:
  void open();
  void write_events();
  test::TemporaryFolder folder_;
  WriteRequest pending_;
};

}  // namespace tocsin
