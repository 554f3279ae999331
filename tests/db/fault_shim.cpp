#include "tests/db/fault_shim.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

std::atomic<uint64_t> own_count{0};
std::atomic<uint64_t>* count = &own_count;
std::atomic<uint64_t> fault_at{0};
std::atomic<FaultKind> fault_kind{FaultKind::kNone};
std::string_view folder;  // if empty, all files count

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// Keeps the count in a file, which outlives the process.
void count_in(const char* path) {
  static auto* const map = real<void*(void*, size_t, int, int, int, off_t)>("mmap");
  static auto* const resize = real<int(int, off_t)>("ftruncate");
  const int file = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0 || resize(file, sizeof own_count) != 0) std::abort();
  void* shared = map(nullptr, sizeof own_count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (shared == MAP_FAILED) std::abort();
  count = new (shared) std::atomic<uint64_t>(0);
  ::close(file);
}

[[gnu::constructor]] void read_environment() {
  if (const char* wanted = std::getenv("TOCSIN_FAULT_FOLDER")) folder = wanted;
  if (const char* path = std::getenv("TOCSIN_FAULT_COUNT")) count_in(path);
  const char* at = std::getenv("TOCSIN_FAULT_AT");
  const char* kind = std::getenv("TOCSIN_FAULT_KIND");
  if (at == nullptr || kind == nullptr) return;
  const struct {
    const char* name;
    FaultKind kind;
  } kinds[] = {{"EIO", FaultKind::kIo},      {"ENOSPC", FaultKind::kDiskFull},
               {"SHORT", FaultKind::kShort}, {"FULL", FaultKind::kStayFull},
               {"KILL", FaultKind::kKill},   {"TEAR", FaultKind::kTearAndKill}};
  for (const auto& known : kinds) {
    if (std::strcmp(known.name, kind) == 0) {
      tocsin_fault_arm(std::strtoull(at, nullptr, 10), known.kind);
    }
  }
}

bool is_below_folder(std::string_view path) {
  return path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/';
}

bool counts(const char* path) { return folder.empty() || is_below_folder(path); }

bool counts(int descriptor) {
  if (folder.empty()) return true;
  char link[32], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t size = ::readlink(link, path, sizeof path);
  return size > 0 && is_below_folder({path, static_cast<size_t>(size)});
}

/// Counts the current call and returns its fault.
FaultKind next_fault() {
  const uint64_t number = ++*count;
  const FaultKind kind = fault_kind;
  const bool is_due = kind == FaultKind::kStayFull ? number >= fault_at : number == fault_at;
  if (!is_due) return FaultKind::kNone;
  if (kind == FaultKind::kKill) ::kill(::getpid(), SIGKILL);
  return kind;
}

/// For a call other than a write: true if it fails, with errno set.
template <class File>
bool fails(File file) {
  if (!counts(file)) return false;
  switch (next_fault()) {
    case FaultKind::kNone:
    case FaultKind::kKill:
    case FaultKind::kStayFull:  // a full disk can be synced and mapped
      return false;
    case FaultKind::kDiskFull: errno = ENOSPC; return true;
    case FaultKind::kTearAndKill: ::kill(::getpid(), SIGKILL); return true;
    case FaultKind::kIo:
    case FaultKind::kShort: errno = EIO; return true;
  }
  return false;
}

/// A write of `size` bytes; `write_some(n)` writes the first n of them.
template <class WriteSome>
ssize_t write_with_fault(int descriptor, size_t size, WriteSome write_some) {
  if (descriptor <= STDERR_FILENO || !counts(descriptor)) return write_some(size);
  switch (next_fault()) {
    case FaultKind::kNone:
    case FaultKind::kKill: return write_some(size);
    case FaultKind::kIo: errno = EIO; return -1;
    case FaultKind::kDiskFull:
    case FaultKind::kStayFull: errno = ENOSPC; return -1;
    case FaultKind::kShort: return write_some(std::max<size_t>(1, size / 2));
    case FaultKind::kTearAndKill:
      (void)write_some(size / 2);
      ::kill(::getpid(), SIGKILL);
      return -1;
  }
  return -1;
}

ssize_t pwrite_with_fault(int descriptor, const void* data, size_t size, off_t offset) {
  static auto* const function = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return write_with_fault(descriptor, size,
                          [&](size_t n) { return function(descriptor, data, n, offset); });
}

size_t size_of(const iovec* parts, int part_count) {
  size_t size = 0;
  for (int i = 0; i < part_count; ++i) size += parts[i].iov_len;
  return size;
}

