#include "db/write/shared_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/limits.h"
#include "db/schema/own_columns.h"

namespace tocsin {
namespace {

/// Visits the records of hot and sealed segments that overlap the scope, by measurement id.
Status walk_scope(const Transaction& transaction, const Catalog& catalog,
                  const SnapshotScope& scope, const VisitSegment& visit) {
  if (scope.range.start >= scope.range.end) return {};
  std::set<MeasurementId> ids;
  for (const std::string& name : scope.measurements) {
    if (const Measurement* measurement = catalog.find(name)) ids.insert(measurement->id);
  }
  const auto visit_overlapping = [&](const SegmentRecord& record, ByteView body) -> Status {
    if (!scope.range.overlaps(record.info.min_time, record.info.max_time)) return {};
    return visit(record, body);
  };
  for (MeasurementId id : ids) {
    const PartitionRange days{id, partition_of(scope.range.start), partition_of(scope.range.end)};
    TOCSIN_RETURN_IF_ERROR(
        walk_segments(transaction, CatalogTable::kSealed, days, visit_overlapping));
    TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, CatalogTable::kHot, days, visit_overlapping));
  }
  return {};
}

bool comes_before(const SegmentInfo& a, const SegmentInfo& b) {
  return std::tie(a.measurement, a.min_time, a.id) < std::tie(b.measurement, b.min_time, b.id);
}

}  // namespace

int64_t partition_of(Timestamp time) {
  const int64_t day = time / kDay;
  return day * kDay > time ? day - 1 : day;
}

bool FileLeases::acquire(const FileId& file) {
  MutexLock lock(mutex_);
  return leased_.insert(file).second;
}

void FileLeases::release(const FileId& file) {
  MutexLock lock(mutex_);
  leased_.erase(file);
}

Store::Store(std::string dir, DatabaseOptions opts, std::shared_ptr<Environment> env)
    : directory(std::move(dir)),
      options(std::move(opts)),
      clock(options.clock != nullptr ? *options.clock : system_clock),
      clock_guard(clock, options.future_max, options.retention_grace),
      environment(std::move(env)),
      cache(directory) {}

Result<std::shared_ptr<const Catalog>> Store::catalog_of(const Transaction& transaction,
                                                         const CatalogState& state) {
  {
    MutexLock lock(catalog_mutex_);
    if (schema_version_ == state.schema_version) return catalog_;
  }
  TOCSIN_TRY(auto catalog, read_catalog(transaction));
  MutexLock lock(catalog_mutex_);
  if (state.schema_version > schema_version_) {
    catalog_ = catalog;
    schema_version_ = state.schema_version;
  }
  return catalog;
}

void Store::remember(std::shared_ptr<const Catalog> catalog, uint64_t schema_version) {
  MutexLock lock(catalog_mutex_);
  catalog_ = std::move(catalog);
  schema_version_ = schema_version;
}

std::shared_ptr<const Catalog> Store::remembered() {
  MutexLock lock(catalog_mutex_);
  return catalog_;
}

Result<Snapshot> Store::try_snapshot(const SnapshotScope& scope) {
  TOCSIN_TRY(Transaction transaction, environment->begin_read());
  TOCSIN_TRY(CatalogState state, read_state(transaction));
  Snapshot snapshot;
  snapshot.commit_number = state.commit_number;
  TOCSIN_TRY(snapshot.catalog, catalog_of(transaction, state));
  TOCSIN_RETURN_IF_ERROR(walk_scope(transaction, *snapshot.catalog, scope,
                                    [&](const SegmentRecord& record, ByteView body) -> Status {
                                      TOCSIN_TRY(auto segment, cache.open(record, body));
                                      snapshot.segments.push_back(std::move(segment));
                                      return {};
                                    }));
  std::sort(snapshot.segments.begin(), snapshot.segments.end(),
            [](const auto& a, const auto& b) { return comes_before(a->info(), b->info()); });
  return snapshot;
}

Result<Snapshot> Store::take_snapshot(const SnapshotScope& scope) {
  auto snapshot = try_snapshot(scope);
  if (snapshot || snapshot.error().code != ErrorCode::kNotFound) return snapshot;
  // The file may have been retired meanwhile; then a newer view no longer lists it.
  snapshot = try_snapshot(scope);
  if (snapshot || snapshot.error().code != ErrorCode::kNotFound) return snapshot;
  return fail(ErrorCode::kCorrupt,
              snapshot.error().message + ", but the catalog lists it; see `tocsin repair`");
}

Result<std::vector<SegmentInfo>> Store::segment_infos(const SnapshotScope& scope) {
  TOCSIN_TRY(Transaction transaction, environment->begin_read());
  TOCSIN_TRY(CatalogState state, read_state(transaction));
  TOCSIN_TRY(auto catalog, catalog_of(transaction, state));
  std::vector<SegmentInfo> infos;
  TOCSIN_RETURN_IF_ERROR(walk_scope(transaction, *catalog, scope,
                                    [&](const SegmentRecord& record, ByteView) -> Status {
                                      infos.push_back(record.info);
                                      return {};
                                    }));
  std::sort(infos.begin(), infos.end(), comes_before);
  return infos;
}

Duration Store::retention_of(std::string_view measurement) const {
  for (const auto& [name, retention] : options.measurement_retention) {
    if (name == measurement) return retention;
  }
  if (measurement == kRejectedMeasurement) return kRejectedRetention;
  if (measurement == kEventLagMeasurement) return kEventLagRetention;
  return options.retention;
}

}  // namespace tocsin
