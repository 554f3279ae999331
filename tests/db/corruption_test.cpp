// Bits are flipped and files truncated at random: damage is harmless or reported, no answer is
// wrong, and `repair` recovers every row that was sealed in another file.
//
// TOCSIN_LONG=10000 runs 10,000 trials; TOCSIN_SEED=n starts with another seed.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/maintenance/maintenance.h"
#include "db/segment/fault_guard.h"
#include "tests/db/random_history.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;
using namespace testing;

constexpr int kTrialsPerDatabase = 100;

/// Rows of all measurements, in ascending order.
using Rows = std::vector<std::pair<std::string, RowText>>;

const std::vector<std::string>& measurements() {
  static const std::vector<std::string> names = {"m", "n", "later"};
  return names;
}

// ---- The database to be damaged ----

WriteRequest random_rows(std::mt19937_64& random, const std::string& measurement) {
  WriteRequest request;
  RowBatch& rows = request.batch.rows_of(measurement);
  for (size_t i = 5 + random() % 200; i > 0; --i) {
    rows.begin_row(kNoon - static_cast<int64_t>(random() % 2'000) * kMinute);
    const auto set_text = [&](const char* name, const std::string& text) {
      rows.set_string(rows.lane(name, ColumnType::kString, ColumnKind::kField, 0),
                      request.batch.copy(text));
    };
    rows.set_i64(rows.lane("n", ColumnType::kI64, ColumnKind::kField, 0),
                 static_cast<int64_t>(random() % 1'000));
    rows.set_f64(rows.lane("x", ColumnType::kF64, ColumnKind::kField, 0),
                 static_cast<double>(random() % 100'000) / 1'000);
    if (random() % 2 == 0) {
      rows.set_bool(rows.lane("b", ColumnType::kBool, ColumnKind::kField, 0), random() % 2 == 0);
    }
    set_text("service", "service-" + std::to_string(random() % 5));
    set_text("id", "id " + std::to_string(random()));
    set_text("message", "took " + std::to_string(random() % 1'000) + " ms of user " +
                            std::to_string(random() % 50));
  }
  request.changes.push_back(
      {SmallTable::kSources, "file " + std::to_string(random() % 20), std::to_string(random())});
  return request;
}

DatabaseOptions options_of(bool read_only) {
  static const ManualClock clock(kNoon);
  DatabaseOptions options;
  options.clock = &clock;
  options.read_only = read_only;
  return options;
}

void make_database(const std::string& directory, std::mt19937_64& random) {
  auto database = take(Database::open(directory, options_of(false)));
  const auto write = [&] {
    take(database->write(random_rows(random, random() % 3 == 0 ? "n" : "m")));
  };
  for (int i = 0; i < 16; ++i) {
    write();
    if (random() % 3 == 0) take(database->seal());
    if (random() % 12 == 0) take(database->compact({}));
  }
  take(database->seal());
  for (size_t i = random() % 6; i > 0; --i) write();  // these stay hot
}

Result<Rows> read_all(const Database& database) {
  Rows rows;
  for (const std::string& name : measurements()) {
    TOCSIN_TRY(const auto found, read_rows(database, name));
    for (const RowText& row : found) rows.emplace_back(name, row);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

/// The answers of the database before it is damaged.
struct Original {
  Rows all;
  std::map<std::string, Rows> sealed;  ///< by the path of the file, relative to the directory
  std::vector<std::string> files;      ///< relative to the directory
  std::vector<SmallEntry> sources;
};

Original read_original(const std::string& directory) {
  Original original;
  const auto database = take(Database::open(directory, options_of(true)));
  original.all = take(read_all(*database));
  original.sources = take(database->list(SmallTable::kSources, ""));
  for (const std::string& name : measurements()) {
    const auto snapshot = take(database->snapshot({{name}, {}}));
    for (const auto& segment : snapshot.segments) {
      if (!segment->info().sealed) continue;
      const std::string& place = segment->info().name;
      Rows& rows = original.sealed[place.substr(0, place.find('@'))];
      Snapshot one = snapshot;
      one.segments = {segment};
      for (const RowText& row : take(read_rows(one, name))) rows.emplace_back(name, row);
    }
  }
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    original.files.push_back(fs::relative(entry.path(), directory));
  }
  std::sort(original.files.begin(), original.files.end());
  return original;
}

// ---- Damage ----

struct Damage {
  std::string file;  ///< relative to the directory
  std::string what;
};

Damage damage(const std::string& directory, const Original& original, std::mt19937_64& random) {
  Damage out;
  // The catalog is one file of many, but the most important one.
  out.file = random() % 2 == 0 ? "catalog.mdb" : original.files[random() % original.files.size()];
  const std::string path = directory + "/" + out.file;
  const uint64_t size = fs::file_size(path);
  if (size == 0) return out;
  if (random() % 8 == 0) {
    fs::resize_file(path, random() % size);
    out.what =
        "truncated to " + std::to_string(fs::file_size(path)) + " of " + std::to_string(size);
    return out;
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  for (size_t i = random() % 4 == 0 ? 1 + random() % 8 : 1; i > 0; --i) {
    // One in four hits the first two pages, which are the catalog's roots.
    const uint64_t end = random() % 4 == 0 ? std::min<uint64_t>(size, 8192) : size;
    const uint64_t offset = random() % end;
    const int bit = static_cast<int>(random() % 8);
    file.seekg(static_cast<std::streamoff>(offset));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte ^ 1 << bit));
    out.what += "bit " + std::to_string(bit) + " of byte " + std::to_string(offset) + "; ";
  }
  return out;
}

// ---- Use of the damaged database, in child processes so that a crash is noticed ----

enum Outcome : int { kSame = 0, kReported = 1, kOnlyVerifyReported = 2, kWrong = 3 };

/// A child reports errors on standard error.
void report(const std::string& message) { std::fprintf(stderr, "%s\n", message.c_str()); }

int reported(const Error& error) {
  report(error.message);
  return kReported;
}

int wrong(const std::string& what) {
  report(what);
  return kWrong;
}

/// Describes how the returned rows differ from the stored ones.
std::string difference(const Rows& stored, const Rows& answered) {
  Rows lost, made_up;
  std::ranges::set_difference(stored, answered, std::back_inserter(lost));
  std::ranges::set_difference(answered, stored, std::back_inserter(made_up));
  return std::to_string(lost.size()) + " of " + std::to_string(stored.size()) + " rows are lost, " +
         std::to_string(made_up.size()) + " are invented";
}

int read_damaged(const std::string& directory, const Original& original) {
  {
    const auto database = Database::open(directory, options_of(true));
    if (!database) return reported(database.error());
    const auto rows = read_all(**database);
    if (!rows) return reported(rows.error());
    if (*rows != original.all) return wrong(difference(original.all, *rows));
    const auto sources = (*database)->list(SmallTable::kSources, "");
    if (!sources) return reported(sources.error());
    const bool same =
        std::ranges::equal(*sources, original.sources, {}, &SmallEntry::value, &SmallEntry::value);
    if (!same) return wrong("the small entries differ");
  }
  const auto verified = verify_database(directory, {});
  if (!verified) return reported(verified.error());
  for (const std::string& problem : verified->problems) report(problem);
  return verified->problems.empty() ? kSame : kOnlyVerifyReported;
}

/// Writes to a database whose damage was not noticed.
int write_damaged(const std::string& directory, const Original& original) {
  for (int round = 0; round < 2; ++round) {
    const auto opened = Database::open(directory, options_of(false));
    if (!opened) return reported(opened.error());
    Database& database = **opened;
    for (int i = 0; i < 3; ++i) {
      std::mt19937_64 random(static_cast<uint64_t>(round * 3 + i));
      const auto written = database.write(random_rows(random, "later"));
      if (!written) return reported(written.error());
    }
    const Status sealed = round == 0 ? database.seal() : database.compact({});
    if (!sealed) return reported(sealed.error());
    const auto rows = read_all(database);
    if (!rows) return reported(rows.error());
    Rows others;
    std::ranges::copy_if(*rows, std::back_inserter(others),
                         [](const auto& row) { return row.first != "later"; });
    if (others != original.all) return wrong("after writing " + difference(original.all, others));
  }
  return kSame;
}

int repair_damaged(const std::string& directory, const Original& original,
                   const std::string& damaged_file) {
  const auto repaired = repair_database(directory, {});
  if (!repaired) return reported(repaired.error());
  const auto database = Database::open(directory, options_of(true));
  if (!database) return reported(database.error());
  const auto rows = read_all(**database);
  if (!rows) return reported(rows.error());
  if (!std::ranges::includes(original.all, *rows)) return wrong("repair invented rows");
  for (const auto& [file, sealed] : original.sealed) {
    if (file == damaged_file) continue;
    Rows needed = sealed;
    std::sort(needed.begin(), needed.end());
    if (!std::ranges::includes(*rows, needed)) return wrong("repair lost rows of " + file);
  }
  const auto verified = verify_database(directory, {});
  if (!verified) return reported(verified.error());
  for (const std::string& problem : verified->problems) report(problem);
  return verified->problems.empty() ? kSame : kReported;
}

struct ChildReport {
  int outcome = 0;  ///< -1 when a signal ended the child
  std::string text;
};

ChildReport run_in_child(const std::string& report_path, const std::function<int()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (int n : {SIGTERM, SIGINT, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) ::signal(n, SIG_DFL);
    std::freopen(report_path.c_str(), "w", stderr);
    ::alarm(60);
    install_fault_guard();
    int outcome = 0;
    // A thread allocates from a new arena; the inherited heap would be copied page by page.
    std::thread([&] { outcome = work(); }).join();
    std::fflush(stderr);
    ::_exit(outcome);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::ifstream file(report_path);
  ChildReport result{WIFEXITED(status) ? WEXITSTATUS(status) : -1, ""};
  if (WIFSIGNALED(status)) result.text = "signal " + std::to_string(WTERMSIG(status)) + "\n";
  result.text += std::string(std::istreambuf_iterator<char>(file), {});
  return result;
}

/// Whether a report names what is damaged, or says what to do.
bool is_clear(const std::string& text, const std::string& file) {
  if (file.ends_with(".seg")) return text.find(file) != std::string::npos;
  return text.find("tocsin repair") != std::string::npos;
}

class Trials {
 public:
  explicit Trials(unsigned seed) : random_(seed) {
    make_database(source_.path(), random_);
    original_ = read_original(source_.path());
  }

  void run() {
    copy();
    const Damage done = damage(target(), original_, random_);
    INFO(done.file << ": " << done.what);
    const ChildReport read = in_child([&] { return read_damaged(target(), original_); });
    CAPTURE(read.text);
    REQUIRE((read.outcome == kSame || read.outcome == kReported ||
             read.outcome == kOnlyVerifyReported));
    if (read.outcome == kSame) {
      const ChildReport written = in_child([&] { return write_damaged(target(), original_); });
      CAPTURE(written.text);
      REQUIRE((written.outcome == kSame || written.outcome == kReported));
      if (written.outcome == kReported) REQUIRE(is_clear(written.text, done.file));
      return;
    }
    ++reported_count;
    REQUIRE(is_clear(read.text, done.file));
    const ChildReport repaired =
        in_child([&] { return repair_damaged(target(), original_, done.file); });
    CAPTURE(repaired.text);
    REQUIRE(repaired.outcome == kSame);
  }

  int reported_count = 0;

 private:
  std::string target() const { return scratch_.path("data"); }
  void copy() const {
    fs::remove_all(target());
    fs::copy(source_.path(), target(), fs::copy_options::recursive);
  }
  ChildReport in_child(const std::function<int()>& work) const {
    return run_in_child(scratch_.path("report"), work);
  }

  std::mt19937_64 random_;
  const test::TemporaryFolder source_, scratch_;
  Original original_;
};

TEST_CASE("database: random damage is harmless or reported, and can be repaired", "[db]") {
  const unsigned first = first_seed();
  const int count = trial_count(200);
  int reported_count = 0;
  for (int done = 0; done < count; done += kTrialsPerDatabase) {
    const unsigned seed = first + static_cast<unsigned>(done / kTrialsPerDatabase);
    INFO("seed " << seed);
    Trials trials(seed);
    for (int i = 0; i < std::min(kTrialsPerDatabase, count - done); ++i) {
      INFO("trial " << i);
      trials.run();
    }
    reported_count += trials.reported_count;
  }
  CHECK(reported_count > count / 10);  // otherwise nothing was tested
}

}  // namespace
}  // namespace tocsin
