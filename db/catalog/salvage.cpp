#include "db/catalog/salvage.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/base/file.h"
#include "db/catalog/check.h"
#include "db/catalog/commit_mark.h"

namespace tocsin {
namespace {

constexpr unsigned kSecondsMax = 600;      // a damaged tree may have cycles
constexpr uint64_t kEntryBytesMax = kGiB;  // a damaged size may claim more
/// The table of the last message, whose value describes the damage and is empty without any.
constexpr uint8_t kVerdictTable = UINT8_MAX;

/// The child's side: sends entries as table u8, key, value.
class Sender {
 public:
  explicit Sender(int descriptor) : descriptor_(descriptor) {}

  /// False if the pipe is closed, or if more was sent than the file can hold.
  bool send(uint8_t table, std::string_view key, ByteView value, uint64_t bytes_max) {
    sent_ += key.size() + value.size();
    if (value.size() > kEntryBytesMax || sent_ > bytes_max) return false;
    ByteWriter head;
    head.u8(table);
    head.text(key);
    head.u32(static_cast<uint32_t>(value.size()));
    return write(bytes_of(head.bytes())) && write(value);
  }

 private:
  bool write(ByteView bytes) {
    return write_all(descriptor_, std::as_bytes(bytes), "to a pipe").has_value();
  }

  int descriptor_;
  uint64_t sent_ = 0;
};

Status send_entries(const std::string& directory, Sender& sender) {
  std::error_code unknown;
  const uint64_t file_size = std::filesystem::file_size(directory + "/catalog.mdb", unknown);
  TOCSIN_TRY(auto environment, Environment::open(directory, Environment::Mode::kRead));
  TOCSIN_TRY(Transaction transaction, environment->begin_read());
  for (size_t i = 0; i < kTableCount; ++i) {
    bool more = true;
    TOCSIN_RETURN_IF_ERROR(transaction.walk(
        static_cast<CatalogTable>(i), {}, [&](std::string_view key, ByteView value) {
          more = sender.send(static_cast<uint8_t>(i), key, value, 2 * file_size);
          return more;
        }));
    if (!more) return fail(ErrorCode::kCorrupt, "its pages form a cycle");
  }
  TOCSIN_TRY(const CatalogState state, check_catalog(transaction, {}, directory));
  (void)state;
  return {};
}

[[noreturn]] void run_child(const std::string& directory, int descriptor) {
  ::alarm(kSecondsMax);
  // A fault only ends this process, and quietly. Entries that it has sent by then count.
  for (int signal : {SIGSEGV, SIGBUS, SIGABRT}) ::signal(signal, SIG_DFL);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
  Sender sender(descriptor);
  const Status status = send_entries(directory, sender);
  const std::string verdict = status ? "" : status.error().message;
  sender.send(kVerdictTable, {}, bytes_of(verdict), UINT64_MAX);
  ::_exit(0);
}

/// The parent's side. receive() returns false when the child has ended.
class Receiver {
 public:
  explicit Receiver(int descriptor) : descriptor_(descriptor) {}

  bool receive(uint8_t& table, std::string& key, std::string& value) {
    return read_all(&table, sizeof table) && read_text(key) && read_text(value);
  }

 private:
  bool read_text(std::string& out) {
    uint32_t size = 0;
    if (!read_all(&size, sizeof size) || size > kEntryBytesMax) return false;
    out.resize(size);
    return read_all(out.data(), size);
  }
  bool read_all(void* target, size_t size) {
    const std::span bytes(static_cast<std::byte*>(target), size);
    const Result<size_t> count = read_up_to(descriptor_, bytes, "from a pipe");
    return count && *count == size;
  }

  int descriptor_;
};

/// Keeps an entry if it is intact, else returns the error.
Status keep(CatalogTable table, std::string_view key, ByteView value, SalvagedCatalog& out) {
  switch (table) {
    case CatalogTable::kMeta: return read_meta_entry(key, value, out.state);
    case CatalogTable::kMeasurements: {
      TOCSIN_TRY(auto measurement, read_measurement_entry(key, value));
      out.measurements.push_back(std::move(measurement));
      return {};
    }
    case CatalogTable::kSealed:
    case CatalogTable::kHot:
      return visit_segment_entry(table, key, value,
                                 [&](const SegmentRecord& record, ByteView body) -> Status {
                                   if (table == CatalogTable::kSealed) {
                                     out.sealed.push_back(record);
                                     return {};
                                   }
                                   TOCSIN_TRY(AlignedBytes copy, copy_hot_body(record, body));
                                   out.hot.push_back({record, std::move(copy)});
                                   return {};
                                 });
    case CatalogTable::kDropped: return {};  // the next writer removes unlisted files
    case CatalogTable::kSources:
    case CatalogTable::kRules:
    case CatalogTable::kOutbox: {
      TOCSIN_TRY(auto change, read_small_entry(table, key, value));
      out.small.push_back(std::move(change));
      return {};
    }
  }
  return {};
}

}  // namespace

Result<SalvagedCatalog> salvage_catalog(const std::string& directory) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return system_error("making", "a pipe", errno);
  }
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    return system_error("starting", "a process", error);
  }
  if (child == 0) run_child(directory, ends[1]);
  ::close(ends[1]);

  SalvagedCatalog out;
  bool was_read = false;
  Status status;
  Receiver receiver(ends[0]);
  uint8_t table = 0;
  std::string key, value, verdict = "LMDB failed on its pages";
  while (receiver.receive(table, key, value)) {
    if (table == kVerdictTable) {
      verdict = value;
      was_read = true;
      break;
    }
    if (table >= kTableCount) break;
    status = keep(static_cast<CatalogTable>(table), key, bytes_of(value), out);
    if (!status && status.error().code == ErrorCode::kUnsupported) break;
    if (!status && out.damage.empty()) out.damage = status.error().message;
  }
  ::close(ends[0]);
  int exit_status = 0;
  while (::waitpid(child, &exit_status, 0) < 0 && errno == EINTR) {
  }
  if (!status && status.error().code == ErrorCode::kUnsupported) {
    return tl::unexpected<Error>(status.error());
  }
  if (!verdict.empty()) out.damage = verdict;
  out.is_intact = was_read && out.damage.empty();
  return out;
}

}  // namespace tocsin
