#include "db/segment/scan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include "db/segment/reader.h"

namespace tocsin {
namespace {

/// The number that the whole text spells, or nothing.
template <class T>
std::optional<T> number_in(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The partition of `2026-11-24`; years may be longer or shorter.
std::optional<int64_t> partition_in(std::string_view day) {
  const size_t second = day.rfind('-');
  if (second == std::string_view::npos || second == 0) return std::nullopt;
  const size_t first = day.rfind('-', second - 1);
  if (first == std::string_view::npos) return std::nullopt;
  const auto y = number_in<int>(day.substr(0, first));
  const auto m = number_in<unsigned>(day.substr(first + 1, second - first - 1));
  const auto d = number_in<unsigned>(day.substr(second + 1));
  if (!y || !m || !d) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*y}, std::chrono::month{*m},
                                         std::chrono::day{*d}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count();
}

/// Parses a folder `7` and a file name `2026-11-24.000003.seg`.
std::optional<FileId> file_named(const std::string& folder, std::string_view name) {
  constexpr std::string_view kSuffix = ".seg";
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos || !name.ends_with(kSuffix)) return std::nullopt;
  if (name.size() <= dot + kSuffix.size()) return std::nullopt;
  const auto measurement = number_in<MeasurementId>(folder);
  const auto partition = partition_in(name.substr(0, dot));
  const auto number =
      number_in<uint64_t>(name.substr(dot + 1, name.size() - dot - 1 - kSuffix.size()));
  if (!measurement || !partition || !number) return std::nullopt;
  const FileId file{*measurement, *partition, *number};
  if (!file_path(file).ends_with(name)) return std::nullopt;
  return file;
}

uint64_t round_up(uint64_t offset) {
  return (offset + kSegmentFileAlignment - 1) / kSegmentFileAlignment * kSegmentFileAlignment;
}

ByteView body_of(const FileMapping& mapping, const SegmentRecord& record) {
  return mapping.bytes().subspan(record.file_offset + kSegmentHeaderBytes, record.info.byte_size);
}

/// Decodes one column's values vector by vector and discards them.
class ColumnDrain {
 public:
  ColumnDrain(const SegmentColumn& column, uint32_t row_count)
      : column_(column), row_count_(row_count) {}

  Status run() {
    if (column_.type() == ColumnType::kString && column_.has_dictionary()) {
      TOCSIN_TRY(auto entries, column_.entries());
      TOCSIN_TRY(auto statistics, column_.entry_statistics());
      if (statistics.size() != entries.size()) return fail(ErrorCode::kCorrupt, "entry statistics");
    }
    for (uint32_t start = 0; start < row_count_; start += kVectorRows) {
      const size_t n = std::min<size_t>(kVectorRows, row_count_ - start);
      TOCSIN_RETURN_IF_ERROR(column_.read_valid(start, std::span(valid_).first(n)));
      TOCSIN_RETURN_IF_ERROR(read(start, n));
    }
    return {};
  }

 private:
  Status read(uint32_t start, size_t n) {
    switch (column_.type()) {
      case ColumnType::kI64: return column_.read_i64(start, std::span(i64_).first(n));
      case ColumnType::kU64: return column_.read_u64(start, std::span(u64_).first(n));
      case ColumnType::kF64: return column_.read_f64(start, std::span(f64_).first(n));
      case ColumnType::kBool: return column_.read_bool(start, std::span(valid_).first(n));
      case ColumnType::kString: break;
    }
    if (column_.has_dictionary()) {
      return column_.read_codes(start, std::span(codes_).first(n));
    }
    rows_.resize(n);
    for (size_t i = 0; i < n; ++i) rows_[i] = start + static_cast<uint32_t>(i);
    return column_.read_strings(rows_, strings_);
  }

  const SegmentColumn& column_;
  const uint32_t row_count_;
  std::array<uint8_t, kVectorRows> valid_;
  std::array<int64_t, kVectorRows> i64_;
  std::array<uint64_t, kVectorRows> u64_;
  std::array<double, kVectorRows> f64_;
  std::array<uint32_t, kVectorRows> codes_;
  std::vector<uint32_t> rows_;
  StringVector strings_;
};

}  // namespace