/// A vector write. If only its first `size` bytes are wanted, it writes part by part.
template <class WriteAll, class WriteOne>
ssize_t write_parts(const iovec* parts, int part_count, size_t size, WriteAll write_all,
                    WriteOne write_one) {
  if (size == size_of(parts, part_count)) return write_all();
  size_t written = 0;
  for (int i = 0; i < part_count && written < size; ++i) {
    const size_t n = std::min(parts[i].iov_len, size - written);
    const ssize_t done = write_one(parts[i].iov_base, n, written);
    if (done <= 0) break;
    written += static_cast<size_t>(done);
  }
  return static_cast<ssize_t>(written);
}

ssize_t pwritev_with_fault(int descriptor, const iovec* parts, int part_count, off_t offset) {
  static auto* const function = real<ssize_t(int, const iovec*, int, off_t)>("pwritev");
  static auto* const single = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return write_with_fault(descriptor, size_of(parts, part_count), [&](size_t n) {
    return write_parts(
        parts, part_count, n, [&] { return function(descriptor, parts, part_count, offset); },
        [&](const void* data, size_t size, size_t at) {
          return single(descriptor, data, size, offset + static_cast<off_t>(at));
        });
  });
}

void* mmap_with_fault(void* address, size_t size, int protection, int flags, int descriptor,
                      off_t offset) {
  static auto* const function = real<void*(void*, size_t, int, int, int, off_t)>("mmap");
  if (descriptor >= 0 && fails(descriptor)) return MAP_FAILED;
  return function(address, size, protection, flags, descriptor, offset);
}

int ftruncate_with_fault(int descriptor, off_t size) {
  static auto* const function = real<int(int, off_t)>("ftruncate");
  return fails(descriptor) ? -1 : function(descriptor, size);
}

}  // namespace

extern "C" {

void tocsin_fault_arm(uint64_t at, FaultKind kind) {
  fault_kind = FaultKind::kNone;
  *count = 0;
  fault_at = at;
  fault_kind = kind;
}

uint64_t tocsin_fault_count() { return *count; }

ssize_t write(int descriptor, const void* data, size_t size) {
  static auto* const function = real<ssize_t(int, const void*, size_t)>("write");
  return write_with_fault(descriptor, size,
                          [&](size_t n) { return function(descriptor, data, n); });
}
ssize_t pwrite(int descriptor, const void* data, size_t size, off_t offset) {
  return pwrite_with_fault(descriptor, data, size, offset);
}
ssize_t pwrite64(int descriptor, const void* data, size_t size, off_t offset) {
  return pwrite_with_fault(descriptor, data, size, offset);
}
ssize_t writev(int descriptor, const iovec* parts, int part_count) {
  static auto* const function = real<ssize_t(int, const iovec*, int)>("writev");
  static auto* const single = real<ssize_t(int, const void*, size_t)>("write");
  return write_with_fault(descriptor, size_of(parts, part_count), [&](size_t n) {
    return write_parts(
        parts, part_count, n, [&] { return function(descriptor, parts, part_count); },
        [&](const void* data, size_t size, size_t) { return single(descriptor, data, size); });
  });
}
ssize_t pwritev(int descriptor, const iovec* parts, int part_count, off_t offset) {
  return pwritev_with_fault(descriptor, parts, part_count, offset);
}
ssize_t pwritev64(int descriptor, const iovec* parts, int part_count, off_t offset) {
  return pwritev_with_fault(descriptor, parts, part_count, offset);
}
int fsync(int descriptor) {
  static auto* const function = real<int(int)>("fsync");
  return fails(descriptor) ? -1 : function(descriptor);
}
int fdatasync(int descriptor) {
  static auto* const function = real<int(int)>("fdatasync");
  return fails(descriptor) ? -1 : function(descriptor);
}
int syncfs(int descriptor) noexcept {
  static auto* const function = real<int(int)>("syncfs");
  return fails(descriptor) ? -1 : function(descriptor);
}
int ftruncate(int descriptor, off_t size) noexcept {
  return ftruncate_with_fault(descriptor, size);
}
int ftruncate64(int descriptor, off_t size) noexcept {
  return ftruncate_with_fault(descriptor, size);
}
void* mmap(void* address, size_t size, int protection, int flags, int descriptor,
           off_t offset) noexcept {
  return mmap_with_fault(address, size, protection, flags, descriptor, offset);
}
void* mmap64(void* address, size_t size, int protection, int flags, int descriptor,
             off_t offset) noexcept {
  return mmap_with_fault(address, size, protection, flags, descriptor, offset);
}
int rename(const char* from, const char* to) noexcept {
  static auto* const function = real<int(const char*, const char*)>("rename");
  return fails(to) ? -1 : function(from, to);
}
int unlink(const char* path) noexcept {
  static auto* const function = real<int(const char*)>("unlink");
  return fails(path) ? -1 : function(path);
}

}  // extern "C"
