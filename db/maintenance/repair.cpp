// Repair: makes a new catalog from the segment files and the remainder of the old one.
//
// If the old catalog is intact, the segments that it lists count. If it opened in the state before
// the newest, the segments with new rows that the lost commit listed (`commit.mark` names them)
// count too; segments that this commit sealed or merged are not needed, because their inputs are
// still listed. Without an intact catalog, every intact segment counts that no other one replaces,
// according to `sealed_from`, `replaces` and `ancestors` in their metadata. A merge that was
// interrupted by a crash is recognised by its row count, or by a later merge of the same segments:
// then its inputs count instead of its results.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "db/base/file.h"
#include "db/catalog/commit_mark.h"
#include "db/catalog/salvage.h"
#include "db/maintenance/maintenance.h"
#include "db/maintenance/writer_lock.h"
#include "db/segment/inspection.h"
#include "db/segment/scan.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

/// A segment in a file, every value of which could be read.
struct FileSegment {
  SegmentRecord record;
  std::string measurement;
  std::vector<Column> columns;  ///< as stored
  SegmentInspection inspection;
  /// Set if its header or padding is damaged: then a copy of it is listed instead.
  std::shared_ptr<const FileMapping> to_copy;
};

Result<FileSegment> open_whole(const std::shared_ptr<const FileMapping>& mapping,
                               const SegmentRecord& record, const std::string& measurement) {
  FileSegment out;
  out.record = record;
  out.record.raw_size = 0;
  out.measurement = measurement;
  const auto segment = open_in_file(mapping, record);
  TOCSIN_TRY(out.inspection, segment->inspect());
  for (const ColumnInspection& column : out.inspection.columns) {
    out.record.raw_size += column.raw_size;
    if (column.id == 0) continue;
    out.columns.push_back({column.id, column.name, column.type, column.kind, false});
  }
  TOCSIN_RETURN_IF_ERROR(read_everything(*segment, out.columns));
  return out;
}

class Repair {
 public:
  Repair(const std::string& directory, const ProgressFunction& progress)
      : directory_(directory), progress_(progress) {}

  Result<RepairReport> run() {
    TOCSIN_TRY(old_, salvage_catalog(directory_));
    report_.was_intact = old_.is_intact;
    if (std::error_code error; !fs::exists(fs::path(directory_) / "catalog.mdb", error)) {
      report_.left_out.push_back(
          "everything that was only in the catalog: the newest rows, which no file held yet; the "
          "positions in followed files; the state of rules; alerts not delivered yet");
    }
    // LMDB falls back by one commit at most, so an even older catalog is a copy from elsewhere.
    has_listing_ = old_.is_intact && mark_.commit_number <= old_.state.commit_number + 1;
    TOCSIN_RETURN_IF_ERROR(scan());
    choose();
    merge_schema();
    TOCSIN_RETURN_IF_ERROR(copy_damaged());
    TOCSIN_RETURN_IF_ERROR(set_damaged_files_aside());
    TOCSIN_RETURN_IF_ERROR(write_catalog());
    TOCSIN_RETURN_IF_ERROR(exchange());
    return std::move(report_);
  }

 private:
  Status scan() {
    TOCSIN_TRY(const auto files, list_segment_files(directory_));
    uint64_t done = 0, total = 0;
    for (const ListedFile& file : files) total += file.size;
    for (const ListedFile& file : files) {
      next_file_number_ = std::max(next_file_number_, file.file.number + 1);
      if (file.size > 0) TOCSIN_RETURN_IF_ERROR(scan_one(file.file));
      done += file.size;
      if (progress_) progress_(done, total);
    }
    return {};
  }

  Status scan_one(const FileId& file) {
    TOCSIN_TRY(auto mapping, FileMapping::open(directory_ + "/" + file_path(file), 1));
    std::set<uint64_t> seen;
    for (const ScannedSegment& scanned : scan_file(mapping->bytes(), file)) {
      seen.insert(scanned.record.info.id);
      add_segment(mapping, scanned.record, scanned.measurement,
                  !check_body(*mapping, scanned).has_value());
    }
    for (const SegmentRecord& record : old_.sealed) {
      const bool is_here =
          record.file() == file &&
          segment_end(record.file_offset, record.info.byte_size) <= mapping->bytes().size();
      // Its header is damaged, but the catalog has the same fields.
      if (is_here && !seen.contains(record.info.id)) {
        add_segment(mapping, record, old_name_of(record.info.measurement), true);
      }
    }
    return {};
  }