Result<std::vector<ListedFile>> list_segment_files(const std::string& directory) {
  namespace fs = std::filesystem;
  std::vector<ListedFile> files;
  std::error_code error;
  const fs::path root = fs::path(directory) / "segments";
  if (!fs::exists(root, error)) return files;
  for (fs::recursive_directory_iterator it(root, error), end; it != end && !error;
       it.increment(error)) {
    std::error_code gone;
    if (!it->is_regular_file(gone)) continue;
    const fs::path& path = it->path();
    const auto file = file_named(path.parent_path().filename(), path.filename().string());
    const auto size = it->file_size(gone);
    if (file && !gone) files.push_back({*file, size});
  }
  if (error) {
    return fail(ErrorCode::kIo, fmt::format("listing {}: {}", root.string(), error.message()));
  }
  std::sort(files.begin(), files.end(),
            [](const ListedFile& a, const ListedFile& b) { return a.file < b.file; });
  return files;
}

std::optional<ScannedSegment> read_header(ByteView file_bytes, uint64_t offset,
                                          const FileId& file) {
  if (offset >= file_bytes.size()) return std::nullopt;
  auto header = parse_header(file_bytes.subspan(offset));
  if (!header || header->info.measurement != file.measurement ||
      header->info.partition != file.partition) {
    return std::nullopt;
  }
  if (header->info.byte_size > file_bytes.size() - offset - kSegmentHeaderBytes)
    return std::nullopt;
  ScannedSegment segment;
  segment.record.info = std::move(header->info);
  segment.record.file_number = file.number;
  segment.record.file_offset = offset;
  segment.record.metadata_size = header->metadata_size;
  segment.record.metadata_checksum = header->metadata_checksum;
  segment.record.info.name = fmt::format("{}@{}", file_path(file), offset);
  segment.measurement = std::move(header->measurement);
  segment.body_checksum = header->body_checksum;
  return segment;
}

std::vector<ScannedSegment> scan_file(ByteView file_bytes, const FileId& file, uint64_t offset) {
  std::vector<ScannedSegment> segments;
  offset = round_up(offset);
  while (offset < file_bytes.size()) {
    auto segment = read_header(file_bytes, offset, file);
    if (!segment) {
      offset += kSegmentFileAlignment;
      continue;
    }
    const uint64_t end = segment_end(offset, segment->record.info.byte_size);
    offset = round_up(end);
    segments.push_back(*std::move(segment));
  }
  return segments;
}

std::shared_ptr<const Segment> open_in_file(std::shared_ptr<const FileMapping> mapping,
                                            const SegmentRecord& record) {
  SegmentBytes bytes;
  bytes.bytes = body_of(*mapping, record);
  bytes.mapping = mapping.get();
  bytes.owner = std::move(mapping);
  bytes.metadata_size = record.metadata_size;
  bytes.metadata_checksum = record.metadata_checksum;
  return open_segment(record.info, std::move(bytes));
}

Status check_body(const FileMapping& mapping, const ScannedSegment& segment) {
  if (checksum(body_of(mapping, segment.record)) == segment.body_checksum) return {};
  return fail(ErrorCode::kCorrupt,
              fmt::format("segment {} is damaged: its bytes do not match their checksum",
                          segment.record.info.name));
}

Status read_everything(const Segment& segment, const std::vector<Column>& columns) {
  const SegmentInfo& info = segment.info();
  std::array<Timestamp, kVectorRows> times;
  Timestamp previous = info.min_time;
  for (uint32_t start = 0; start < info.row_count; start += kVectorRows) {
    const size_t n = std::min<size_t>(kVectorRows, info.row_count - start);
    TOCSIN_RETURN_IF_ERROR(segment.read_times(start, std::span(times).first(n)));
    for (size_t i = 0; i < n; ++i) {
      if (times[i] < previous || times[i] > info.max_time) {
        return fail(ErrorCode::kCorrupt,
                    fmt::format("segment {} is damaged: its times are not in order", info.name));
      }
      previous = times[i];
    }
  }
  for (const Column& column : columns) {
    TOCSIN_TRY(const SegmentColumn* reader, segment.column(column));
    if (reader != nullptr) TOCSIN_RETURN_IF_ERROR(ColumnDrain(*reader, info.row_count).run());
  }
  return segment.check_intact();
}

}  // namespace tocsin
