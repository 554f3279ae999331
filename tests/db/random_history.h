// Random histories of a database next to a naive model of it: accepted rows must come back.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "db/database.h"
#include "tests/db/db_support.h"

namespace tocsin::testing {

/// How often a random test runs: TOCSIN_LONG times if the environment sets it, else `quick` times.
int trial_count(int quick);
/// The first seed: TOCSIN_SEED if the environment sets it, else 1.
unsigned first_seed();

/// A value as it was written: its type, and the value in every form that a column may store.
struct ModelValue {
  ColumnType type = ColumnType::kI64;
  int64_t i64 = 0;
  uint64_t u64 = 0;
  double f64 = 0;
  std::string text;

  /// As db_support's RowText shows it in a column of that type.
  std::string as(ColumnType column) const;
};

/// Writes, seals, compacts, lets time pass, drops expired days, and reopens, at random.
class RandomHistory {
 public:
  struct Options {
    size_t rows_max = 60;        ///< of most writes
    size_t large_rows = 20'000;  ///< of a few, which go directly to a file
  };

  RandomHistory(std::string directory, unsigned seed, Options options);
  ~RandomHistory();

  void run(int steps);
  /// Checks that exactly the accepted rows that have not expired are there. Commits what is
  /// pending.
  void check();
  void seal();
  void compact();
  void open();
  void close();
  /// Waits until the database has dropped the expired days, and removes them from the model.
  void drop_expired();

  const std::string& directory() const { return directory_; }
  const DatabaseOptions& options() const { return options_; }
  Database& database() { return *database_; }
  /// The rows that a database must contain, as read_rows() returns them, in ascending order.
  std::vector<RowText> expected_rows(const Catalog& catalog, const std::string& measurement) const;
  size_t row_count() const;
  size_t pick(size_t below) { return random_() % below; }

 private:
  struct Row {
    Timestamp time = 0;
    std::map<std::string, ModelValue> values;
  };

  void step();
  void write(size_t row_count, bool bulk);
  void let_time_pass();
  ModelValue make_value(size_t kind);
  std::string make_text(size_t kind);

  const std::string directory_;
  const Options sizes_;
  std::mt19937_64 random_;
  ManualClock clock_;
  DatabaseOptions options_;
  std::map<std::string, std::vector<Row>> rows_;  // by measurement
  std::vector<std::string> write_errors_;         // of bulk writes, whose callbacks must not assert
  std::unique_ptr<Database> database_;  // destroyed first: its callbacks write to the members above
};

/// Empty if a database in `directory` contains exactly the history's rows; otherwise the first
/// difference in words, or the error of reading.
std::string difference(const RandomHistory& history, const std::string& directory);

}  // namespace tocsin::testing
