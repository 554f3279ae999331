#include "db/catalog/environment.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <unistd.h>

#include "db/base/file.h"
#include "db/base/mutex.h"
#include "db/base/system_error.h"
#include "db/catalog/commit_mark.h"
#include "db/catalog/pages.h"
#include "db/limits.h"
#include "db/segment/fault_guard.h"
#include "db/segment/file.h"

namespace tocsin {
namespace {

constexpr std::array<const char*, kTableCount> kTableNames = {
    "meta", "measurements", "hot", "sealed", "dropped", "sources", "rules", "outbox"};

MDB_txn* txn_of(void* handle) { return static_cast<MDB_txn*>(handle); }
MDB_env* env_of(void* handle) { return static_cast<MDB_env*>(handle); }

MDB_val value_of(ByteView bytes) {
  // LMDB's parameters point to mutable data, but it only writes to it with MDB_RESERVE.
  return {bytes.size(), const_cast<uint8_t*>(bytes.data())};
}
ByteView view_of(const MDB_val& value) {
  return {static_cast<const uint8_t*>(value.mv_data), value.mv_size};
}

ErrorCode code_of(int code) {
  switch (code) {
    case MDB_MAP_FULL: return ErrorCode::kDiskFull;
    case MDB_READERS_FULL: return ErrorCode::kBusy;
    case ENOENT: return ErrorCode::kNotFound;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_NOTFOUND:
    case MDB_VERSION_MISMATCH:
    // Only damaged pages lead to these: trees that are too deep, tables of another kind.
    case MDB_BAD_DBI:
    case MDB_BAD_TXN:
    case MDB_BAD_VALSIZE:
    case MDB_CURSOR_FULL:
    case MDB_INCOMPATIBLE:
    case MDB_PAGE_FULL:
    case MDB_PANIC: return ErrorCode::kCorrupt;
    default: return code_of_errno(code);  // LMDB's own codes are negative
  }
}

/// Environments open in this process, by path. Never destroyed: a database may be closed after
/// static destructors have run.
struct Registry {
  Mutex mutex;
  std::map<std::string, std::weak_ptr<Environment>> open TOCSIN_GUARDED_BY(mutex);
};
Registry& registry() {
  static Registry* instance = new Registry;
  return *instance;
}

/// Parses mdb_reader_list's lines `pid thread txnid`, where an idle reader has `-`. The format is
/// LMDB 0.9's: pages.cpp asserts the version.
int note_reader(const char* line, void* context) {
  int pid = 0;
  unsigned long thread = 0;
  unsigned long long transaction = 0;
  if (std::sscanf(line, "%d %lx %llu", &pid, &thread, &transaction) == 3) {
    auto& oldest = *static_cast<uint64_t*>(context);
    oldest = std::min<uint64_t>(oldest, transaction);
  }
  return 0;
}

}  // namespace

Transaction::Transaction(Transaction&& other) noexcept
    : environment_(other.environment_),
      handle_(std::exchange(other.handle_, nullptr)),
      digest_change_(other.digest_change_),
      open_(std::move(other.open_)) {}

Transaction::~Transaction() {
  const CatalogAccess access(environment_->path_.c_str());
  if (handle_ != nullptr) mdb_txn_abort(txn_of(handle_));
}

Result<std::optional<ByteView>> Transaction::get(CatalogTable table, std::string_view key) const& {
  const CatalogAccess access(environment_->path_.c_str());
  MDB_val k = value_of(bytes_of(key));
  MDB_val v;
  const int code =
      mdb_get(txn_of(handle_), environment_->tables_[static_cast<size_t>(table)], &k, &v);
  if (code == MDB_NOTFOUND) return std::nullopt;
  if (code != 0) return environment_->error("reading", code);
  return view_of(v);
}

Status Transaction::put(CatalogTable table, std::string_view key, ByteView value) {
  const CatalogAccess access(environment_->path_.c_str());
  TOCSIN_TRY(const auto replaced, get(table, key));
  if (replaced) digest_change_ ^= digest_of(table, key, *replaced);
  digest_change_ ^= digest_of(table, key, value);
  MDB_val k = value_of(bytes_of(key));
  MDB_val v = value_of(value);
  const int code =
      mdb_put(txn_of(handle_), environment_->tables_[static_cast<size_t>(table)], &k, &v, 0);
  if (code != 0) return environment_->error("writing", code);
  return {};
}

uint64_t digest_of(CatalogTable table, std::string_view key, ByteView value) {
  uint64_t seed = 0;
  if (table == CatalogTable::kMeta || value.size() < sizeof seed) return 0;
  std::memcpy(&seed, value.data(), sizeof seed);
  return checksum(bytes_of(key), seed + static_cast<uint64_t>(table));
}

Result<bool> Transaction::remove(CatalogTable table, std::string_view key) {
  const CatalogAccess access(environment_->path_.c_str());
  TOCSIN_TRY(const auto removed, get(table, key));
  if (!removed) return false;
  digest_change_ ^= digest_of(table, key, *removed);
  MDB_val k = value_of(bytes_of(key));
  const int code =
      mdb_del(txn_of(handle_), environment_->tables_[static_cast<size_t>(table)], &k, nullptr);
  if (code != 0) return environment_->error("removing from", code);
  return true;
}

Status Transaction::walk(CatalogTable table, std::string_view from, const Visit& visit) const {
  // The visitor reads values in place, so its faults count as the catalog's.
  const CatalogAccess access(environment_->path_.c_str());
  MDB_cursor* raw = nullptr;
  int code =
      mdb_cursor_open(txn_of(handle_), environment_->tables_[static_cast<size_t>(table)], &raw);
  if (code != 0) return environment_->error("reading", code);
  std::unique_ptr<MDB_cursor, void (*)(MDB_cursor*)> cursor(raw, mdb_cursor_close);
  MDB_val k = value_of(bytes_of(from));
  MDB_val v;
  code = mdb_cursor_get(raw, &k, &v, from.empty() ? MDB_FIRST : MDB_SET_RANGE);
  for (; code == 0; code = mdb_cursor_get(raw, &k, &v, MDB_NEXT)) {
    if (!visit(text_of(view_of(k)), view_of(v))) return {};
  }
  if (code != MDB_NOTFOUND) return environment_->error("reading", code);
  return {};
}

Result<bool> Transaction::pages_are_whole() const {
  int fd = -1;
  mdb_env_get_fd(env_of(environment_->handle_), &fd);
  return tocsin::pages_are_whole(fd, id());
}

uint64_t Transaction::id() const { return mdb_txn_id(txn_of(handle_)); }

Status Transaction::commit() {
  const CatalogAccess access(environment_->path_.c_str());
  const int code = mdb_txn_commit(txn_of(std::exchange(handle_, nullptr)));
  open_ = {};  // the transaction has ended, so reopen() need not wait
  if (code != 0) return environment_->error("committing to", code);
  return {};
}

Result<std::shared_ptr<Environment>> Environment::open(const std::string& directory, Mode mode) {
  std::error_code missing;
  std::string path = std::filesystem::weakly_canonical(directory, missing) / "catalog.mdb";
  Registry& registry = tocsin::registry();
  MutexLock lock(registry.mutex);
  auto& slot = registry.open[path];
  if (auto shared = slot.lock()) {
    if (mode != Mode::kRead && !shared->may_write_) {
      return fail(ErrorCode::kConflict,
                  fmt::format("opening {} for writing: this process has it open for reading only; "
                              "close it first",
                              path));
    }
    return shared;
  }
  const bool exists = std::filesystem::exists(path, missing);
  if (missing) return system_error("opening", path, missing.value());
  if (mode != Mode::kCreate && !exists) {
    return fail(ErrorCode::kNotFound,
                fmt::format("there is no database in {}: {} does not exist", directory, path));
  }
  if (mode == Mode::kCreate && !exists) {
    TOCSIN_RETURN_IF_ERROR(create(path));
  }
  std::shared_ptr<Environment> environment(new Environment(path, mode));
  TOCSIN_RETURN_IF_ERROR(environment->open_handle());
  slot = environment;
  return environment;
}

/// Makes an empty catalog under another name and renames it, so that `path` is never half written.
Status Environment::create(const std::string& path) {
  namespace fs = std::filesystem;
  const std::string made = path + ".new";
  std::error_code error;
  for (const char* suffix : {"", "-lock"}) fs::remove(made + suffix, error);
  {
    Environment environment(made, Mode::kCreate);
    TOCSIN_RETURN_IF_ERROR(environment.open_handle());
  }
  fs::remove(made + "-lock", error);
  fs::rename(made, path, error);
  if (error) return fail(ErrorCode::kIo, fmt::format("renaming {}: {}", made, error.message()));
  return sync_directory(fs::path(path).parent_path());
}

Environment::~Environment() { close_handle(); }

void Environment::close_handle() {
  const CatalogAccess access(path_.c_str());
  if (handle_ != nullptr) mdb_env_close(env_of(handle_));
  handle_ = nullptr;
}

Status Environment::open_handle() {
  // A reader also opens for writing if it may, because a writer in this process shares the
  // environment.
  may_write_ = true;
  int code = open_with(0);
  if (mode_ == Mode::kRead && (code == EACCES || code == EROFS || code == EPERM)) {
    may_write_ = false;
    code = open_with(MDB_RDONLY);
  }
  if (code != 0) return error("opening", code);
  int dead = 0;
  mdb_reader_check(env_of(handle_), &dead);
  Status status = open_tables();
  if (!status) close_handle();
  return status;
}

/// Returns an LMDB error code; after an error nothing is open.
int Environment::open_with(unsigned flags) {
  const CatalogAccess access(path_.c_str());
  MDB_env* env = nullptr;
  if (int code = mdb_env_create(&env)) return code;
  handle_ = env;
  mdb_env_set_maxdbs(env, kTableCount);
  mdb_env_set_maxreaders(env, kReaderCountMax);
  mdb_env_set_assert(env, [](MDB_env*, const char*) { report_damaged_catalog(); });
  int code = mdb_env_set_mapsize(env, kCatalogMapBytes);
  if (code == 0) {
    // LMDB would give the lock file the mode of the catalog.
    const Descriptor made(
        ::open((path_ + "-lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kSharedFileMode));
    code = mdb_env_open(env, path_.c_str(), MDB_NOSUBDIR | MDB_NOTLS | flags, kFileMode);
  }
  if (code != 0) close_handle();
  return code;
}

Status Environment::open_tables() {
  const CatalogAccess access(path_.c_str());
  MDB_txn* txn = nullptr;
  const bool create = mode_ != Mode::kRead;
  int code = mdb_txn_begin(env_of(handle_), nullptr, create ? 0 : MDB_RDONLY, &txn);
  if (code != 0) return error("opening", code);
  // Tables are only made in an empty catalog; in any other, a missing table is damage.
  MDB_dbi names = 0;
  MDB_stat statistics = {};
  code = mdb_dbi_open(txn, nullptr, 0, &names);
  if (code == 0) code = mdb_stat(txn, names, &statistics);
  const bool is_new = create && statistics.ms_entries == 0;
  if (code == 0 && statistics.ms_entries == 0) {
    // The catalog may have lost its entries.
    const std::string directory = std::filesystem::path(path_).parent_path();
    const Status status = check_commit_mark(directory, read_commit_mark(directory), 0);
    if (!status) {
      mdb_txn_abort(txn);
      return status;
    }
  }
  for (size_t i = 0; i < kTableCount && code == 0; ++i) {
    code = mdb_dbi_open(txn, kTableNames[i], is_new ? MDB_CREATE : 0, &tables_[i]);
  }
  if (code != 0) {
    mdb_txn_abort(txn);
    if (code == MDB_NOTFOUND && statistics.ms_entries == 0) {
      return fail(ErrorCode::kNotFound, fmt::format("{} holds no database yet", path_));
    }
    return error("opening", code);
  }
  code = mdb_txn_commit(txn);
  if (code != 0) return error("opening", code);
  return {};
}

Result<Transaction> Environment::begin(bool write) {
  const CatalogAccess access(path_.c_str());
  std::shared_lock<std::shared_mutex> open(open_mutex_);
  if (handle_ == nullptr) {
    return fail(ErrorCode::kIo, fmt::format("{} could not be reopened after an error", path_));
  }
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(env_of(handle_), nullptr, write ? 0 : MDB_RDONLY, &txn);
  if (code == MDB_READERS_FULL) {
    // Only a check frees the slots of dead readers.
    int dead = 0;
    mdb_reader_check(env_of(handle_), &dead);
    if (dead > 0) code = mdb_txn_begin(env_of(handle_), nullptr, MDB_RDONLY, &txn);
  }
  if (code != 0) return error(write ? "beginning to write" : "beginning to read", code);
  return Transaction(*this, txn, std::move(open));
}

Result<Transaction> Environment::begin_read() { return begin(false); }
Result<Transaction> Environment::begin_write() { return begin(true); }

Status Environment::reopen() {
  std::unique_lock lock(open_mutex_);
  close_handle();
  return open_handle();
}

Status Environment::copy_to(const std::string& path) {
  const CatalogAccess access(path_.c_str());
  std::shared_lock<std::shared_mutex> open(open_mutex_);
  if (handle_ == nullptr) return fail(ErrorCode::kIo, path_ + " is not open");
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
  if (descriptor < 0) return error("copying", errno);
  int code = mdb_env_copyfd2(env_of(handle_), descriptor, MDB_CP_COMPACT);
  if (code == 0 && ::fsync(descriptor) != 0) code = errno;
  ::close(descriptor);
  if (code != 0) return error("copying", code);
  return {};
}

Result<uint64_t> Environment::oldest_reader() {
  std::shared_lock<std::shared_mutex> open(open_mutex_);
  if (handle_ == nullptr) return fail(ErrorCode::kIo, path_ + " is not open");
  int dead = 0;
  if (int code = mdb_reader_check(env_of(handle_), &dead)) return error("checking", code);
  uint64_t oldest = UINT64_MAX;
  if (int code = mdb_reader_list(env_of(handle_), note_reader, &oldest); code < 0) {
    return error("listing the readers of", code);
  }
  return oldest;
}

tl::unexpected<Error> Environment::error(const char* attempted, int code) const {
  const ErrorCode kind = code_of(code);
  const char* advice = "";
  if (kind == ErrorCode::kDiskFull) advice = kDiskFullAdvice;
  if (kind == ErrorCode::kCorrupt) advice = "; see `tocsin repair`";
  // Writing to an invalid page number, for example from a damaged free list, fails with EINVAL.
  if (code == EINVAL) advice = "; its pages may be damaged, see `tocsin repair`";
  if (code == EACCES) {
    advice =
        "; a user of the database's group can read it if the process that writes it runs with "
        "umask 0007, so that the group may write to catalog.mdb-lock";
  }
  if (kind == ErrorCode::kBusy) advice = "; too many readers at once, try again";
  return fail(kind, fmt::format("{} {}: {}{}", attempted, path_, mdb_strerror(code), advice));
}

}  // namespace tocsin
