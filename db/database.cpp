#include "db/database.h"

#include "db/catalog/check.h"
#include "db/catalog/commit_mark.h"
#include "db/catalog/environment.h"
#include "db/limits.h"
#include "db/maintenance/database_folder.h"
#include "db/maintenance/maintenance.h"
#include "db/maintenance/writer_lock.h"
#include "db/write/sealer.h"
#include "db/write/shared_store.h"
#include "db/write/writer.h"

namespace tocsin {
namespace {

class OpenDatabase final : public Database {
 public:
  OpenDatabase(std::string directory, DatabaseOptions options,
               std::shared_ptr<Environment> environment)
      : store_(std::move(directory), std::move(options), std::move(environment)) {}

  void hold(WriterLock lock) { lock_.emplace(std::move(lock)); }

  Status start() {
    if (store_.options.read_only) {
      const CommitMark mark = read_commit_mark(store_.directory);
      TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
      TOCSIN_TRY(CatalogState state, check_catalog(transaction, mark, store_.directory));
      TOCSIN_TRY(auto catalog, read_catalog(transaction));
      store_.remember(std::move(catalog), state.schema_version);
      return {};
    }
    forget_backup(store_.directory);
    TOCSIN_RETURN_IF_ERROR(begin_if_new());
    TOCSIN_TRY(OpenedPaths opened, OpenedPaths::open(store_.directory));
    store_.opened_paths.emplace(std::move(opened));
    TOCSIN_TRY(writer_, Writer::start(store_));
    sealer_ = std::make_unique<Sealer>(store_, *writer_);
    return {};
  }

  const std::string& directory() const override { return store_.directory; }

  Status submit(WriteRequest request, std::function<void(Result<WriteReport>)> done) override {
    if (!writer_) return read_only_error();
    return writer_->submit(std::move(request), std::move(done));
  }

  Result<WriteReport> write(WriteRequest request) override {
    if (!writer_) return read_only_error();
    return writer_->write(std::move(request));
  }

  Status seal() override {
    if (!writer_) return read_only_error();
    TOCSIN_RETURN_IF_ERROR(writer_->flush());
    return sealer_->seal_all();
  }

  Status compact(ProgressFunction progress) override {
    if (!writer_) return read_only_error();
    TOCSIN_RETURN_IF_ERROR(writer_->flush());
    return sealer_->compact(std::move(progress));
  }

  Result<std::string> confirm_retention() override {
    if (!writer_) return read_only_error();
    return writer_->confirm_retention();
  }

  std::shared_ptr<const Catalog> catalog() const override {
    // Another process may have added columns; reading the catalog remembers its newest schema.
    if (!writer_) (void)store_.segment_infos({});
    return store_.remembered();
  }

  Result<Snapshot> snapshot(const SnapshotScope& scope) const override {
    return store_.take_snapshot(scope);
  }

  Result<std::vector<SegmentInfo>> segment_infos(const SnapshotScope& scope) const override {
    return store_.segment_infos(scope);
  }

  Result<std::optional<std::string>> get(SmallTable table, std::string_view key) const override {
    if (key.empty() || key.size() > kSmallKeyBytesMax) return std::nullopt;
    TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
    return read_small(transaction, table, key);
  }

  Result<std::vector<SmallEntry>> list(SmallTable table, std::string_view prefix,
                                       SmallRange range) const override {
    if (prefix.size() > kSmallKeyBytesMax) return std::vector<SmallEntry>();
    TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
    return list_small(transaction, table, prefix, range);
  }

  Status change_options(const DatabaseOptions& options) override {
    if (!writer_) return read_only_error();
    return writer_->change_options(options);
  }

  DatabaseCounters counters() const override {
    if (writer_) return writer_->counters();
    DatabaseCounters counters;
    counters.writable = false;
    counters.trouble = "opened for reading only";
    return counters;
  }

 private:
  /// Writes the format into an empty catalog, unless the catalog once contained commits.
  Status begin_if_new() {
    TOCSIN_TRY(Transaction transaction, store_.environment->begin_write());
    const Status status = check_format(transaction);
    if (status || status.error().code != ErrorCode::kNotFound) return status;
    TOCSIN_RETURN_IF_ERROR(check_is_new(store_.directory));
    TOCSIN_RETURN_IF_ERROR(write_format(transaction, kDatabaseFormat));
    return transaction.commit();
  }

  tl::unexpected<Error> read_only_error() const {
    return fail(ErrorCode::kInvalid, store_.directory + " is opened for reading only");
  }

  // Destroyed in reverse order: sealer, writer, environment, lock.
  std::optional<WriterLock> lock_;
  mutable Store store_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Sealer> sealer_;
};

Result<std::unique_ptr<Database>> open_for_reading(const std::string& directory,
                                                   DatabaseOptions options) {
  auto environment = Environment::open(directory, Environment::Mode::kRead);
  if (!environment) {
    if (environment.error().code == ErrorCode::kNotFound) {
      TOCSIN_RETURN_IF_ERROR(check_is_new(directory));
    }
    return tl::unexpected<Error>(environment.error());
  }
  auto database =
      std::make_unique<OpenDatabase>(directory, std::move(options), *std::move(environment));
  TOCSIN_RETURN_IF_ERROR(database->start());
  return database;
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::string& directory,
                                                 DatabaseOptions options) {
  if (options.read_only) return open_for_reading(directory, std::move(options));
  std::optional<WriterLock> lock;  // outlives `folder`, which removes files when opening fails
  TOCSIN_TRY(DatabaseFolder folder, DatabaseFolder::prepare(directory, options.create));
  TOCSIN_TRY(WriterLock acquired, WriterLock::acquire(directory));
  lock.emplace(std::move(acquired));
  folder.note_locked();
  warn_about_open_files(directory);
  TOCSIN_TRY(auto environment,
             Environment::open(directory, options.create ? Environment::Mode::kCreate
                                                         : Environment::Mode::kWrite));
  auto database =
      std::make_unique<OpenDatabase>(directory, std::move(options), std::move(environment));
  TOCSIN_RETURN_IF_ERROR(database->start());
  folder.keep();
  database->hold(*std::move(lock));
  return database;
}

}  // namespace tocsin
