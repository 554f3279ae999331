// Wraps LMDB: named databases, transactions, errors as values. No other file calls LMDB.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "db/base/result.h"
#include "db/encoding/bytes.h"

namespace tocsin {

/// The named databases of catalog.mdb.
enum class CatalogTable : uint8_t {
  kMeta,
  kMeasurements,
  kHot,
  kSealed,
  kDropped,
  kSources,
  kRules,
  kOutbox,
};
inline constexpr size_t kTableCount = 8;

class Environment;

/// An entry's contribution to the catalog's digest, which is the XOR of all contributions: XXH3-64
/// of the key, seeded with the checksum at the start of the value plus the table's number. 0 for
/// entries of `meta`.
uint64_t digest_of(CatalogTable table, std::string_view key, ByteView value);

/// A read or write transaction; aborted unless committed. Keeps track of its change to the digest.
/// Values are unaligned views into the map, valid until the next write or the end of the
/// transaction. Used by one thread.
class Transaction {
 public:
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Result<std::optional<ByteView>> get(CatalogTable table, std::string_view key) const&;
  Result<std::optional<ByteView>> get(CatalogTable table, std::string_view key) const&& = delete;
  Status put(CatalogTable table, std::string_view key, ByteView value);
  /// False if there is no such key.
  Result<bool> remove(CatalogTable table, std::string_view key);
  /// Visits the entries from the first key >= `from`, in order, until `visit` returns false.
  using Visit = std::function<bool(std::string_view key, ByteView value)>;
  Status walk(CatalogTable table, std::string_view from, const Visit& visit) const;
  /// See pages.h.
  Result<bool> pages_are_whole() const;
  /// The XOR of the catalog's digest before and after the writes so far.
  uint64_t digest_change() const { return digest_change_; }

  /// LMDB's number of the transaction; a reader's is that of the commit that it sees.
  uint64_t id() const;
  /// Makes the writes durable. After an error nothing was written, and the environment must be
  /// reopened before the next write.
  Status commit();

 private:
  friend class Environment;
  Transaction(Environment& environment, void* handle, std::shared_lock<std::shared_mutex> open)
      : environment_(&environment), handle_(handle), open_(std::move(open)) {}

  Environment* environment_;
  void* handle_;
  uint64_t digest_change_ = 0;
  std::shared_lock<std::shared_mutex> open_;  // blocks reopen()
};

/// An open catalog.mdb, shared by all databases of this process on the same directory (LMDB allows
/// one environment per process and file). Transactions may begin on any thread; one write
/// transaction at a time.
class Environment {
 public:
  enum class Mode { kRead, kWrite, kCreate };
  /// kNotFound if there is no catalog.mdb and the mode is not kCreate.
  static Result<std::shared_ptr<Environment>> open(const std::string& directory, Mode mode);
  ~Environment();

  Result<Transaction> begin_read();
  Result<Transaction> begin_write();

  /// Closes and opens the catalog, which is required after a failed commit. Waits for transactions
  /// to end.
  Status reopen();

  /// Writes a consistent, compact copy of the catalog to a new file and syncs it.
  Status copy_to(const std::string& path);

  const std::string& path() const { return path_; }
  /// The oldest commit that a reader in any process still sees; UINT64_MAX without readers.
  Result<uint64_t> oldest_reader();

 private:
  friend class Transaction;
  Environment(std::string path, Mode mode) : path_(std::move(path)), mode_(mode) {}
  static Status create(const std::string& path);
  Status open_handle();
  int open_with(unsigned flags);
  Status open_tables();
  void close_handle();
  Result<Transaction> begin(bool write);
  tl::unexpected<Error> error(const char* attempted, int code) const;

  const std::string path_;
  const Mode mode_;
  bool may_write_ = true;         // set by the first open
  std::shared_mutex open_mutex_;  // shared by transactions, exclusive for reopen()
  // Changed only while open_mutex_ is held exclusively, or before anything shares this object.
  void* handle_ = nullptr;
  unsigned tables_[kTableCount] = {};
};

}  // namespace tocsin
