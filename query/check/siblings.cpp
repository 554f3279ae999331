#include "query/check/siblings.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "query/check/expression.h"

namespace tocsin {
namespace {

using T = ValueType;

bool is_column(const Expression& expression) {
  return expression.kind == Expression::Kind::kColumn;
}

Expression make_call(Function function, T type, std::vector<Expression> arguments, TextSpan span) {
  Expression out;
  out.kind = Expression::Kind::kCall;
  out.function = function;
  out.type = type;
  out.span = span;
  out.arguments = std::move(arguments);
  return out;
}

// The expression, then its siblings.
std::vector<Expression> members_of(const Scope& scope, const Expression& expression) {
  std::vector<Expression> out = siblings_of(scope, expression);
  out.insert(out.begin(), expression);
  return out;
}

bool is_negative(Function operation) {
  return operation == Function::kNotEqual || operation == Function::kNotIn ||
         operation == Function::kNotMatches;
}

bool is_text_search(Function operation) {
  return operation == Function::kMatches || operation == Function::kNotMatches ||
         operation == Function::kContains || operation == Function::kIcontains;
}

bool can_compare(Function operation, T left, T right) {
  if (is_text_search(operation)) return left == T::kString && right == T::kString;
  const bool ordering = operation != Function::kEqual && operation != Function::kNotEqual;
  return are_comparable(left, right) && !(ordering && left == T::kBool);
}

Expression exists(Expression member, TextSpan span) {
  return make_call(Function::kExists, T::kBool, {std::move(member)}, span);
}

// The alternatives of which one must be true.
Expression any_of(std::vector<Expression> alternatives, TextSpan span) {
  if (alternatives.size() == 1) return std::move(alternatives.front());
  return make_call(Function::kOr, T::kBool, std::move(alternatives), span);
}

bool compare_pairs(CheckContext& context, const Scope& scope, const ast::Expression& node,
                   Expression& call) {
  std::vector<Expression> alternatives;
  const auto rights = members_of(scope, call.arguments[1]);
  bool compared = false;
  for (const Expression& left : members_of(scope, call.arguments[0])) {
    for (const Expression& right : rights) {
      if (can_compare(call.function, left.type, right.type)) {
        Expression pair = make_call(call.function, T::kBool, {left, right}, node.span);
        if (!type_operator(context, node, pair)) return false;
        alternatives.push_back(std::move(pair));
        compared = true;
      } else if (is_negative(call.function)) {
        std::vector<Expression> both;
        if (!is_literal(left)) both.push_back(exists(left, node.span));
        if (!is_literal(right)) both.push_back(exists(right, node.span));
        alternatives.push_back(both.size() == 1
                                   ? std::move(both.front())
                                   : make_call(Function::kAnd, T::kBool, both, node.span));
      }
    }
  }
  if (!compared) return type_operator(context, node, call);  // which says what does not fit
  call = any_of(std::move(alternatives), node.span);
  return true;
}

bool compare_with_list(CheckContext& context, const Scope& scope, const ast::Expression& node,
                       Expression& call) {
  std::vector<Expression> alternatives;
  std::vector<bool> used(call.arguments.size(), false);
  for (const Expression& member : members_of(scope, call.arguments[0])) {
    Expression part = make_call(call.function, T::kBool, {member}, node.span);
    for (size_t i = 1; i < call.arguments.size(); ++i) {
      if (!are_comparable(member.type, call.arguments[i].type)) continue;
      part.arguments.push_back(call.arguments[i]);
      used[i] = true;
    }
    if (part.arguments.size() > 1) {
      if (!type_operator(context, node, part)) return false;
      alternatives.push_back(std::move(part));
    } else if (is_negative(call.function)) {
      alternatives.push_back(exists(member, node.span));
    }
  }
  Expression unused = make_call(call.function, T::kBool, {call.arguments[0]}, node.span);
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    if (!used[i]) unused.arguments.push_back(call.arguments[i]);
  }
  if (unused.arguments.size() > 1) return type_operator(context, node, unused);
  call = any_of(std::move(alternatives), node.span);
  return true;
}

Expression text_of(Expression member) {
  if (member.type == T::kString) return member;
  const TextSpan span = member.span;
  return make_call(Function::kToString, T::kString, {std::move(member)}, span);
}

// `to_text` makes the text of a member.
template <class F>
void use_texts(const Scope& scope, Expression& expression, F to_text) {
  std::vector<Expression> members = members_of(scope, expression);
  if (members.size() == 1) return;
  for (Expression& member : members) member = to_text(std::move(member));
  expression = make_call(Function::kCoalesce, T::kString, std::move(members), expression.span);
}

}  // namespace

bool has_siblings(const Scope& scope, const Expression& call) {
  return std::ranges::any_of(call.arguments, [&](const Expression& argument) {
    return is_column(argument) && scope.has_siblings(argument.column);
  });
}

std::vector<Expression> siblings_of(const Scope& scope, const Expression& expression) {
  std::vector<Expression> out;
  if (!is_column(expression) || !scope.has_siblings(expression.column)) return out;
  for (const uint32_t index : scope.family(expression.column)) {
    if (index == expression.column) continue;
    Expression& sibling = out.emplace_back(expression);
    sibling.column = index;
    sibling.type = scope.at(index).type;
  }
  return out;
}

bool compare_siblings(CheckContext& context, const Scope& scope, const ast::Expression& node,
                      Expression& call) {
  // Nothing is equal to a column that does not exist yet.
  const bool has_null = std::ranges::any_of(
      call.arguments, [](const Expression& argument) { return argument.type == T::kNull; });
  if (has_null) return type_operator(context, node, call);
  const bool is_list = call.function == Function::kIn || call.function == Function::kNotIn;
  return is_list ? compare_with_list(context, scope, node, call)
                 : compare_pairs(context, scope, node, call);
}

void use_siblings(CheckContext& context, const Scope& scope, const FunctionEntry& entry,
                  Expression& call) {
  if (entry.function == Function::kExists) {
    const TextSpan span = call.span;
    std::vector<Expression> alternatives;
    for (Expression& member : members_of(scope, call.arguments[0])) {
      alternatives.push_back(exists(std::move(member), span));
    }
    call = any_of(std::move(alternatives), span);
    return;
  }
  for (Expression& argument : call.arguments) {
    if (entry.arguments[0] == ArgumentType::kAny) {
      use_text_of_all(scope, argument);
    } else {
      warn_of_siblings(context, scope, argument, entry.documentation.name);
    }
  }
}

void use_text_of_all(const Scope& scope, Expression& expression) {
  use_texts(scope, expression, [](Expression member) { return text_of(std::move(member)); });
}

void use_distinct_text_of_all(const Scope& scope, Expression& expression) {
  use_texts(scope, expression, [](Expression member) {
    if (member.type == T::kString) return member;
    Expression type;
    type.type = T::kString;
    type.literal = Value::of(std::string(1, '\0') + name_of(member.type));
    const TextSpan span = member.span;
    return make_call(Function::kConcat, T::kString, {std::move(type), text_of(std::move(member))},
                     span);
  });
}

void warn_of_siblings(CheckContext& context, const Scope& scope, const Expression& expression,
                      std::string_view user) {
  if (!is_column(expression) || !scope.has_siblings(expression.column)) return;
  const ScopeColumn& column = scope.at(expression.column);
  context.warn_once(fmt::format("`{}` leaves out the values of `{}` that are not {}", user,
                                column.name, name_of(column.type)));
}

}  // namespace tocsin
