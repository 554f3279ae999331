#include "db/write/leftovers.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <map>
#include <set>

#include <fcntl.h>
#include <unistd.h>

#include "db/base/file.h"
#include "db/catalog/commit_mark.h"
#include "db/catalog/store.h"
#include "db/segment/scan.h"

namespace tocsin {
namespace {

/// The end of the last listed segment of each file; 0 for a file that is to be unlinked.
Result<std::map<FileId, uint64_t>> listed_ends(const Transaction& transaction) {
  std::map<FileId, uint64_t> ends;
  TOCSIN_RETURN_IF_ERROR(walk_all_segments(
      transaction, CatalogTable::kSealed, [&](const SegmentRecord& record, ByteView) -> Status {
        uint64_t& end = ends[record.file()];
        end = std::max(end, segment_end(record.file_offset, record.info.byte_size));
        return {};
      }));
  TOCSIN_TRY(const auto dropped, read_dropped(transaction));
  for (const DroppedFile& file : dropped) ends[file.file] = 0;
  return ends;
}

Status hide_segments(const std::string& path, const FileId& file, uint64_t start) {
  TOCSIN_TRY(const auto mapping, FileMapping::open(path, start));
  const auto hidden = scan_file(mapping->bytes(), file, start);
  if (hidden.empty()) return {};
  const Descriptor descriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (descriptor.get() < 0) return system_error("opening", path, errno);
  constexpr std::array<std::byte, 8> kZeros = {};
  for (const ScannedSegment& segment : hidden) {
    TOCSIN_RETURN_IF_ERROR(
        write_all_at(descriptor.get(), kZeros, segment.record.file_offset, path));
  }
  return {};
}

}  // namespace

Status remove_leftovers(const std::string& directory, const Transaction& transaction) {
  if (read_commit_mark(directory).commit_number == 0) return {};
  TOCSIN_TRY(const auto ends, listed_ends(transaction));
  TOCSIN_TRY(const auto files, list_segment_files(directory));
  for (const ListedFile& file : files) {
    const std::string path = directory + "/" + file_path(file.file);
    const auto found = ends.find(file.file);
    if (found == ends.end()) {
      if (::unlink(path.c_str()) != 0) return system_error("removing", path, errno);
    } else if (found->second != 0 && found->second < file.size) {
      TOCSIN_RETURN_IF_ERROR(hide_segments(path, file.file, found->second));
    }
  }
  return {};
}

}  // namespace tocsin
