// Expressions made ready to run: a list of nodes, arguments before their users, columns shared.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/plan/plan.h"

namespace tocsin {

using NodeId = uint32_t;
inline constexpr uint32_t kNoColumn = UINT32_MAX;
/// Up to so many values of an `in` are compared one by one; more are looked up in a set.
inline constexpr size_t kListComparedMax = 8;

struct Node {
  enum class Kind : uint8_t { kLiteral, kSource, kNow, kCall };

  Kind kind = Kind::kLiteral;
  ValueType type = ValueType::kNull;
  Value literal;                       // kLiteral
  uint32_t column = 0;                 // kSource: of the ColumnSource
  Function function = Function::kAnd;  // kCall
  std::vector<NodeId> arguments;       // kCall
  /// The one source column that the value depends on; kNoColumn when there is none or several, or
  /// when it depends on now(). Such a value may be computed once per dictionary entry.
  uint32_t only_column = kNoColumn;
  /// A literal of a long list of `in`: its vector has one row only.
  bool list_item = false;

  bool operator==(const Node&) const = default;
};

/// The filters, lets and projections between a source and the first stage that needs all rows, as
/// nodes over source columns. Immutable once built; shared by threads.
struct Program {
  std::vector<Node> nodes;
  std::vector<NodeId> filters;  ///< boolean; a row stays when all hold
  std::vector<NodeId> columns;  ///< the node of each column after the last stage taken in

  /// Starts with the columns of a source: column i is node i.
  explicit Program(std::span<const PlanColumn> source_columns);

  /// Takes in a filter, let or project stage; false for any other, and nothing is changed.
  bool take(const Stage& stage);
  /// The node of an expression over the current `columns`.
  NodeId add(const Expression& expression);

 private:
  void add_filter(const Expression& condition);
  void add_let(const LetStage& let, size_t output_count);
  NodeId add_list_item(const Expression& literal);
  NodeId add_node(Node node);  // an equal node is used again

  size_t source_count_ = 0;
};

}  // namespace tocsin
