#include "db/schema/draft.h"

#include <algorithm>

namespace tocsin {

MeasurementDraft::MeasurementDraft(Measurement measurement) : measurement_(std::move(measurement)) {
  for (size_t i = 0; i < measurement_.columns.size(); ++i) {
    index_.emplace(measurement_.columns[i].name, i);
  }
}

size_t MeasurementDraft::find(std::string_view name) const {
  auto it = index_.find(name);
  return it == index_.end() ? SIZE_MAX : it->second;
}

size_t MeasurementDraft::find(std::string_view name, ColumnType type) const {
  for (size_t i = 0; i < measurement_.columns.size(); ++i) {
    const Column& column = measurement_.columns[i];
    if (column.type == type && column.name == name) return i;
  }
  return SIZE_MAX;
}

size_t MeasurementDraft::add(std::string_view name, ColumnType type, ColumnKind kind) {
  // Ids ascend. After a repair, some may be missing.
  const ColumnId last = measurement_.columns.empty() ? 0 : measurement_.columns.back().id;
  Column& column = measurement_.columns.emplace_back();
  column.id = last + 1;
  column.name = name;
  column.type = type;
  column.kind = kind;
  changed_ = true;
  index_.emplace(column.name, measurement_.columns.size() - 1);
  return measurement_.columns.size() - 1;
}

void MeasurementDraft::widen_to_f64(size_t index) {
  measurement_.columns[index].type = ColumnType::kF64;
  changed_ = true;
}

void MeasurementDraft::mark_beyond_double(size_t index) {
  measurement_.columns[index].beyond_double = true;
  changed_ = true;
}

SchemaDraft::SchemaDraft(std::shared_ptr<const Catalog> catalog, MeasurementId next_id)
    : catalog_(std::move(catalog)), next_id_(next_id) {
  for (const auto& [name, measurement] : catalog_->measurements) {
    by_name_.emplace(name, &measurements_.emplace_back(measurement));
    name_by_id_.emplace(measurement.id, name);
  }
}

MeasurementDraft* SchemaDraft::find(std::string_view name) {
  auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

MeasurementDraft& SchemaDraft::add(std::string_view name) {
  Measurement measurement;
  measurement.id = next_id_++;
  measurement.name = name;
  MeasurementDraft& draft = measurements_.emplace_back(std::move(measurement));
  draft.set_changed(true);
  by_name_.emplace(name, &draft);
  name_by_id_.emplace(draft.get().id, name);
  return draft;
}

std::vector<const Measurement*> SchemaDraft::changed() const {
  std::vector<const Measurement*> changed;
  for (const MeasurementDraft& draft : measurements_) {
    if (draft.is_changed()) changed.push_back(&draft.get());
  }
  return changed;
}

std::shared_ptr<const Catalog> SchemaDraft::publish() {
  std::shared_ptr<Catalog> next;
  for (MeasurementDraft& draft : measurements_) {
    if (!draft.is_changed()) continue;
    if (!next) next = std::make_shared<Catalog>(*catalog_);
    next->measurements.insert_or_assign(draft.get().name, draft.get());
    draft.set_changed(false);
  }
  if (next) catalog_ = std::move(next);
  return catalog_;
}

}  // namespace tocsin
