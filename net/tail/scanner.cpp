#include "net/tail/scanner.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/base/file.h"

namespace tocsin {
namespace {

constexpr size_t kComparedBytes = size_t{256} << 10;  // read at a time
constexpr Duration kClockTick = 20 * kMillisecond;    // of modification times, at most
constexpr size_t kSiblingsMax = 1'000;  // entries inspected in one folder during a search

OpenFile::Facts facts_of(const struct stat& s) {
  return {s.st_dev, s.st_ino, static_cast<uint64_t>(s.st_size),
          s.st_mtim.tv_sec * kSecond + s.st_mtim.tv_nsec};
}

// Whether an error says nothing about the path, because the process or machine lacks a resource.
bool is_shortage(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

tl::unexpected<Error> shortage(const std::string& folder, int error) {
  std::string message = system_error("listing", folder, error).value().message;
  return fail(ErrorCode::kBusy, message + "; the set of followed files stays as it was");
}

thread_local int glob_error = 0;  // the last error that glob() reported on this thread

// glob() skips folders that it cannot read; this stops it for a shortage.
int stop_glob(const char*, int error) {
  glob_error = error;
  return is_shortage(error) ? 1 : 0;
}

// kBusy if a folder could not be listed because of a shortage.
Result<std::vector<std::string>> expand(const std::string& pattern, int flags) {
  glob_t found{};
  const int status = glob(pattern.c_str(), flags, &stop_glob, &found);
  const int error = status == GLOB_NOSPACE ? ENOMEM : glob_error;
  std::vector<std::string> paths;
  if (status == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  if (status != 0 && status != GLOB_NOMATCH) return shortage(pattern, error);
  return paths;
}

// The names and inodes in a folder; nothing if it cannot be read; kBusy for a shortage.
Result<std::vector<std::pair<std::string, uint64_t>>> entries_of(const std::string& folder) {
  std::vector<std::pair<std::string, uint64_t>> entries;
  DIR* directory = opendir(folder.c_str());
  if (directory == nullptr && is_shortage(errno)) return shortage(folder, errno);
  if (directory == nullptr) return entries;
  while (const dirent* entry = readdir(directory)) {
    entries.emplace_back(entry->d_name, entry->d_ino);
  }
  closedir(directory);
  return entries;
}

// `path` with symbolic links resolved; empty if that is `path` itself or does not exist.
std::string real_path_of(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), &free);
  return real == nullptr || path == real.get() ? "" : real.get();
}

// Names and inodes by which missing files can be recognised in one folder.
struct Traces {
  std::set<uint64_t> inodes;
  std::set<std::string> names;
};

// By folder: those of each file's path, of its stored real path, and of its current real path.
std::map<std::string, Traces> traces_of(const std::vector<MissingFile>& missing) {
  std::map<std::string, Traces> by_folder;
  for (const MissingFile& file : missing) {
    for (const std::string& path : {file.path, file.real_path, real_path_of(file.path)}) {
      if (path.empty()) continue;
      Traces& traces = by_folder[folder_of(path)];
      traces.inodes.insert(file.inode);
      traces.names.insert(file_name_of(path));
    }
  }
  return by_folder;
}

bool is_trace(const Traces& traces, const std::string& name, uint64_t inode) {
  if (traces.inodes.contains(inode) || traces.names.contains(name)) return true;
  return std::any_of(traces.names.begin(), traces.names.end(),
                     [&](const std::string& missed) { return is_rotated_name(missed, name); });
}

// The open file if it is the one with the key, otherwise null.
std::shared_ptr<OpenFile> open_same(const std::string& path, const FileKey& key) {
  auto opened = OpenFile::open(path);
  if (!opened) return nullptr;
  const auto facts = (*opened)->facts();
  return facts && FileKey{facts->device, facts->inode} == key ? *std::move(opened) : nullptr;
}

// Raises `equal` until a difference, the end of a file, or the end of the budget.
void compare_files(Comparison& c, uint64_t& budget) {
  const auto file = open_same(c.path, c.file_key);
  const auto other = c.other ? c.other : open_same(c.other_path, c.other_key);
  if (!file || !other) return;
  while (budget > 0 && !c.differs) {
    const size_t wanted = std::min<uint64_t>(kComparedBytes, budget);
    const auto mine = file->read(c.equal, wanted);
    const auto its = other->read(c.equal, wanted);
    if (!mine || !its) return;
    const size_t common = std::min(mine->size(), its->size());
    const size_t equal = static_cast<size_t>(
        std::mismatch(mine->begin(), mine->begin() + static_cast<ptrdiff_t>(common), its->begin())
            .first -
        mine->begin());
    c.equal += equal;
    c.differs = equal < common;
    budget -= wanted;
    if (common < wanted) break;
  }
  // The comparison counts only if the followed file was not truncated meanwhile.
  const auto head = other->read(0, c.other_head.size());
  const auto facts = other->facts();
  c.valid = head && facts && *head == c.other_head && facts->size >= c.other_size;
}

std::optional<PackedContent> unpack(const OpenFile& file, uint64_t size) {
  const auto start = file.read(0, kPackedStartMax);
  const auto end = file.read(size - std::min<uint64_t>(size, kPackedEnd), kPackedEnd);
  if (!start || !end) return std::nullopt;
  return packed_content(*start, *end);
}

}  // namespace

Result<std::shared_ptr<OpenFile>> OpenFile::open(const std::string& path) {
  // O_NONBLOCK: opening a pipe or a device must not block; it is refused below.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) {
    const int error = errno;
    auto failed = open_error(path, error);
    if (is_shortage(error)) failed.value().code = ErrorCode::kBusy;
    return failed;
  }
  std::shared_ptr<OpenFile> file(new OpenFile(descriptor, path));
  struct stat s {};
  if (fstat(descriptor, &s) != 0 || !S_ISREG(s.st_mode)) {
    return fail(ErrorCode::kInvalid, fmt::format("{} is not a regular file", path));
  }
  return file;
}

