#include "db/maintenance/database_folder.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "db/base/file.h"
#include "db/base/log.h"
#include "db/catalog/commit_mark.h"
#include "db/segment/scan.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFilesNamedMax = 3;

// Files of a new database.
constexpr std::array<std::string_view, 5> kFirstFiles = {
    "catalog.mdb", "catalog.mdb-lock", "catalog.mdb.new", "catalog.mdb.new-lock", "writer.lock"};
constexpr std::array<std::string_view, 6> kOtherEntries = {
    "commit.mark", "segments", "tmp", "backup", "repair", "backup.mark"};

// What a database without a catalog may contain.
bool is_own_name(std::string_view name) {
  return std::ranges::count(kFirstFiles, name) > 0 || std::ranges::count(kOtherEntries, name) > 0;
}

}  // namespace

Status check_is_new(const std::string& directory) {
  TOCSIN_RETURN_IF_ERROR(check_commit_mark(directory, read_commit_mark(directory), 0));
  TOCSIN_TRY(const auto files, list_segment_files(directory));
  if (files.empty()) return {};
  return fail(ErrorCode::kCorrupt,
              fmt::format("{} has segment files, but its catalog is missing or empty; run "
                          "`tocsin repair --db {}`",
                          directory, directory));
}

Result<std::string> other_entry(const std::string& directory,
                                const std::function<bool(std::string_view)>& is_expected) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.starts_with('.') && name != "lost+found" && !is_expected(name)) return name;
  }
  if (!error) return "";
  return fail(ErrorCode::kIo, fmt::format("reading {}: {}", directory, error.message()));
}

Result<DatabaseFolder> DatabaseFolder::prepare(const std::string& directory, bool create) {
  DatabaseFolder folder(directory);
  std::error_code error;
  if (fs::is_directory(directory, error)) {
    if (fs::exists(directory + "/catalog.mdb", error)) return folder;
    TOCSIN_RETURN_IF_ERROR(check_is_new(directory));
    TOCSIN_TRY(const std::string other, other_entry(directory, is_own_name));
    if (create && !other.empty()) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} is not a database and not empty: it contains `{}`; name a "
                              "database, or a new or empty directory",
                              directory, other));
    }
  } else if (!create) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no database in {}", directory));
  } else {
    const Result<std::vector<std::string>> made = make_folders(directory);
    if (!made) return fail(made.error(), "creating the database directory");
    folder.made_ = *made;
  }
  folder.is_new_ = true;
  return folder;
}

DatabaseFolder::DatabaseFolder(DatabaseFolder&& other) noexcept
    : directory_(std::move(other.directory_)),
      made_(std::move(other.made_)),
      is_new_(other.is_new_),
      locked_(other.locked_),
      kept_(std::exchange(other.kept_, true)) {}

void DatabaseFolder::note_locked() {
  std::error_code error;  // another process may have made the database since prepare()
  is_new_ = is_new_ && !fs::exists(directory_ + "/catalog.mdb", error);
  locked_ = true;
}

DatabaseFolder::~DatabaseFolder() {
  if (kept_ || !is_new_) return;
  if (locked_) {
    for (const std::string_view name : kFirstFiles) {
      ::unlink(fmt::format("{}/{}", directory_, name).c_str());
    }
  }
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) ::rmdir(path->c_str());
}

void warn_about_open_files(const std::string& directory) {
  constexpr fs::perms kOpen = fs::perms::others_read | fs::perms::others_write;
  std::error_code error;
  if ((fs::status(directory, error).permissions() & fs::perms::others_exec) == fs::perms::none) {
    return;  // others cannot reach the files
  }
  std::vector<std::string> names;
  size_t count = 0;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->is_regular_file(error)) continue;
    if ((entry->status(error).permissions() & kOpen) == fs::perms::none) continue;
    ++count;
    if (names.size() < kFilesNamedMax) names.push_back(entry->path().lexically_relative(directory));
  }
  if (count == 0) return;
  log(LogLevel::kWarning,
      fmt::format("every user of this machine can open {} file{} of the database {}: {}{}; to "
                  "change that, run `chmod -R o= {}`",
                  count, count == 1 ? "" : "s", directory, fmt::join(names, ", "),
                  count > names.size() ? ", ..." : "", directory));
}

}  // namespace tocsin
