// `tocsin verify`, `repair`, `compact` and `backup`: maintenance of a whole database.
#include <memory>

#include <fmt/format.h>

#include "db/database.h"
#include "db/maintenance/maintenance.h"
#include "tools/command.h"
#include "tools/terminal/output.h"
#include "tools/terminal/progress_bar.h"
#include "tools/terminal/text.h"

namespace tocsin {
namespace {

constexpr const char* kVerifyFooter =
    R"(Checks every checksum and decodes every value. A server may keep writing to the database. The exit code is
1 if anything is damaged.

Example:
  tocsin verify --db tocsin-data)";

constexpr const char* kRepairFooter =
    R"(Rebuilds the catalog from the segment files and from the readable parts of the old catalog, which is kept
as catalog.mdb.damaged-1. Sealed rows are always recovered; rows of the last minutes only if the old
catalog can still be read. Stop the server first.

Example:
  tocsin repair --db tocsin-data)";

constexpr const char* kCompactFooter =
    R"(Merges small segments into larger ones. A running server does this by itself; use this command for a
database that no server has open.

Example:
  tocsin compact --db tocsin-data)";

constexpr const char* kBackupFooter =
    R"(Makes a consistent copy, even while a server is writing. If TARGET is an earlier backup, only new data is
copied. A backup is itself a database that you can query or serve.

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
  for (const std::string& problem : report.problems) print_message(stdout, problem + "\n");
  fmt::print("{} segments, {} rows, {} read\n", grouped(report.segment_count),
             grouped(report.row_count), megabytes(report.byte_size));
  if (report.unlisted_bytes > 0) {
    fmt::print("{} after the listed segments are left over from crashes; this is harmless\n",
               megabytes(report.unlisted_bytes));
  }
  if (report.problems.empty()) {
    fmt::print("no damage found\n");
    return {};
  }
  return fail(
      ErrorCode::kCorrupt,
      fmt::format("found {} damaged {}; `tocsin repair --db {}` recovers everything that is intact",
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
                                     : report.was_intact        ? "was fully readable"
                                                                : "was damaged");
  fmt::print(
      "the new catalog lists {} segments with {} rows; {} of them were only in the old catalog\n",
      grouped(report.segment_count), grouped(report.row_count), grouped(report.hot_segment_count));
  if (report.copied_count > 0) {
    fmt::print("{} were damaged outside their values and have been copied\n",
               grouped(report.copied_count));
  }
  fmt::print("kept {} file positions, rule states and undelivered alerts\n",
             grouped(report.small_entry_count));
  for (const std::string& name : report.left_out) print_message(stdout, "lost: " + name + "\n");
  if (!report.old_catalog.empty()) {
    fmt::print("the old catalog is now {}/{}; remove it when you no longer need it\n", directory,
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
  command->add_option("--db", *directory, "Database directory")->required();
  command->callback(
      [directory, work, &action] { action = [directory, work] { return work(*directory); }; });
}

}  // namespace

void add_maintenance_commands(CLI::App& app, Action& action) {
  add_command(app, action, "verify", "Check a database for damage", kVerifyFooter, &verify);
  add_command(app, action, "repair", "Rebuild the catalog of a damaged database", kRepairFooter,
              &repair);
  add_command(app, action, "compact", "Merge the small segments of a database", kCompactFooter,
              &compact);

  struct MaintenanceArguments {
    std::string database, target;
  };
  auto arguments = std::make_shared<MaintenanceArguments>();  // shared by the callbacks
  CLI::App* command =
      app.add_subcommand("backup", "Copy a database, even while a server is writing to it");
  command->footer(kBackupFooter);
  command->add_option("--db", arguments->database, "Database directory")->required();
  command->add_option("TARGET", arguments->target, "A new or empty directory, or an earlier backup")
      ->required();
  command->callback([arguments, &action] {
    action = [arguments] { return backup(arguments->database, arguments->target); };
  });
}

}  // namespace tocsin
