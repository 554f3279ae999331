// `tocsin verify`, `repair`, `compact` and `backup`: work on a whole database.
#include <memory>

#include <fmt/format.h>

#include "db/maintenance/maintenance.h"
#include "tools/command.h"
#include "tools/terminal/progress_bar.h"
#include "tools/terminal/text.h"

namespace tocsin {
namespace {

constexpr const char* kVerifyFooter =
    R"(Reads every checksum and every value; a server may write meanwhile. Exit code 1 when something is
damaged.

Example:
  tocsin verify --db tocsin-data)";

constexpr const char* kRepairFooter =
    R"(Makes a new catalog from the segment files and from what can be read of the old one, which stays
beside it as catalog.mdb.damaged-1. Rows that were sealed come back; rows of the last minutes do while
the catalog can be read. Stop the server first.

Example:
  tocsin repair --db tocsin-data)";

constexpr const char* kCompactFooter =
    R"(A server does this by itself as segments gather; by hand it is for a database that none has open.

Example:
  tocsin compact --db tocsin-data)";

constexpr const char* kBackupFooter =
    R"(A consistent copy, also while a server writes. Into the folder of an earlier backup only what is new
is copied. A backup is a database: query it, or serve it, in place.

Examples:
  tocsin backup --db tocsin-data /backup/tocsin
  tocsin query --db /backup/tocsin 'from * last 1d | stats n = count() by measurement')";

std::string megabytes(uint64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

Status verify(const std::string& directory) {
  VerifyReport report;
  {
    ProgressBar bar("verifying");
    TOCSIN_TRY(report, verify_database(directory, [&](uint64_t done, uint64_t total) {
                 bar.show(done, total);
               }));
  }
  for (const std::string& problem : report.problems) fmt::print("{}\n", problem);
  fmt::print("{} segments, {} rows, {} read\n", grouped(report.segment_count),
             grouped(report.row_count), megabytes(report.byte_size));
  if (report.unlisted_bytes > 0) {
    fmt::print("{} behind the listed segments, left by crashes: harmless\n",
               megabytes(report.unlisted_bytes));
  }
  if (report.problems.empty()) {
    fmt::print("no damage found\n");
    return {};
  }
  return fail(ErrorCode::kCorrupt,
              fmt::format("{} damaged {}; `tocsin repair --db {}` keeps all that is whole",
                          report.problems.size(), report.problems.size() == 1 ? "place" : "places",
                          directory));
}

Status repair(const std::string& directory) {
  RepairReport report;
  {
    ProgressBar bar("repairing");
    TOCSIN_TRY(report, repair_database(directory, [&](uint64_t done, uint64_t total) {
                 bar.show(done, total);
               }));
  }
  fmt::print("the old catalog {}\n", report.old_catalog.empty() ? "was missing"
                                     : report.was_intact        ? "was readable throughout"
                                                                : "was damaged");
  fmt::print("{} segments with {} rows are listed; {} of them were in the catalog only\n",
             grouped(report.segment_count), grouped(report.row_count),
             grouped(report.hot_segment_count));
  if (report.mended_count > 0) {
    fmt::print("{} had damage outside their values and were copied\n",
               grouped(report.mended_count));
  }
  fmt::print("{} file positions, rule states and alerts to deliver were kept\n",
             grouped(report.small_entry_count));
  for (const std::string& name : report.left_out) fmt::print("lost: {}\n", name);
  if (!report.old_catalog.empty()) {
    fmt::print("the old catalog is {}/{}; remove it when you are content\n", directory,
               report.old_catalog);
  }
  return {};
}

Status compact(const std::string& directory) {
  DatabaseOptions options;
  options.create = false;
  TOCSIN_TRY(const auto database, Database::open(directory, options));
  const auto count = [&]() -> Result<std::pair<uint64_t, uint64_t>> {
    std::pair<uint64_t, uint64_t> out;
    SnapshotScope scope;
    for (const auto& [name, measurement] : database->catalog()->measurements) {
      scope.measurements.push_back(name);
    }
    TOCSIN_TRY(const auto infos, database->segment_infos(scope));
    for (const SegmentInfo& info : infos) out.second += info.byte_size;
    out.first = infos.size();
    return out;
  };
  TOCSIN_TRY(const auto before, count());
  {
    ProgressBar bar("compacting");
    TOCSIN_RETURN_IF_ERROR(
        database->compact([&](uint64_t done, uint64_t total) { bar.show(done, total); }));
  }
  TOCSIN_TRY(const auto after, count());
  fmt::print("{} segments ({}) became {} ({})\n", grouped(before.first), megabytes(before.second),
             grouped(after.first), megabytes(after.second));
  return {};
}

Status backup(const std::string& directory, const std::string& target) {
  BackupReport report;
  {
    ProgressBar bar("copying");
    TOCSIN_TRY(report, backup_database(directory, target, [&](uint64_t done, uint64_t total) {
                 bar.show(done, total);
               }));
  }
  fmt::print("{} holds the database as of commit {}: {} files, {}, of which {} were copied now\n",
             target, report.commit_number, report.file_count, megabytes(report.byte_size),
             megabytes(report.copied_bytes));
  return {};
}

using Work = Status (*)(const std::string& directory);

void add_command(CLI::App& app, Action& action, const char* name, const char* description,
                 const char* footer, Work work) {
  auto directory = std::make_shared<std::string>();  // shared by the callbacks
  CLI::App* command = app.add_subcommand(name, description);
  command->footer(footer);
  command->add_option("--db", *directory, "The database's folder")->required();
  command->callback(
      [directory, work, &action] { action = [directory, work] { return work(*directory); }; });
}

}  // namespace

void add_maintenance_commands(CLI::App& app, Action& action) {
  add_command(app, action, "verify", "Check every checksum of a database", kVerifyFooter, &verify);
  add_command(app, action, "repair", "Rebuild a database's catalog", kRepairFooter, &repair);
  add_command(app, action, "compact", "Merge a database's small segments", kCompactFooter,
              &compact);

  struct Arguments {
    std::string database, target;
  };
  auto arguments = std::make_shared<Arguments>();  // shared by the callbacks
  CLI::App* command = app.add_subcommand("backup", "Copy a database, also while it is written");
  command->footer(kBackupFooter);
  command->add_option("--db", arguments->database, "The database's folder")->required();
  command->add_option("TARGET", arguments->target, "A new or empty folder, or an earlier backup")
      ->required();
  command->callback([arguments, &action] {
    action = [arguments] { return backup(arguments->database, arguments->target); };
  });
}

}  // namespace tocsin
