#include "query/vector/program.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "db/base/check.h"
#include "db/base/exact_integer.h"

namespace tocsin {
namespace {

bool is_comparison(Function f) { return f >= Function::kEqual && f <= Function::kGreaterEqual; }

// The same number in another type, if the conversion is exact, so that a column and a literal are
// compared in the column's type.
std::optional<Value> exact_number(const Value& value, ValueType type) {
  if (const auto* i = std::get_if<int64_t>(&value.data)) {
    if (type == ValueType::kF64 && *i <= kExactIntegerMax && *i >= -kExactIntegerMax) {
      return Value::of(static_cast<double>(*i));
    }
    if (type == ValueType::kU64 && *i >= 0) return Value::of(static_cast<uint64_t>(*i));
  } else if (const auto* d = std::get_if<double>(&value.data)) {
    if (std::trunc(*d) != *d || std::fabs(*d) > static_cast<double>(kExactIntegerMax))
      return std::nullopt;
    if (type == ValueType::kI64) return Value::of(static_cast<int64_t>(*d));
    if (type == ValueType::kU64 && *d >= 0) return Value::of(static_cast<uint64_t>(*d));
  }
  return std::nullopt;
}

}  // namespace

Program::Program(std::span<const PlanColumn> source_columns) {
  for (uint32_t i = 0; i < source_columns.size(); ++i) {
    Node node;
    node.kind = Node::Kind::kSource;
    node.type = source_columns[i].type;
    node.column = i;
    node.only_column = i;
    nodes.push_back(std::move(node));
    columns.push_back(i);
  }
  source_count_ = nodes.size();
}

NodeId Program::add_node(Node node) {
  const auto equal =
      std::find(nodes.begin() + static_cast<ptrdiff_t>(source_count_), nodes.end(), node);
  if (equal != nodes.end()) return static_cast<NodeId>(equal - nodes.begin());
  nodes.push_back(std::move(node));
  return static_cast<NodeId>(nodes.size() - 1);
}

NodeId Program::add(const Expression& expression) {
  if (expression.kind == Expression::Kind::kColumn) return columns.at(expression.column);
  Node node;
  node.type = expression.type;
  if (expression.kind == Expression::Kind::kLiteral) {
    node.literal = expression.literal;
    return add_node(std::move(node));
  }
  if (expression.function == Function::kNow) {
    node.kind = Node::Kind::kNow;
    return add_node(std::move(node));
  }
  node.kind = Node::Kind::kCall;
  node.function = expression.function;
  bool one_column = true;
  const bool long_list = (node.function == Function::kIn || node.function == Function::kNotIn) &&
                         expression.arguments.size() > kListComparedMax + 1;
  for (const Expression& argument : expression.arguments) {
    const bool list_item = long_list && &argument != &expression.arguments.front();
    const NodeId id = list_item ? add_list_item(argument) : add(argument);
    node.arguments.push_back(id);
    const Node& added = nodes[id];
    if (added.kind == Node::Kind::kLiteral) continue;
    if (added.only_column == kNoColumn ||
        (node.only_column != kNoColumn && node.only_column != added.only_column)) {
      one_column = false;
    }
    node.only_column = added.only_column;
  }
  if (!one_column) node.only_column = kNoColumn;
  if (is_comparison(node.function)) {
    TOCSIN_CHECK(node.arguments.size() == 2);
    const NodeId a = node.arguments[0];
    const NodeId b = node.arguments[1];
    for (const auto& [literal, other] : {std::pair{a, b}, std::pair{b, a}}) {
      if (nodes[literal].kind != Node::Kind::kLiteral) continue;
      if (const auto exact = exact_number(nodes[literal].literal, nodes[other].type)) {
        Node adapted;
        adapted.literal = *exact;
        adapted.type = exact->type;
        std::ranges::replace(node.arguments, literal, add_node(std::move(adapted)));
        break;
      }
    }
  }
  return add_node(std::move(node));
}

// Does not search for an equal node, because a list may have thousands of items.
NodeId Program::add_list_item(const Expression& literal) {
  TOCSIN_CHECK(literal.kind == Expression::Kind::kLiteral);
  Node node;
  node.type = literal.type;
  node.literal = literal.literal;
  node.list_item = true;
  nodes.push_back(std::move(node));
  return static_cast<NodeId>(nodes.size() - 1);
}

// A conjunction becomes several filters. Each is evaluated only for the rows that passed the ones
// before, and reads its columns only for those.
void Program::add_filter(const Expression& condition) {
  if (condition.kind == Expression::Kind::kCall && condition.function == Function::kAnd) {
    for (const Expression& part : condition.arguments) add_filter(part);
    return;
  }
  filters.push_back(add(condition));
}

void Program::add_let(const LetStage& let, size_t output_count) {
  std::vector<NodeId> defined;
  for (const NamedExpression& definition : let.definitions) {
    defined.push_back(add(definition.expression));
  }
  columns.resize(output_count);
  for (size_t i = 0; i < defined.size(); ++i) columns.at(let.outputs[i]) = defined[i];
}

bool Program::add_stage(const Stage& stage) {
  if (const auto* filter = std::get_if<FilterStage>(&stage.operation)) {
    add_filter(filter->condition);
  } else if (const auto* let = std::get_if<LetStage>(&stage.operation)) {
    add_let(*let, stage.columns.size());
  } else if (const auto* project = std::get_if<ProjectStage>(&stage.operation)) {
    std::vector<NodeId> kept;
    for (const uint32_t column : project->columns) kept.push_back(columns.at(column));
    columns = std::move(kept);
  } else {
    return false;
  }
  return true;
}

}  // namespace tocsin
