// Whole reads and writes of file descriptors, and their errors.
//
// `where` in these functions names the file or peer in the message: `writing /var/x: No space left
// on device`.
#pragma once

#include <cerrno>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "db/base/result.h"
#include "db/base/system_error.h"

namespace tocsin {

/// Owns a file descriptor, or none (-1).
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return value_; }
  /// Returns the descriptor, which the caller must close.
  int release() { return std::exchange(value_, -1); }
  /// Closes the descriptor and owns `value` from now on.
  void reset(int value = -1);

 private:
  int value_;
};

/// Calls `write_some(data, size)`, which behaves like write(2), until all of `bytes` is written.
template <class Byte, class WriteSome>
Status write_with(std::span<const Byte> bytes, std::string_view where, WriteSome write_some) {
  static_assert(sizeof(Byte) == 1);
  while (!bytes.empty()) {
    const ssize_t count = write_some(bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return system_error("writing", where, count < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return {};
}

/// Writes all of `bytes` with write(2).
Status write_all(int descriptor, std::span<const std::byte> bytes, std::string_view where);
/// Writes all of `bytes` at a byte offset of the file, with pwrite(2).
Status write_all_at(int descriptor, std::span<const std::byte> bytes, uint64_t offset,
                    std::string_view where);

/// Fills `bytes` with read(2). Returns the number of bytes read, which is smaller only at the end
/// of the data.
Result<size_t> read_up_to(int descriptor, std::span<std::byte> bytes, std::string_view where);
/// The same from a byte offset of the file, with pread(2).
Result<size_t> read_up_to_at(int descriptor, std::span<std::byte> bytes, uint64_t offset,
                             std::string_view where);

// Modes of the files and folders of a database, of which the umask removes bits: the owner writes,
// and the group reads.
inline constexpr mode_t kFileMode = 0640;
inline constexpr mode_t kFolderMode = 0750;
/// Readers write, too: each registers in the lock file of the catalog, and queries write temporary
/// files.
inline constexpr mode_t kSharedFileMode = 0660;
inline constexpr mode_t kSharedFolderMode = 0770;

/// Makes a folder and its missing parents with kFolderMode. Returns those that it made, the
/// outermost first; none if the folder exists.
Result<std::vector<std::string>> make_folders(const std::string& path);

/// Makes the names in a directory durable.
Status sync_directory(const std::string& path);

}  // namespace tocsin