  void add_segment(const std::shared_ptr<const FileMapping>& mapping, const SegmentRecord& record,
                   const std::string& measurement, bool must_be_copied) {
    const uint64_t id = record.info.id;
    next_segment_id_ = std::max(next_segment_id_, id + 1);
    last_commit_ = std::max(last_commit_, record.info.commit_number);
    auto segment = open_whole(mapping, record, measurement);
    if (!segment) {
      damaged_.emplace(id, DamagedSegment{record.file(), segment.error().message});
      return;
    }
    if (must_be_copied) segment->to_copy = mapping;
    found_.emplace(id, *std::move(segment));
  }

  std::string old_name_of(MeasurementId id) const {
    for (const Measurement& measurement : old_.measurements) {
      if (measurement.id == id) return measurement.name;
    }
    return "";
  }

  // ---- Which segments count ----

  void choose() {
    std::set<uint64_t> listed;
    for (const SegmentRecord& record : old_.sealed) listed.insert(record.info.id);
    if (has_listing_) {
      choose_listed(listed);
    } else {
      drop_replaced(listed);
    }
    for (const auto& [id, damaged] : damaged_) report_.left_out.push_back(damaged.why);
    for (const SegmentRecord& record : old_.sealed) {
      const uint64_t id = record.info.id;
      if (found_.contains(id) || damaged_.contains(id) || replaced_.contains(id)) continue;
      report_.left_out.push_back(
          fmt::format("segment {} is no longer in its file", record.info.name));
    }
  }

  void choose_listed(const std::set<uint64_t>& listed) {
    std::erase_if(damaged_, [&](const auto& entry) { return !listed.contains(entry.first); });
    const bool lost_one = mark_.commit_number > old_.state.commit_number;
    std::erase_if(found_, [&](const auto& entry) {
      if (listed.contains(entry.first)) return false;
      const auto& [sealed_from, replaces] =
          std::tie(entry.second.inspection.sealed_from, entry.second.inspection.replaces);
      const bool is_new = lost_one && sealed_from.empty() && replaces.empty() &&
                          std::ranges::count(mark_.sealed_ids, entry.first) > 0;
      return !is_new;
    });
    if (!lost_one) return;
    report_.left_out.push_back(
        fmt::format("commit {} was lost; segments that it wrote to files are listed again",
                    mark_.commit_number));
  }

  /// The segments that one merge made, and its inputs.
  struct Merge {
    std::vector<uint64_t> made;
    uint64_t made_rows = 0;
    std::vector<uint64_t> inputs, ancestors;
  };

  std::vector<Merge> find_merges() const {
    std::map<std::vector<uint64_t>, Merge> merges;
    for (const auto& [id, segment] : found_) {
      std::vector<uint64_t> inputs = segment.inspection.sealed_from;
      inputs.insert(inputs.end(), segment.inspection.replaces.begin(),
                    segment.inspection.replaces.end());
      if (inputs.empty()) continue;
      Merge& merge = merges[inputs];
      merge.made.push_back(id);
      merge.made_rows += segment.record.info.row_count;
      merge.ancestors = segment.inspection.ancestors;
      merge.inputs = std::move(inputs);
    }
    std::vector<Merge> out;
    for (auto& [inputs, merge] : merges) out.push_back(std::move(merge));
    // The latest merges first: ids only grow, and later merges show which earlier ones were
    // committed.
    std::sort(out.begin(), out.end(),
              [](const Merge& a, const Merge& b) { return a.made.front() > b.made.front(); });
    return out;
  }

  /// Whether the merge was committed, as far as the files show. `listed_once` are segments known to
  /// have been listed, including the inputs of all merges; `consumed` are the inputs of committed
  /// later merges.
  bool was_committed(const Merge& merge, const std::set<uint64_t>& listed_once,
                     const std::set<uint64_t>& consumed) const {
    const auto any_in = [](const std::vector<uint64_t>& ids, const std::set<uint64_t>& set) {
      return std::ranges::any_of(ids, [&](uint64_t id) { return set.contains(id); });
    };
    if (any_in(merge.made, listed_once)) return true;
    if (any_in(merge.inputs, consumed)) return false;
    uint64_t input_rows = 0;
    for (uint64_t id : merge.inputs) {
      const auto rows = rows_of(id);
      if (!rows) return true;  // an input is missing: it was removed after the commit
      input_rows += *rows;
    }
    return input_rows == merge.made_rows;  // else it was interrupted
  }

  std::optional<uint64_t> rows_of(uint64_t id) const {
    if (const auto it = found_.find(id); it != found_.end()) {
      return it->second.record.info.row_count;
    }
    for (const HotRemainder& hot : old_.hot) {
      if (hot.record.info.id == id) return hot.record.info.row_count;
    }
    return std::nullopt;
  }

