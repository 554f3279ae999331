// The state of the checker: the columns in scope, and the context of a whole run.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "db/schema/schema.h"
#include "query/base/options.h"
#include "query/function/scalar.h"
#include "query/parser/ast.h"
#include "query/parser/diagnostic.h"
#include "query/plan/plan.h"

namespace tocsin {

/// A value below which a column never is.
struct LowerBound {
  Value min;
  bool above = false;  ///< `min` itself is excluded
  std::string reason;  ///< a sentence for messages: why, and what to do
};

struct ScopeColumn {
  std::string name;
  ValueType type = ValueType::kNull;
  bool unknown = false;        ///< in a rule: no measurement has it yet; it is null
  bool zero_if_empty = false;  ///< count, count_distinct or sum: 0 without rows
  /// Range of its times, if the same in every run.
  std::optional<TimeRange> range = {};
  std::optional<LowerBound> bound = {};
  /// The measurements of the query that do not have this column, as listed for a message; empty if
  /// all have it.
  std::string lacking = {};
  /// The stored column that they lack, if this one is computed from it.
  std::string lacking_column = {};
  std::optional<Function> letter_case = {};  ///< kLower or kUpper: a text converted by it
  bool never_null = false;                   ///< computed by an `if` or a `coalesce`
  /// Of a condition: why no row meets it, as from find_contradiction.
  std::optional<std::string> never_true = {};
  /// Of a condition: the warnings for a `where` on it, as from find_dropped_rows.
  std::vector<std::string> dropped_rows = {};
  bool sibling = false;  ///< as in PlanColumn
};

/// The columns that a stage reads, by index, and the facts about them that later stages need.
class Scope {
 public:
  /// True until a stage replaces the source's columns: until then, a name may be a column that no
  /// measurement has yet.
  bool open = false;
  std::vector<uint32_t> keys;           ///< of the last stats, in its order
  bool keys_complete = true;            ///< no key has been dropped or replaced
  std::optional<uint32_t> time_bucket;  ///< the key that is time(bucket)
  Duration bucket = 0;

  /// Records that the times of the source are within `range`.
  void limit_time(TimeRange range) { columns_[0].range = range; }
  void set_lacking(uint32_t index, std::string measurements) {
    columns_[index].lacking = std::move(measurements);
  }

  size_t size() const { return columns_.size(); }
  const ScopeColumn& at(size_t index) const { return columns_[index]; }
  std::optional<uint32_t> find(std::string_view name) const;  ///< never a sibling
  /// Whether the column was a sibling of a column that has been replaced.
  bool is_retired(uint32_t index) const {
    return columns_[index].sibling && columns_[index].name.empty();
  }
  bool has_siblings(uint32_t index) const {
    return !siblings_.empty() && !columns_[index].sibling &&
           siblings_.contains(columns_[index].name);
  }
  /// The column, then its siblings.
  std::vector<uint32_t> family(uint32_t index) const;
  /// Requires: the column is a sibling, or !find(column.name).
  uint32_t add(ScopeColumn column);
  /// Also removes the old column's siblings from its family.
  void replace(uint32_t index, ScopeColumn column);
  /// Call for a stage that adds rows without values: only columns from `end` on keep their bounds
  /// and what follows from bounds.
  void clear_bounds_before(size_t end) {
    for (size_t i = 0; i < end; ++i) {
      columns_[i].bound.reset();
      columns_[i].never_true.reset();
      columns_[i].never_null = false;
    }
  }
  /// The scope after a stage that keeps only these columns, in this order.
  Scope project(const std::vector<uint32_t>& columns) const;

  std::vector<PlanColumn> plan_columns() const;
  std::vector<std::string> names() const;  ///< without siblings

 private:
  std::vector<ScopeColumn> columns_;
  std::unordered_map<std::string, uint32_t> index_;  // without siblings
  std::unordered_map<std::string, std::vector<uint32_t>> siblings_;
};

/// One run of the checker over one text; the first fault ends it.
struct CheckContext {
  CheckContext(std::string_view query_text, const QueryOptions& query_options, Timestamp at,
               Diagnostic& out)
      : text(query_text),
        options(query_options),
        now(at),
        diagnostic(out),
        scalar(at, query_options.zone) {}

  std::string_view text;
  const QueryOptions& options;
  Timestamp now;
  Diagnostic& diagnostic;
  ScalarContext scalar;
  const Catalog* catalog = nullptr;         ///< for messages: which measurements have a column
  std::string source_names;                 ///< as in `no column x in audit, bpm`
  std::vector<std::string> source_columns;  ///< for messages: whether a stage removed a column
  /// In rule mode: an unknown column that the source might get later. The run must
  /// start again with it.
  std::optional<std::string> unknown_column;
  std::vector<std::string> warnings;
  /// Of measurements and columns that are not stored yet.
  std::vector<std::string> schema_warnings;
  bool has_baseline = false;  ///< an earlier stage is a baseline
  size_t pattern_count = 0;
  size_t constant_bytes = 0;  ///< of the texts that the checker computed

  /// Adds a warning, unless there is one with the same text.
  void warn_once(std::string warning);
  /// Sets the diagnostic and returns false.
  bool fault(TextSpan span, std::string message, std::string hint = "");
  /// The fault for a name that is not in `scope`.
  bool unknown_name(const ast::Name& name, const Scope& scope);
  /// The measurements that have the column, as `bpm` or `bpm` and 2 more; empty if none.
  std::string owners_of(std::string_view column) const;
  /// The index of the column; nothing with a fault, or with `unknown_column` set.
  std::optional<uint32_t> resolve(const ast::Name& name, const Scope& scope);
};

/// `a number (f64)`, `a string`, `a time`.
std::string describe(ValueType type);
/// The names for a message, joined by commas; only the first ones if there are many.
std::string list_names(const std::vector<std::string>& names);

}  // namespace tocsin
