// Verification: checks the catalog's entries, then all segments, value by value.
#include <map>
#include <set>

#include <fmt/format.h>

#include "db/catalog/check.h"
#include "db/catalog/commit_mark.h"
#include "db/catalog/segment_cache.h"
#include "db/maintenance/maintenance.h"
#include "db/segment/scan.h"

namespace tocsin {
namespace {

class Verifier {
 public:
  Verifier(const std::string& directory, const ProgressFunction& progress)
      : directory_(directory), progress_(progress) {}

  Result<VerifyReport> run() {
    TOCSIN_RETURN_IF_ERROR(check_catalog_entries());
    for (const SegmentRecord& record : sealed_) {
      check_sealed(record);
      advance(record.info.byte_size);
    }
    TOCSIN_RETURN_IF_ERROR(count_unlisted());
    return std::move(report_);
  }

 private:
  void report(const Status& status) {
    if (!status) report_.problems.push_back(status.error().message);
  }

  void advance(uint64_t bytes) {
    done_ += bytes;
    if (progress_) progress_(done_, total_);
  }

  /// Checks all entries, and the hot segments, which only the catalog holds, in one transaction.
  Status check_catalog_entries() {
    const CommitMark mark = read_commit_mark(directory_);
    TOCSIN_TRY(environment_, Environment::open(directory_, Environment::Mode::kRead));
    TOCSIN_TRY(Transaction transaction, environment_->begin_read());
    const auto state = tocsin::check_catalog(transaction, mark, directory_);
    if (!state && state.error().code != ErrorCode::kCorrupt) {
      return tl::unexpected<Error>(state.error());
    }
    if (!state) report(tl::unexpected<Error>(state.error()));
    for (size_t i = 0; i < kTableCount; ++i) {
      const auto table = static_cast<CatalogTable>(i);
      const Status walked = transaction.walk(table, {}, [&](std::string_view key, ByteView value) {
        check_one(table, key, value);
        return true;
      });
      report(walked);
    }
    for (const SegmentRecord& record : sealed_) total_ += record.info.byte_size;
    for (const auto& segment : hot_) {
      ++report_.segment_count;
      report_.row_count += segment->info().row_count;
      report_.byte_size += segment->info().byte_size;
      report(read_everything(*segment, columns_of(segment->info().measurement)));
    }
    return {};
  }

  /// Checks an entry and remembers the columns or segment that it lists.
  void check_one(CatalogTable table, std::string_view key, ByteView value) {
    const Status status = check_entry(table, key, value);
    if (!status) return report(status);
    if (table == CatalogTable::kMeasurements) {
      if (auto measurement = read_measurement_entry(key, value)) {
        columns_[measurement->id] = measurement->columns;
      }
      return;
    }
    if (table != CatalogTable::kHot && table != CatalogTable::kSealed) return;
    report(visit_segment_entry(table, key, value,
                               [&](const SegmentRecord& record, ByteView body) -> Status {
                                 if (table == CatalogTable::kSealed) {
                                   sealed_.push_back(record);
                                   return {};
                                 }
                                 TOCSIN_TRY(auto segment, open_hot(record, body));
                                 hot_.push_back(std::move(segment));
                                 return {};
                               }));
  }

  const std::vector<Column>& columns_of(MeasurementId id) { return columns_[id]; }

  void check_sealed(const SegmentRecord& record) {
    ++report_.segment_count;
    report_.row_count += record.info.row_count;
    report_.byte_size += record.info.byte_size;
    const Status status = read_sealed(record);
    // Retention or a merge may have dropped the segment meanwhile, and another process may have
    // unlinked its file.
    if (!status && is_still_listed(record)) report(status);
  }

  Status read_sealed(const SegmentRecord& record) {
    const uint64_t end = segment_end(record.file_offset, record.info.byte_size);
    TOCSIN_TRY(auto mapping, FileMapping::open(directory_ + "/" + file_path(record.file()), end));
    const auto scanned = read_header(mapping->bytes(), record.file_offset, record.file());
    if (!scanned || scanned->record.info.id != record.info.id ||
        scanned->record.info.byte_size != record.info.byte_size ||
        scanned->record.info.row_count != record.info.row_count) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("segment {} is damaged: its header does not match the catalog",
                              record.info.name));
    }
    TOCSIN_RETURN_IF_ERROR(check_body(*mapping, *scanned));
    return read_everything(*open_in_file(mapping, record), columns_of(record.info.measurement));
  }

  bool is_still_listed(const SegmentRecord& record) {
    bool found = false;
    auto transaction = environment_->begin_read();
    if (!transaction) return true;
    const Status walked =
        walk_segments(*transaction, CatalogTable::kSealed,
                      {record.info.measurement, record.info.partition, record.info.partition},
                      [&](const SegmentRecord& listed, ByteView) -> Status {
                        found = found || listed.info.id == record.info.id;
                        return {};
                      });
    return found || !walked;
  }

  Status count_unlisted() {
    std::map<FileId, uint64_t> listed;
    for (const SegmentRecord& record : sealed_) {
      uint64_t& end = listed[record.file()];
      end = std::max(end, segment_end(record.file_offset, record.info.byte_size));
    }
    TOCSIN_TRY(const auto files, list_segment_files(directory_));
    for (const ListedFile& file : files) {
      const uint64_t end = listed.contains(file.file) ? listed[file.file] : 0;
      report_.unlisted_bytes += file.size - std::min(file.size, end);
    }
    return {};
  }

  const std::string& directory_;
  const ProgressFunction& progress_;
  std::shared_ptr<Environment> environment_;  // shared with this process's other users of it
  std::map<MeasurementId, std::vector<Column>> columns_;
  std::vector<SegmentRecord> sealed_;
  std::vector<std::shared_ptr<const Segment>> hot_;
  uint64_t done_ = 0, total_ = 0;
  VerifyReport report_;
};

}  // namespace

Result<VerifyReport> verify_database(const std::string& directory,
                                     const ProgressFunction& progress) {
  return Verifier(directory, progress).run();
}

}  // namespace tocsin
