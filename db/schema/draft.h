// The schema as the writer extends it: the published catalog plus uncommitted changes.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "db/schema/batch.h"
#include "db/schema/schema.h"

namespace tocsin {

/// A measurement with an index over its columns' names. Column indexes never change.
class MeasurementDraft {
 public:
  explicit MeasurementDraft(Measurement measurement);

  const Measurement& get() const { return measurement_; }
  const Column& column(size_t index) const { return measurement_.columns[index]; }
  /// The index of the first column of that name, or SIZE_MAX if there is none.
  size_t find(std::string_view name) const;
  /// The same for the column of that name and type, in linear time.
  size_t find(std::string_view name, ColumnType type) const;
  size_t add(std::string_view name, ColumnType type, ColumnKind kind);
  void widen_to_f64(size_t index);
  void mark_beyond_double(size_t index);
  bool is_changed() const { return changed_; }
  void set_changed(bool changed) { changed_ = changed; }

 private:
  Measurement measurement_;
  std::unordered_map<std::string, size_t, NameHash, std::equal_to<>> index_;
  bool changed_ = false;
};

/// Used only by the writer thread.
class SchemaDraft {
 public:
  SchemaDraft(std::shared_ptr<const Catalog> catalog, MeasurementId next_id);

  MeasurementDraft* find(std::string_view name);
  /// Requires: there is no measurement of that name, and size() < kMeasurementCountMax.
  MeasurementDraft& add(std::string_view name);
  /// Requires: there is a measurement of that id.
  const std::string& name_of(MeasurementId id) const { return name_by_id_.at(id); }
  size_t size() const { return measurements_.size(); }
  MeasurementId next_id() const { return next_id_; }

  /// Measurements that were added or changed since the last publish().
  std::vector<const Measurement*> changed() const;
  /// The catalog with all changes, which are no longer reported by changed(). The same object as
  /// before if there were none.
  std::shared_ptr<const Catalog> publish();
  const std::shared_ptr<const Catalog>& published() const { return catalog_; }

 private:
  std::shared_ptr<const Catalog> catalog_;  // shared with snapshots; immutable
  std::deque<MeasurementDraft> measurements_;
  std::unordered_map<std::string, MeasurementDraft*, NameHash, std::equal_to<>> by_name_;
  std::unordered_map<MeasurementId, std::string> name_by_id_;
  MeasurementId next_id_;
};

}  // namespace tocsin