  void drop_replaced(const std::set<uint64_t>& listed) {
    const std::vector<Merge> merges = find_merges();
    std::set<uint64_t> listed_once = listed, consumed, interrupted;
    for (const Merge& merge : merges) {
      listed_once.insert(merge.inputs.begin(), merge.inputs.end());
      listed_once.insert(merge.ancestors.begin(), merge.ancestors.end());
    }
    for (const Merge& merge : merges) {
      if (!was_committed(merge, listed_once, consumed)) {
        interrupted.insert(merge.made.begin(), merge.made.end());
        continue;
      }
      consumed.insert(merge.inputs.begin(), merge.inputs.end());
      replaced_.insert(merge.inputs.begin(), merge.inputs.end());
      replaced_.insert(merge.ancestors.begin(), merge.ancestors.end());
    }
    std::erase_if(found_, [&](const auto& entry) {
      return replaced_.contains(entry.first) || interrupted.contains(entry.first);
    });
    std::erase_if(damaged_, [&](const auto& entry) { return replaced_.contains(entry.first); });
    std::erase_if(old_.hot,
                  [&](const HotRemainder& hot) { return replaced_.contains(hot.record.info.id); });
  }

  // ---- The schema ----

  /// Starts from the catalog's readable measurements and adds measurements and columns that only
  /// the segments have.
  void merge_schema() {
    for (const Measurement& measurement : old_.measurements) {
      schema_.emplace(measurement.id, measurement);
    }
    for (const auto& [id, segment] : found_) {
      Measurement& measurement = schema_[segment.record.info.measurement];
      measurement.id = segment.record.info.measurement;
      if (measurement.name.empty()) measurement.name = segment.measurement;
      for (const Column& column : segment.columns) merge_column(column, measurement);
    }
    // In the order in which they were added, so that no sibling comes first.
    for (auto& [id, measurement] : schema_) {
      std::ranges::sort(measurement.columns, {}, &Column::id);
    }
    // A hot segment's measurement may be lost.
    std::erase_if(old_.hot, [&](const HotRemainder& hot) {
      if (schema_.contains(hot.record.info.measurement)) return false;
      report_.left_out.push_back(fmt::format(
          "segment {} belongs to a measurement whose name is lost", hot.record.info.name));
      return true;
    });
  }

  static void merge_column(const Column& stored, Measurement& measurement) {
    for (Column& column : measurement.columns) {
      if (column.id != stored.id) continue;
      // A column is only ever widened, from integers to f64.
      if (stored.type == ColumnType::kF64) column.type = ColumnType::kF64;
      return;
    }
    Column column = stored;
    // Segments do not store whether an integer exceeds 2^53, so the column may no longer be
    // widened.
    column.beyond_double = stored.type == ColumnType::kI64 || stored.type == ColumnType::kU64;
    measurement.columns.push_back(std::move(column));
  }

  // ---- Files ----

  /// Copies each segment with a damaged header or padding to a new file.
  Status copy_damaged() {
    for (auto& [id, segment] : found_) {
      if (!segment.to_copy) continue;
      SegmentRecord& record = segment.record;
      const FileId file{record.info.measurement, record.info.partition, next_file_number_++};
      EncodedSegment copy;
      copy.bytes = AlignedBytes(segment.to_copy->bytes().subspan(
          record.file_offset + kSegmentHeaderBytes, record.info.byte_size));
      copy.metadata_size = record.metadata_size;
      TOCSIN_TRY(auto writer, SegmentFileWriter::create(directory_, file));
      TOCSIN_TRY(record.file_offset, writer.append(record.info, segment.measurement, copy));
      TOCSIN_RETURN_IF_ERROR(writer.sync());
      TOCSIN_RETURN_IF_ERROR(sync_file_names(directory_, {file.measurement}));
      record.file_number = file.number;
      segment.to_copy = nullptr;
      ++report_.copied_count;
    }
    return {};
  }

  /// Renames files with nothing but damaged segments, because the next writer would remove them as
  /// unlisted.
  Status set_damaged_files_aside() {
    std::set<FileId> needed, done;
    for (const auto& [id, segment] : found_) needed.insert(segment.record.file());
    for (const auto& [id, damaged] : damaged_) {
      if (needed.contains(damaged.file) || !done.insert(damaged.file).second) continue;
      const std::string path = directory_ + "/" + file_path(damaged.file);
      std::error_code error;
      fs::rename(path, path + ".damaged", error);
      if (error) return fail(ErrorCode::kIo, fmt::format("renaming {}: {}", path, error.message()));
    }
    return {};
  }

  // ---- The new catalog ----

  std::string workshop() const { return directory_ + "/repair"; }

