// What the checker knows while it walks a query: the columns in sight, and the run as a whole.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "db/schema/schema.h"
#include "query/base/options.h"
#include "query/function/scalar.h"
#include "query/parser/ast.h"
#include "query/parser/diagnostic.h"
#include "query/plan/plan.h"

namespace tocsin {

struct ScopeColumn {
  std::string name;
  ValueType type = ValueType::kNull;
  bool unknown = false;                 ///< in a rule: no measurement has it (yet); it is null
  bool zero_if_empty = false;           ///< count, count_distinct or sum: 0 where there are no rows
  std::optional<TimeRange> range = {};  ///< that its times lie in, if that is the same in every run
};

/// The columns that a stage reads, by index, with what later stages need to know about them.
class Scope {
 public:
  /// True until a stage replaces the source's columns: then a name may be one that no measurement
  /// has yet.
  bool open = false;
  std::vector<uint32_t> keys;           ///< of the last stats, in its order
  bool keys_complete = true;            ///< no key was dropped or replaced since
  std::optional<uint32_t> time_bucket;  ///< the key that is time(bucket)
  Duration bucket = 0;

  /// Says that the times of the source lie in this range.
  void limit_time(TimeRange range) { columns_[0].range = range; }

  size_t size() const { return columns_.size(); }
  const ScopeColumn& at(size_t index) const { return columns_[index]; }
  std::optional<uint32_t> find(std::string_view name) const;
  uint32_t add(ScopeColumn column);  ///< Requires: find(column.name) is nothing
  void replace(uint32_t index, ScopeColumn column);
  /// The scope after a stage that keeps only these columns, in this order.
  Scope project(const std::vector<uint32_t>& columns) const;

  std::vector<PlanColumn> plan_columns() const;
  std::vector<std::string> names() const;

 private:
  std::vector<ScopeColumn> columns_;
  std::unordered_map<std::string, uint32_t> index_;
};

/// One run of the checker over one text. The first fault ends it.
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
  const Catalog* catalog = nullptr;         ///< to tell which measurement has a column
  std::string source_names;                 ///< as in `no column x in audit, bpm`
  std::vector<std::string> source_columns;  ///< to tell what a stage has left behind
  /// A measurement of Tocsin's own has no row yet, so that its columns are unknown: they are null.
  bool forgiving = false;
  /// Rule mode, or forgiving: a name that the source might have one day. The run must start again
  /// with it.
  std::optional<std::string> unknown_column;
  std::vector<std::string> warnings;
  bool has_baseline = false;  ///< a baseline stage stands before

  /// Fills the diagnostic; always false, to be returned.
  bool fault(TextSpan span, std::string message, std::string hint = "");
  /// The fault for a name that `scope` does not have.
  bool unknown_name(const ast::Name& name, const Scope& scope);
  /// `bpm`, or `bpm` and 2 more: the measurements that have a column of that name; empty if none.
  std::string owners_of(std::string_view column) const;
  /// The column of that name; nothing with a fault, or with `unknown_column` set.
  std::optional<uint32_t> resolve(const ast::Name& name, const Scope& scope);
};

/// `a number (f64)`, `a string`, `a time`.
std::string describe(ValueType type);

}  // namespace tocsin
