// A database in a temporary directory, a clock that is set by hand, and a rule engine: what the
// engine's tests play with.
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

  /// `count` events of a service in the measurement `audit`, spread over [from, to); written with
  /// the next advance.
  void events(const std::string& service, double from, double to, int count,
              const std::string& status = "SUCCESS");
  RuleLoadReport load(const std::string& text) { return engine->load({{"rules.yml", text}}); }
  /// Sets the clock and evaluates what is due.
  Timestamp advance(double minute);
  /// The same every `step` minutes, as a running daemon does.
  void run(double from, double to, double step = 1);
  /// Closes all and opens the database again, with the rules that `load` or `engine->load` is given
  /// then.
  void restart();

  /// All rows of `alerts` as `service:state@minute`, with ` late` behind late ones.
  std::vector<std::string> alerts(const std::string& where = "true");
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