OpenFile::~OpenFile() { ::close(descriptor_); }

Result<OpenFile::Facts> OpenFile::facts() const {
  struct stat s {};
  if (fstat(descriptor_, &s) != 0) return system_error("examining", path_, errno);
  return facts_of(s);
}

Result<std::string> OpenFile::read(uint64_t offset, size_t size) const {
  std::string data(size, '\0');
  TOCSIN_TRY(const size_t filled,
             read_up_to_at(descriptor_, std::as_writable_bytes(std::span(data)), offset, path_));
  data.resize(filled);
  return data;
}

void TailScanner::scan(const std::vector<MissingFile>& missing,
                       std::vector<Comparison> comparisons) {
  before_.clear();
  before_began_ = std::exchange(began_, SystemClock().now());
  for (FileSeen& file : files_) {
    std::string path = file.path;
    before_.emplace(std::move(path), std::move(file));
  }
  files_.clear();
  const std::vector<std::string> folders_before = std::exchange(folders_, {});
  unmatched_.clear();
  troubles_.clear();
  complete_ = true;
  for (size_t source = 0; source < globs_.size(); ++source) {
    for (const std::string& pattern : globs_[source]) {
      step();
      const auto paths = listed(pattern, expand(pattern, 0));
      if (paths.empty()) unmatched_.push_back(pattern);
      for (const std::string& path : paths) {
        if (!is_excluded(path, source)) inspect(path, source);
      }
      const auto folders = listed(pattern, expand(folder_of(pattern), GLOB_ONLYDIR));
      folders_.insert(folders_.end(), folders.begin(), folders.end());
    }
  }
  find_siblings(missing);
  comparisons_ = std::move(comparisons);
  uint64_t budget = kComparedBytesMax;
  for (Comparison& comparison : comparisons_) {
    step();
    compare_files(comparison, budget);
  }
  if (!complete_) {
    files_.clear();
    for (auto& [path, file] : before_) files_.push_back(std::move(file));
    folders_ = folders_before;
    unmatched_.clear();
    return;
  }
  // Keeps one path of each file: paths that match globs come before siblings, then the first one.
  std::sort(files_.begin(), files_.end(), [](const FileSeen& a, const FileSeen& b) {
    const auto rank = [](const FileSeen& file) {
      return std::make_tuple(file.device, file.inode, file.sibling(), file.source,
                             std::string_view(file.path));
    };
    return rank(a) < rank(b);
  });
  files_.erase(std::unique(files_.begin(), files_.end(),
                           [](const FileSeen& a, const FileSeen& b) {
                             return a.device == b.device && a.inode == b.inode;
                           }),
               files_.end());
  std::sort(files_.begin(), files_.end(),
            [](const FileSeen& a, const FileSeen& b) { return a.path < b.path; });
  std::sort(folders_.begin(), folders_.end());
  folders_.erase(std::unique(folders_.begin(), folders_.end()), folders_.end());
}

