// Expressions compiled to a list of nodes: arguments come before the nodes that use them, and equal
// nodes are shared.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/plan/plan.h"

namespace tocsin {

using NodeId = uint32_t;
inline constexpr uint32_t kNoColumn = UINT32_MAX;
/// Lists of `in` with more values are looked up in a set; shorter ones are compared one by one.
inline constexpr size_t kListComparedMax = 8;

struct Node {
  enum class Kind : uint8_t { kLiteral, kSource, kNow, kCall };

  Kind kind = Kind::kLiteral;
  ValueType type = ValueType::kNull;
  Value literal;                       // kLiteral
  uint32_t column = 0;                 // kSource: index in the ColumnSource
  Function function = Function::kAnd;  // kCall
  std::vector<NodeId> arguments;       // kCall
  /// The only source column that the value depends on, so that it may be computed once per entry of
  /// the column's dictionary. kNoColumn if it depends on none, on several, or on now().
  uint32_t only_column = kNoColumn;
  /// A literal in a long `in` list: its vector has only one row.
  bool list_item = false;

  bool operator==(const Node&) const = default;
};

/// The filters, lets and projections between a source and the first stage that needs all rows, as
/// nodes over source columns. Immutable once built; shared by threads.
struct Program {
  std::vector<Node> nodes;
  std::vector<NodeId> filters;  ///< boolean; a row is kept if all hold
  std::vector<NodeId> columns;  ///< the node of each column after the last stage added

  /// Starts with the columns of a source, where column i is node i.
  explicit Program(std::span<const PlanColumn> source_columns);

  /// Adds a filter, let or project stage. Returns false, changing nothing, for any other stage.
  bool add_stage(const Stage& stage);
  /// The node of an expression over the current `columns`.
  NodeId add(const Expression& expression);

 private:
  void add_filter(const Expression& condition);
  void add_let(const LetStage& let, size_t output_count);
  NodeId add_list_item(const Expression& literal);
  NodeId add_node(Node node);  // reuses an equal node

  size_t source_count_ = 0;
};

}  // namespace tocsin
