// Random histories of a database beside a naive model of it: what was accepted must come back.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "db/database.h"
#include "tests/db/db_support.h"

namespace tocsin::testing {

/// How often a random test runs: `quick` times, or as often as the environment's TOCSIN_LONG says.
int trial_count(int quick);
/// The first seed: 1, or the environment's TOCSIN_SEED.
unsigned first_seed();

/// A value as it was given: its type, and the value in every form that a column may ask for.
struct ModelValue {
  ColumnType type = ColumnType::kI64;
  int64_t i64 = 0;
  uint64_t u64 = 0;
  double f64 = 0;
  std::string text;

  /// As db_support's RowText shows it in a column of that type.
  std::string as(ColumnType column) const;
};

/// Writes, seals, compacts, lets time pass, drops what is too old, and opens anew, at random.
class RandomHistory {
 public:
  struct Options {
    size_t rows_max = 60;        ///< of most writes
    size_t large_rows = 20'000;  ///< of a few, which go to a file at once
  };

  RandomHistory(std::string directory, unsigned seed, Options options);
  ~RandomHistory();

  void run(int steps);
  /// All that was accepted, and not dropped, is there, and nothing else. Commits what is pending.
  void check();
  void seal();
  void compact();
  void open();
  void close();
  /// Waits until the database has dropped what is too old now, and forgets it as well.
  void drop_expired();

  const std::string& directory() const { return directory_; }
  const DatabaseOptions& options() const { return options_; }
  Database& database() { return *database_; }
  /// The rows that a database must hold, as read_rows() shows them, in ascending order.
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
  std::unique_ptr<Database> database_;            // behind rows_: its callbacks write to them
};

/// Whether a database in `directory` holds exactly the history's rows; the first difference in
/// words, or the error that reading met, else empty.
std::string difference(const RandomHistory& history, const std::string& directory);

}  // namespace tocsin::testing