// The list, or an empty one after an error, which makes the scan incomplete.
template <class List>
List TailScanner::listed(const std::string& what, Result<List> list) {
  if (list) return *std::move(list);
  complete_ = false;
  troubles_.emplace(what, list.error().message);
  return {};
}

bool TailScanner::is_excluded(const std::string& path, size_t source) const {
  if (source >= excluded_.size()) return false;
  return std::any_of(excluded_[source].begin(), excluded_[source].end(),
                     [&](const std::string& pattern) {
                       const bool is_name = pattern.find('/') == pattern.npos;
                       const std::string text = is_name ? file_name_of(path) : path;
                       return fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
                     });
}

std::optional<size_t> TailScanner::source_of(const std::string& path) const {
  for (size_t source = 0; source < globs_.size(); ++source) {
    if (is_excluded(path, source)) continue;
    for (const std::string& pattern : globs_[source]) {
      if (fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0) return source;
    }
  }
  return std::nullopt;
}

// Adds the file at `path` to files_. Without a source it is a sibling.
void TailScanner::inspect(const std::string& path, std::optional<size_t> source) {
  step();
  struct stat s {};
  if (stat(path.c_str(), &s) != 0 || !S_ISREG(s.st_mode)) return;
  const OpenFile::Facts facts = facts_of(s);
  FileSeen file{.path = path,
                .source = source,
                .device = facts.device,
                .inode = facts.inode,
                .size = facts.size,
                .changed_at = facts.changed_at,
                .head = {},
                .real_path = {},
                .packed = {}};
  const auto it = before_.find(path);
  const bool same =
      it != before_.end() && it->second.device == file.device && it->second.inode == file.inode;
  file.real_path = same ? it->second.real_path : real_path_of(path);
  // Within a tick of the clock, a file can change without a new modification time.
  const bool settled = file.changed_at < before_began_ - kClockTick;
  if (same && settled && it->second.size == file.size && it->second.changed_at == file.changed_at) {
    file.head = it->second.head;
    file.packed = it->second.packed;
    files_.push_back(std::move(file));
    return;
  }
  const auto opened = OpenFile::open(path);
  if (!opened) {
    const ErrorCode code = opened.error().code;
    if (code == ErrorCode::kBusy) complete_ = false;
    if (code == ErrorCode::kBusy || code == ErrorCode::kIo)
      troubles_.emplace(path, opened.error().message);
    return;
  }
  auto head = (*opened)->read(0, kHeadBytesMax);
  const auto now = (*opened)->facts();
  if (!head || !now) {
    troubles_.emplace(path, head ? now.error().message : head.error().message);
    return;
  }
  file.device = now->device;
  file.inode = now->inode;
  // If the head is the whole file, its size must agree with the head, although the file may have
  // grown since; the next scan then reads the head again.
  const bool whole = head->size() < kHeadBytesMax;
  file.size = whole ? head->size() : std::max<uint64_t>(now->size, head->size());
  file.changed_at = now->changed_at;
  if (is_packed(*head)) file.packed = unpack(**opened, file.size);
  file.head = *std::move(head);
  files_.push_back(std::move(file));
}

void TailScanner::find_siblings(const std::vector<MissingFile>& missing) {
  for (const auto& [folder, traces] : traces_of(missing)) {
    step();
    size_t found = 0;
    for (const auto& [name, inode] : listed(folder, entries_of(folder))) {
      if (!is_trace(traces, name, inode) || ++found > kSiblingsMax) continue;
      inspect(folder == "/" ? folder + name : folder + '/' + name, std::nullopt);
    }
  }
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string file_name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace tocsin