  Status write_catalog() {
    std::error_code error;
    fs::remove_all(workshop(), error);
    TOCSIN_RETURN_IF_ERROR(make_folders(workshop()));
    TOCSIN_TRY(auto environment, Environment::open(workshop(), Environment::Mode::kCreate));
    TOCSIN_TRY(Transaction transaction, environment->begin_write());
    TOCSIN_RETURN_IF_ERROR(write_format(transaction, kDatabaseFormat));
    CatalogState state;
    for (auto& [id, measurement] : schema_) {
      std::sort(measurement.columns.begin(), measurement.columns.end(),
                [](const Column& a, const Column& b) { return a.id < b.id; });
      TOCSIN_RETURN_IF_ERROR(write_measurement(transaction, measurement));
      state.next_measurement_id = std::max(state.next_measurement_id, id + 1);
    }
    TOCSIN_RETURN_IF_ERROR(write_segments(transaction));
    for (const SmallChange& change : old_.small) {
      TOCSIN_RETURN_IF_ERROR(apply_change(transaction, change));
    }
    report_.small_entry_count = old_.small.size();
    state.commit_number =
        std::max({last_commit_, old_.state.commit_number, mark_.commit_number}) + 1;
    state.schema_version = old_.state.schema_version + 1;
    state.next_segment_id = std::max(next_segment_id_, old_.state.next_segment_id);
    state.next_file_number = std::max(next_file_number_, old_.state.next_file_number);
    state.next_measurement_id = std::max(state.next_measurement_id, old_.state.next_measurement_id);
    TOCSIN_RETURN_IF_ERROR(write_state(transaction, state));
    commit_number_ = state.commit_number;
    return transaction.commit();
  }

  Status write_segments(Transaction& transaction) {
    for (const auto& [id, segment] : found_) {
      TOCSIN_RETURN_IF_ERROR(write_sealed(transaction, segment.record));
      ++report_.segment_count;
      report_.row_count += segment.record.info.row_count;
    }
    for (const HotRemainder& hot : old_.hot) {
      TOCSIN_RETURN_IF_ERROR(write_hot(transaction, hot.record, hot.body.view()));
      next_segment_id_ = std::max(next_segment_id_, hot.record.info.id + 1);
      ++report_.segment_count;
      ++report_.hot_segment_count;
      report_.row_count += hot.record.info.row_count;
    }
    return {};
  }

  /// Replaces the old catalog by the new one in one step; the old one is kept under a second name.
  Status exchange() {
    const fs::path catalog = fs::path(directory_) / "catalog.mdb";
    std::error_code error;
    if (fs::exists(catalog, error)) {
      fs::path kept = catalog;
      for (int i = 1; fs::exists(kept, error); ++i) {
        kept = fmt::format("{}.damaged-{}", catalog.string(), i);
      }
      fs::create_hard_link(catalog, kept, error);
      if (error) {
        return fail(ErrorCode::kIo,
                    fmt::format("keeping {}: {}", catalog.string(), error.message()));
      }
      report_.old_catalog = kept.filename().string();
    }
    fs::rename(fs::path(workshop()) / "catalog.mdb", catalog, error);
    if (error) {
      return fail(ErrorCode::kIo, fmt::format("renaming {}: {}", workshop(), error.message()));
    }
    fs::remove(catalog.string() + "-lock", error);
    fs::remove_all(workshop(), error);
    write_commit_mark(directory_, {commit_number_, {}});
    return sync_directory(directory_);
  }

  const std::string& directory_;
  const ProgressFunction& progress_;
  struct DamagedSegment {
    FileId file;
    std::string why;
  };

  const CommitMark mark_ = read_commit_mark(directory_);
  SalvagedCatalog old_;
  bool has_listing_ = false;                    // the old catalog decides which segments count
  std::map<uint64_t, FileSegment> found_;       // by segment id
  std::map<uint64_t, DamagedSegment> damaged_;  // by segment id
  std::set<uint64_t> replaced_;
  std::map<MeasurementId, Measurement> schema_;
  uint64_t next_segment_id_ = 1, next_file_number_ = 1, last_commit_ = 0, commit_number_ = 0;
  RepairReport report_;
};

}  // namespace

Result<RepairReport> repair_database(const std::string& directory,
                                     const ProgressFunction& progress) {
  std::error_code error;
  const bool has_catalog = fs::exists(fs::path(directory) / "catalog.mdb", error);
  const bool has_segments = fs::exists(fs::path(directory) / "segments", error);
  const bool has_mark = fs::exists(fs::path(directory) / "commit.mark", error);
  if (!has_catalog && !has_segments && !has_mark) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no database in {}", directory));
  }
  TOCSIN_TRY(const WriterLock lock, WriterLock::acquire(directory));
  return Repair(directory, progress).run();
}

}  // namespace tocsin
