// Evaluates a Program's nodes over the rows of one source, a vector at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "query/base/budget.h"
#include "query/function/scalar.h"
#include "query/vector/program.h"
#include "query/vector/vector.h"

namespace tocsin {

struct ListSet;
class TextSearch;

/// Evaluates expressions for one thread. Usage: bind a source, then for each vector call begin,
/// filter and value. Columns are read and nodes computed on the first request, for the rows that
/// are still selected then. `program` and `budget` must outlive it; the source must live until the
/// next bind. Long work stops with the errors of the budget, which also counts all memory.
class Evaluator {
 public:
  Evaluator(const Program& program, Budget& budget, Timestamp now, const TimeZone& zone);
  ~Evaluator();
  Evaluator(Evaluator&&) noexcept;

  void bind(ColumnSource& source);
  /// Rows [start, start + count) of the source, all selected. Requires: count <= kVectorRows.
  void begin(size_t start, size_t count);
  /// Sets the value of now() for each row of the current vector; empty: the plan's now() for all.
  void set_now(std::span<const Timestamp> now) { row_now_ = now; }

  size_t row_count() const { return count_; }
  std::span<const uint32_t> rows() const { return {rows_.data(), selected_}; }
  /// Keeps the selected rows whose mask is set.
  void select(std::span<const uint8_t> mask);
  /// Keeps the rows for which every filter of the program holds.
  Status filter();
  /// False if the dictionaries and statistics of the bound source show that no row passes the
  /// program's filters.
  Result<bool> may_match();

  /// The values of a node for the selected rows; other rows have unspecified but valid values.
  /// Lives until the next begin.
  Result<const Vector*> value(NodeId node);
  /// The same for use as a group key: a string column may be represented by the numbers that its
  /// strings spell.
  Result<const Vector*> key(NodeId node);

 private:
  struct Slot {
    Vector vector;
    uint64_t epoch = 0;
  };
  /// A node's values for every entry of a dictionary, followed by its value for null.
  struct EntryTable {
    uint64_t serial = 0;  // of that dictionary
    Vector values;
    std::vector<uint32_t> codes;  // strings: entry -> code in `dictionary`
    Dictionary dictionary;
    StringArena arena;

    size_t memory_bytes() const;
  };

  /// The results of a TextSearch in each template of one column of the bound source.
  struct TemplateTable {
    uint64_t bound = 0;              // the value of `bound_` for that source
    std::vector<TextMatch> matches;  // empty: the column has no templates
    Vector ids, texts;
    std::vector<uint32_t> unknown_rows;
  };

  Result<bool> range_may_match(const Node& node);
  Result<TemplateTable*> template_table(NodeId node);
  Result<bool> by_templates(NodeId node, Vector& out);
  Result<const EntryTable*> entry_table(NodeId node);
  Result<bool> by_dictionary(NodeId node, Vector& out);
  Status call(NodeId node, Vector& out);
  Result<const Vector*> chosen(NodeId node, size_t argument, const Vector& condition);
  Status count_buffers(size_t before, size_t after);
  Status search(NodeId node, Vector& out);
  Status check_pattern(const Node& node, const Vector& text);
  void fill_now(Vector& out);

  const Program& program_;
  Budget& budget_;
  MemoryGauge gauge_;
  size_t buffers_counted_ = 0;  // of buffer_bytes_, those in gauge_
  size_t buffer_bytes_ = 0;     // of the vectors in slots_, without the texts that they keep
  ScalarContext scalar_;        // now, zone, compiled patterns
  ColumnSource* source_ = nullptr;
  size_t start_ = 0;
  size_t count_ = 0;
  uint64_t epoch_ = 1;
  uint64_t bound_ = 0;  // the number of bind() calls
  std::vector<uint32_t> rows_;
  size_t selected_ = 0;
  std::span<const Timestamp> row_now_;
  std::vector<Slot> slots_;                                      // by node
  std::vector<Slot> key_slots_;                                  // by node: its value as a key
  std::vector<std::unique_ptr<TemplateTable>> template_tables_;  // by node
  std::vector<std::unique_ptr<EntryTable>> entry_tables_;        // by node
  std::vector<std::unique_ptr<ListSet>> lists_;                  // by node
  std::vector<std::unique_ptr<TextSearch>> searches_;            // by node; null: another call
  std::unique_ptr<Evaluator> entry_evaluator_;                   // over a dictionary's entries
  /// For arguments of an `if` that are computed only for the rows in which they are chosen; by the
  /// node of the `if` and the argument. Without any of their own.
  std::map<std::pair<NodeId, size_t>, std::unique_ptr<Evaluator>> chosen_evaluators_;
  bool may_choose_ = true;
  uint64_t owner_bound_ = 0;  // if one of these: the owner's `bound_` when it was bound
};

}  // namespace tocsin
