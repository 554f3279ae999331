#include "db/segment/file.h"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/base/file.h"
#include "db/segment/format.h"

namespace tocsin {
namespace {

constexpr std::string_view kMagic = "TOCSINSG";
constexpr uint32_t kHeaderFormat = 1;

tl::unexpected<Error> io_error(Error error) {
  if (error.code == ErrorCode::kDiskFull) error.message += kDiskFullAdvice;
  return tl::unexpected<Error>(std::move(error));
}

tl::unexpected<Error> io_error(const char* attempted, const std::string& path, int number) {
  return io_error(system_error(attempted, path, number).value());
}

Status write_at(int descriptor, ByteView bytes, uint64_t offset, const std::string& path) {
  const Status status = write_all_at(descriptor, std::as_bytes(bytes), offset, path);
  return status ? status : io_error(status.error());
}

Status sync_names(const std::string& directory) {
  const Status status = sync_directory(directory);
  return status ? status : io_error(status.error());
}

std::string header_of(const SegmentInfo& info, const std::string& measurement,
                      const EncodedSegment& segment) {
  ByteWriter header;
  header.raw(bytes_of(kMagic));
  header.u32(kHeaderFormat);
  header.u32(kSegmentFormat);
  header.u32(info.measurement);
  header.u32(info.row_count);
  header.i64(info.partition);
  header.u64(info.id);
  header.u64(info.commit_number);
  header.i64(info.min_time);
  header.i64(info.max_time);
  header.u64(segment.bytes.size());
  header.u64(checksum(segment.bytes.view()));
  header.u32(segment.metadata_size);
  header.u32(0);
  header.u64(checksum(segment.bytes.view().first(segment.metadata_size)));
  header.text(measurement);
  std::string bytes = header.take();
  bytes.resize(kSegmentHeaderBytes - sizeof(uint64_t));
  ByteWriter seal;
  seal.u64(checksum(bytes_of(bytes)));
  return bytes + seal.take();
}
static_assert(108 + 4 + kNameBytesMax <= kSegmentHeaderBytes - sizeof(uint64_t));

}  // namespace

std::optional<SegmentHeader> parse_header(ByteView bytes) {
  if (bytes.size() < kSegmentHeaderBytes) return std::nullopt;
  const ByteView sealed = bytes.first(kSegmentHeaderBytes - sizeof(uint64_t));
  ByteReader seal(bytes.subspan(sealed.size()));
  if (!text_of(sealed).starts_with(kMagic) || checksum(sealed) != seal.u64()) return std::nullopt;
  ByteReader reader(sealed.subspan(kMagic.size()));
  if (reader.u32() != kHeaderFormat) return std::nullopt;
  reader.u32();  // the segment's format, which its metadata repeat
  SegmentHeader header;
  header.info.sealed = true;
  header.info.measurement = reader.u32();
  header.info.row_count = reader.u32();
  header.info.partition = reader.i64();
  header.info.id = reader.u64();
  header.info.commit_number = reader.u64();
  header.info.min_time = reader.i64();
  header.info.max_time = reader.i64();
  header.info.byte_size = reader.u64();
  header.body_checksum = reader.u64();
  header.metadata_size = reader.u32();
  reader.u32();
  header.metadata_checksum = reader.u64();
  header.measurement = reader.text();
  if (!reader.ok() || header.metadata_size > header.info.byte_size) return std::nullopt;
  return header;
}

std::string format_day(int64_t partition) {
  const std::chrono::year_month_day day{
      std::chrono::sys_days{std::chrono::days{static_cast<int>(partition)}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

std::string file_path(const FileId& file) {
  return fmt::format("segments/{}/{}.{:06}.seg", file.measurement, format_day(file.partition),
                     file.number);
}

Result<SegmentFileWriter> SegmentFileWriter::create(const std::string& directory,
                                                    const FileId& file) {
  const std::string path = directory + "/" + file_path(file);
  TOCSIN_RETURN_IF_ERROR(make_folders(std::filesystem::path(path).parent_path()));
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode);
  if (descriptor < 0) {
    if (errno == EEXIST) return fail(ErrorCode::kConflict, path + " exists already");
    return io_error("creating", path, errno);
  }
  return SegmentFileWriter(directory, file, descriptor, 0);
}

Result<SegmentFileWriter> SegmentFileWriter::append_to(const std::string& directory,
                                                       const FileId& file, uint64_t end) {
  const std::string path = directory + "/" + file_path(file);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return io_error("opening", path, errno);
  SegmentFileWriter writer(directory, file, descriptor, end);
  struct stat status;
  if (::fstat(descriptor, &status) != 0) return io_error("examining", path, errno);
  if (static_cast<uint64_t>(status.st_size) != end) {
    return fail(ErrorCode::kConflict,
                fmt::format("{} has {} bytes, of which {} are listed", path, status.st_size, end));
  }
  return writer;
}

SegmentFileWriter::SegmentFileWriter(SegmentFileWriter&& other) noexcept
    : directory_(std::move(other.directory_)),
      file_(other.file_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      end_(other.end_) {}

SegmentFileWriter::~SegmentFileWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<uint64_t> SegmentFileWriter::append(const SegmentInfo& info, const std::string& measurement,
                                           const EncodedSegment& segment) {
  const uint64_t offset =
      (end_ + kSegmentFileAlignment - 1) / kSegmentFileAlignment * kSegmentFileAlignment;
  const std::string path = directory_ + "/" + file_path(file_);
  const std::string header = header_of(info, measurement, segment);
  TOCSIN_RETURN_IF_ERROR(write_at(descriptor_, bytes_of(header), offset, path));
  TOCSIN_RETURN_IF_ERROR(
      write_at(descriptor_, segment.bytes.view(), offset + kSegmentHeaderBytes, path));
  end_ = segment_end(offset, segment.bytes.size());
  return offset;
}

Status SegmentFileWriter::sync() {
  const std::string path = directory_ + "/" + file_path(file_);
  if (::fdatasync(descriptor_) != 0) return io_error("syncing", path, errno);
  return {};
}

Status SegmentFileWriter::sync_file_system() {
  if (::syncfs(descriptor_) == 0) return {};
  return io_error("syncing the file system of", directory_ + "/" + file_path(file_), errno);
}

Status sync_file_names(const std::string& directory, const std::set<MeasurementId>& measurements) {
  if (measurements.empty()) return {};
  // The names of directories may be as new as those of the files.
  for (const MeasurementId measurement : measurements) {
    TOCSIN_RETURN_IF_ERROR(sync_names(fmt::format("{}/segments/{}", directory, measurement)));
  }
  TOCSIN_RETURN_IF_ERROR(sync_names(directory + "/segments"));
  return sync_names(directory);
}

Result<std::shared_ptr<const FileMapping>> FileMapping::open(const std::string& path,
                                                             uint64_t size_min) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) return fail(ErrorCode::kNotFound, path + " does not exist");
    return io_error("opening", path, errno);
  }
  struct stat status;
  const int stat_result = ::fstat(descriptor, &status);
  const auto size = stat_result == 0 ? static_cast<uint64_t>(status.st_size) : 0;
  if (stat_result != 0 || size < size_min || size == 0) {
    ::close(descriptor);
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} has {} bytes, but the catalog lists {}; see `tocsin repair`", path,
                            size, size_min));
  }
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  const int error = errno;
  ::close(descriptor);
  if (address == MAP_FAILED) return io_error("mapping", path, error);
  return std::shared_ptr<const FileMapping>(
      new FileMapping(ByteView(static_cast<const uint8_t*>(address), size)));
}

void load_ahead(ByteView mapped) {
  static const auto page_size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t before = reinterpret_cast<uintptr_t>(mapped.data()) % page_size;
  ::madvise(const_cast<uint8_t*>(mapped.data()) - before, before + mapped.size(), MADV_WILLNEED);
}

void FileMapping::load_only_what_is_touched() const {
  ::madvise(const_cast<uint8_t*>(bytes().data()), bytes().size(), MADV_RANDOM);
}

FileMapping::Mapped::~Mapped() { ::munmap(const_cast<uint8_t*>(bytes.data()), bytes.size()); }

}  // namespace tocsin
