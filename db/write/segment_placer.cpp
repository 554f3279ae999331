#include "db/write/segment_placer.h"

#include <set>

#include <unistd.h>

#include "db/limits.h"

namespace tocsin {
namespace {

/// Each fdatasync waits for the disk's cache, also if the one before has just emptied it. For this
/// many files, one syncfs is quicker, even if other programs write to the file system.
constexpr size_t kSyncTogetherMin = 16;

}  // namespace

SegmentPlacer::~SegmentPlacer() {
  MutexLock lock(mutex_);
  for (const auto& file : files_) store_.leases.release(file->writer.file());
}

Status SegmentPlacer::add(SegmentBuilder& builder, const std::string& measurement,
                          const Placement& placement) {
  // Segments in files stay for a long time, so compressing them pays; hot ones are soon merged.
  const bool compress = placement.to_file || builder.raw_bytes() > kHotSegmentBytesMax;
  std::vector<EncodedSegment> segments = builder.finish(placement.commit_number, compress);
  MutexLock lock(mutex_);
  for (EncodedSegment& segment : segments) {
    SegmentRecord record;
    record.info.id = store_.next_segment_id.fetch_add(1);
    record.info.measurement = builder.measurement();
    record.info.partition = builder.partition();
    record.info.row_count = segment.row_count;
    record.info.min_time = segment.min_time;
    record.info.max_time = segment.max_time;
    record.info.commit_number = placement.commit_number;
    record.info.byte_size = segment.bytes.size();
    record.metadata_size = segment.metadata_size;
    record.created_at = placement.created_at;
    record.raw_size = segment.raw_size;
    if (placement.to_file || segment.bytes.size() > kHotSegmentBytesMax) {
      TOCSIN_RETURN_IF_ERROR(
          add_to_file(std::move(record), measurement, segment, placement.fresh_file));
    } else {
      hot_bytes_ += segment.bytes.size();
      hot_.push_back({std::move(record), std::move(segment.bytes)});
    }
  }
  return {};
}

bool SegmentPlacer::belongs_in_file(const SegmentBuilder& builder,
                                    uint64_t catalog_hot_bytes) const {
  if (builder.row_count() > kDirectRowsMin || builder.raw_bytes() > kDirectBytesMin) return true;
  MutexLock lock(mutex_);
  return catalog_hot_bytes + hot_bytes_ > kHotBytesMax;
}

Status SegmentPlacer::add_to_file(SegmentRecord record, const std::string& measurement,
                                  const EncodedSegment& segment, bool fresh) {
  TOCSIN_RETURN_IF_ERROR(store_.opened_paths->check());
  TOCSIN_TRY(SegmentFileWriter * writer, file_for(record.info, fresh));
  TOCSIN_TRY(record.file_offset, writer->append(record.info, measurement, segment));
  record.info.sealed = true;
  record.file_number = writer->file().number;
  record.metadata_checksum = checksum(segment.bytes.view().first(segment.metadata_size));
  sealed_.push_back(std::move(record));
  return {};
}

Result<SegmentFileWriter*> SegmentPlacer::file_for(const SegmentInfo& info, bool fresh) {
  for (const auto& file : files_) {
    const FileId& id = file->writer.file();
    if (id.measurement == info.measurement && id.partition == info.partition &&
        file->writer.end() < kSegmentFileBytesMax) {
      return &file->writer;
    }
  }
  if (!fresh) {
    auto last = open_last(info);
    if (last) {
      files_.push_back(std::make_unique<OpenFile>(OpenFile{std::move(*last), false}));
      return &files_.back()->writer;
    }
    if (last.error().code != ErrorCode::kConflict) {
      return tl::unexpected<Error>(last.error());
    }
  }
  TOCSIN_TRY(SegmentFileWriter created, create_next(info));
  files_.push_back(std::make_unique<OpenFile>(OpenFile{std::move(created), true}));
  return &files_.back()->writer;
}

/// The partition's newest file, if it has small segments only, ends where the catalog says and is
/// not being appended to; otherwise kConflict.
Result<SegmentFileWriter> SegmentPlacer::open_last(const SegmentInfo& info) {
  FileId last{info.measurement, info.partition, 0};
  uint64_t end = 0;
  bool only_small = true;  // so that merges leave no holes in files with segments that stay
  {
    TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
    TOCSIN_RETURN_IF_ERROR(walk_segments(
        transaction, CatalogTable::kSealed, {info.measurement, info.partition, info.partition},
        [&](const SegmentRecord& record, ByteView) -> Status {
          if (record.file_number < last.number) return {};
          if (record.file_number > last.number) end = 0, only_small = true;
          last.number = record.file_number;
          only_small = only_small && record.is_small();
          end = std::max(end, segment_end(record.file_offset, record.info.byte_size));
          return {};
        }));
  }
  if (end == 0 || end >= kSegmentFileBytesMax || !only_small || !store_.leases.acquire(last)) {
    return fail(ErrorCode::kConflict, "no file to append to");
  }
  auto writer = SegmentFileWriter::append_to(store_.directory, last, end);
  if (!writer) store_.leases.release(last);
  return writer;
}

Result<SegmentFileWriter> SegmentPlacer::create_next(const SegmentInfo& info) {
  // Skips numbers of files that a crash left without a commit.
  while (true) {
    const FileId file{info.measurement, info.partition, store_.next_file_number.fetch_add(1)};
    auto writer = SegmentFileWriter::create(store_.directory, file);
    if (writer) {
      store_.leases.acquire(file);
      return writer;
    }
    if (writer.error().code != ErrorCode::kConflict) return writer;
  }
}

Status SegmentPlacer::sync() {
  MutexLock lock(mutex_);
  if (files_.size() >= kSyncTogetherMin) return files_.front()->writer.sync_file_system();
  std::set<MeasurementId> with_new_files;
  for (const auto& file : files_) {
    TOCSIN_RETURN_IF_ERROR(file->writer.sync());
    if (file->is_new) with_new_files.insert(file->writer.file().measurement);
  }
  return sync_file_names(store_.directory, with_new_files);
}

void SegmentPlacer::abandon() {
  // In another database's folder, a file with the same name may be listed.
  if (!store_.opened_paths->check()) return;
  MutexLock lock(mutex_);
  for (const auto& file : files_) {
    if (!file->is_new) continue;
    const std::string path = store_.directory + "/" + file_path(file->writer.file());
    ::unlink(path.c_str());
  }
}

void SegmentPlacer::stamp(uint64_t commit_number) {
  MutexLock lock(mutex_);
  for (HotSegment& hot : hot_) hot.record.info.commit_number = commit_number;
  for (SegmentRecord& sealed : sealed_) sealed.info.commit_number = commit_number;
}

}  // namespace tocsin
