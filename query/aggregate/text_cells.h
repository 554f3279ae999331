// One string per group, for min, max, first and last of strings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "query/aggregate/key_values.h"
#include "query/base/large_memory.h"
#include "query/vector/vector.h"

namespace tocsin {

/// A string from a dictionary is kept once for all groups that share it, and costs each group four
/// bytes. Any other string is owned by its group. Not thread-safe.
class TextCells {
 public:
  size_t size() const { return cells_.size(); }
  void resize(size_t group_count) { cells_.resize(group_count); }
  void reserve(size_t group_count) { cells_.reserve(group_count); }
  bool is_empty(size_t group) const { return cells_[group] == 0; }
  /// The view lives until the group's next set(). Requires: the group is not empty.
  std::string_view at(size_t group) const {
    const uint32_t cell = cells_[group];
    return cell & kOwned ? std::string_view(owned_[cell & ~kOwned]) : shared_[cell - 1];
  }
  /// Prepares set() for the rows of a vector.
  void begin(const Vector& vector, std::span<const uint32_t> rows) {
    if (!vector.dictionary) return;
    numbers_.resize(rows.size());
    values_.number(vector, rows, numbers_);
    add_shared();
  }
  /// Sets a group to row rows[i] of the vector passed to begin(). Requires: the row is not null.
  void set(size_t group, const Vector& vector, std::span<const uint32_t> rows, size_t i) {
    if (!vector.dictionary) return set_owned(group, vector.text[rows[i]]);
    release(group);
    cells_[group] = numbers_[i];
  }
  /// Whether all rows passed to begin() and all groups have strings from dictionaries, or none.
  /// Then `numbers()[i]` is the cell for rows[i], 0 for null, and cell() may be set to it directly.
  bool all_shared(const Vector& vector) const { return vector.dictionary && owned_.empty(); }
  std::span<const uint32_t> numbers() const { return numbers_; }
  uint32_t& cell(size_t group) { return cells_[group]; }
  /// Prepares copy() from another thread's cells.
  std::vector<uint32_t> absorb_shared(const TextCells& from) {
    std::vector<uint32_t> map = values_.absorb(from.values_);
    add_shared();
    return map;
  }
  /// Copies the string of a group of `from`, which is not empty. `map` is the result of
  /// absorb_shared(from).
  void copy(size_t group, const TextCells& from, size_t from_group, std::span<const uint32_t> map) {
    const uint32_t cell = from.cells_[from_group];
    if (cell & kOwned) return set_owned(group, from.at(from_group));
    release(group);
    cells_[group] = map[cell];
  }
  /// Appends the strings of all groups, null if empty. Copies them to `arena`, each shared string
  /// once.
  void append_to(TableColumn& out, StringArena& arena) const {
    std::vector<std::string_view> kept(shared_.size());
    for (size_t group = 0; group < cells_.size(); ++group) {
      if (is_empty(group)) {
        out.append_null();
        continue;
      }
      std::string_view text = at(group);
      const uint32_t cell = cells_[group];
      if (cell & kOwned) {
        text = arena.keep(text);
      } else {
        std::string_view& place = kept[cell - 1];
        if (place.empty()) place = arena.keep(text);
        text = place;
      }
      out.valid.push_back(1);
      out.text.push_back(text);
    }
  }
  void set_owned(size_t group, std::string_view text) {
    if (!(cells_[group] & kOwned)) {
      if (free_.empty()) {
        free_.push_back(static_cast<uint32_t>(owned_.size()));
        owned_.emplace_back();
      }
      cells_[group] = free_.back() | kOwned;
      free_.pop_back();
    }
    std::string& place = owned_[cells_[group] & ~kOwned];
    heap_bytes_ += text.size() - place.size();
    place = text;
  }
  size_t memory_bytes() const {
    return cells_.capacity() * sizeof(uint32_t) + owned_.capacity() * sizeof(std::string) +
           heap_bytes_ + values_.memory_bytes();
  }

 private:
  static constexpr uint32_t kOwned = uint32_t{1} << 31;

  void add_shared() {
    while (shared_.size() < values_.count()) {
      shared_.push_back(values_.text(static_cast<uint32_t>(shared_.size()) + 1));
    }
  }
  void release(size_t group) {
    if (cells_[group] & kOwned) free_.push_back(cells_[group] & ~kOwned);
  }

  // By group: the number of a string in `values_`, or kOwned and an index of `owned_`; 0: empty.
  std::vector<uint32_t, LargeAllocator<uint32_t>> cells_;
  KeyValues values_{ValueType::kString};  // the strings from dictionaries
  std::vector<std::string_view> shared_;  // the texts of values_, by number - 1
  std::vector<std::string> owned_;
  std::vector<uint32_t> free_;  // unused indexes of owned_
  size_t heap_bytes_ = 0;
  std::vector<uint32_t> numbers_;  // scratch
};

}  // namespace tocsin
