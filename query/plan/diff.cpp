#include "query/plan/diff.h"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

Expression diff_call(Function function, std::vector<Expression> arguments) {
  Expression out;
  out.kind = Expression::Kind::kCall;
  out.type = ValueType::kString;
  out.function = function;
  out.arguments = std::move(arguments);
  return out;
}

// The column and its siblings.
std::vector<Expression> members_of_column(const std::vector<PlanColumn>& columns, uint32_t index) {
  std::vector<Expression> out;
  for (uint32_t i = 0; i < columns.size(); ++i) {
    if (i != index && !(columns[i].sibling && columns[i].name == columns[index].name)) continue;
    Expression& member = out.emplace_back();
    member.kind = Expression::Kind::kColumn;
    member.type = columns[i].type;
    member.column = i;
  }
  return out;
}

bool uses_name(const Expression& expression, const std::vector<PlanColumn>& columns,
               const std::string& name) {
  if (expression.kind == Expression::Kind::kColumn && columns[expression.column].name == name) {
    return true;
  }
  return std::ranges::any_of(expression.arguments, [&](const Expression& argument) {
    return uses_name(argument, columns, name);
  });
}

// Whether single values of the type can be frequent. Measured numbers and times hardly repeat.
bool repeats(ValueType type) {
  return type == ValueType::kString || type == ValueType::kBool || type == ValueType::kI64 ||
         type == ValueType::kU64;
}

}  // namespace

NamedExpression compared_column(const std::vector<PlanColumn>& columns, uint32_t index) {
  std::vector<Expression> members = members_of_column(columns, index);
  if (members.size() == 1) return {columns[index].name, std::move(members[0])};
  for (Expression& member : members) {
    if (member.type != ValueType::kString) {
      member = diff_call(Function::kToString, {std::move(member)});
    }
  }
  return {columns[index].name, diff_call(Function::kCoalesce, std::move(members))};
}

std::vector<NamedExpression> compared_columns(const std::vector<PlanColumn>& columns,
                                              const Expression& target) {
  std::vector<NamedExpression> out;
  for (uint32_t i = 0; i < columns.size(); ++i) {
    const PlanColumn& column = columns[i];
    if (column.sibling || column.always_null || uses_name(target, columns, column.name)) continue;
    NamedExpression compared = compared_column(columns, i);
    if (!repeats(compared.expression.type)) continue;
    if (column.name == "message" && compared.expression.type == ValueType::kString) {
      compared = {"template(message)",
                  diff_call(Function::kTemplate, {std::move(compared.expression)})};
    }
    out.push_back(std::move(compared));
  }
  return out;
}

std::vector<PlanColumn> diff_output() {
  return {{"column", ValueType::kString}, {"value", ValueType::kString},
          {"target", ValueType::kI64},    {"target_share", ValueType::kF64},
          {"reference", ValueType::kI64}, {"reference_share", ValueType::kF64},
          {"ratio", ValueType::kF64},     {"score", ValueType::kF64},
          {"p", ValueType::kF64}};
}

}  // namespace tocsin
