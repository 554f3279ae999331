#include "query/check/stages.h"

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "query/base/limits.h"
#include "query/check/pitfall.h"
#include "query/check/siblings.h"

namespace tocsin {

StageChecker::StageChecker(CheckContext& context, Plan& plan, Scope scope,
                           std::vector<BaselineCall> baseline_calls)
    : context_(context),
      plan_(plan),
      scope_(std::move(scope)),
      baseline_calls_(std::move(baseline_calls)) {}

bool StageChecker::check(const ast::Stage& node) {
  span_ = node.span;
  if (!std::visit([&](const auto& operation) { return stage(operation); }, node.operation)) {
    return false;
  }
  const bool windowed = std::holds_alternative<ast::Where>(node.operation) ||
                        std::holds_alternative<ast::Let>(node.operation) ||
                        std::holds_alternative<ast::Stats>(node.operation);
  only_windowed_ = only_windowed_ && windowed;
  only_rows_ = only_rows_ && (std::holds_alternative<ast::Where>(node.operation) ||
                              std::holds_alternative<ast::Let>(node.operation) ||
                              std::holds_alternative<ast::Keep>(node.operation) ||
                              std::holds_alternative<ast::Drop>(node.operation));
  return true;
}

bool StageChecker::emit(decltype(Stage::operation) operation) {
  Stage& out = plan_.stages.emplace_back();
  out.operation = std::move(operation);
  out.columns = scope_.plan_columns();
  out.span = span_;
  return true;
}

bool StageChecker::add_column(ScopeColumn column) {
  if (scope_.find(column.name)) {
    return context_.fault(span_, fmt::format("there is already a column `{}`", column.name),
                          "rename it with `let` and `drop`, or drop it before this stage");
  }
  scope_.add(std::move(column));
  return true;
}

bool StageChecker::stage(const ast::Where& where) {
  FilterStage out;
  if (!check_condition(context_, scope_, where.condition, "`where`", out.condition)) return false;
  note_baseline_use(out.condition);
  return emit(std::move(out));
}

namespace {

bool mentions(const ast::Expression& node, const std::unordered_set<std::string>& names) {
  if (node.kind == ast::Expression::Kind::kName && names.contains(node.name)) return true;
  return std::any_of(node.arguments.begin(), node.arguments.end(),
                     [&](const ast::Expression& argument) { return mentions(argument, names); });
}

ScopeColumn column_of(const std::string& name, Expression& expression) {
  // A column that is null in every row gets the type string.
  const bool unknown = expression.type == ValueType::kNull;
  if (unknown) {
    expression.kind = Expression::Kind::kLiteral;
    expression.literal = Value::null();
    expression.arguments.clear();
    expression.type = ValueType::kString;
  }
  return {name, expression.type, unknown};
}

}  // namespace

bool StageChecker::stage(const ast::Let& let) {
  LetStage out;
  std::unordered_set<std::string> defined;  // in this let
  std::unordered_set<std::string> fresh;    // since the last emit
  Scope next = scope_;
  const auto flush = [&] {
    scope_ = next;
    fresh.clear();
    return emit(std::exchange(out, {}));
  };
  for (const ast::Definition& definition : let.definitions) {
    const std::string& name = definition.name.text;
    if (!defined.insert(name).second) {
      return context_.fault(definition.name.span,
                            fmt::format("`{}` is defined twice in this `let`", name),
                            "redefine it in a second `| let`");
    }
    if (mentions(definition.value, fresh)) flush();
    NamedExpression& named = out.definitions.emplace_back();
    named.name = name;
    if (!check_expression(context_, scope_, definition.value, named.expression)) return false;
    std::vector<Expression> siblings = siblings_of(scope_, named.expression);
    ScopeColumn column = column_of(name, named.expression);
    note_facts(context_, scope_, definition.value, named.expression, column);
    const auto existing = next.find(name);
    if (existing) {
      next.replace(*existing, std::move(column));
    } else {
      next.add(std::move(column));
    }
    out.outputs.push_back(*next.find(name));
    for (Expression& sibling : siblings) {
      ScopeColumn other{name, sibling.type};
      other.sibling = true;
      note_facts(context_, scope_, definition.value, sibling, other);
      out.outputs.push_back(next.add(std::move(other)));
      out.definitions.push_back({name, std::move(sibling)});
    }
    fresh.insert(name);
  }
  return flush();
}

bool StageChecker::column_list(const std::vector<ast::Name>& names, std::vector<uint32_t>& out) {
  for (const ast::Name& name : names) {
    const auto column = context_.resolve(name, scope_);
    if (!column) return false;
    if (std::find(out.begin(), out.end(), *column) != out.end()) {
      return context_.fault(name.span, fmt::format("`{}` is listed twice", name.text),
                            "list each column once");
    }
    for (const uint32_t member : scope_.family(*column)) out.push_back(member);
  }
  return true;
}

bool StageChecker::sort_keys(const std::vector<ast::SortItem>& items, bool reverse,
                             std::vector<SortKey>& out) {
  for (const ast::SortItem& item : items) {
    const auto column = context_.resolve(item.column, scope_);
    if (!column) return false;
    for (const uint32_t member : scope_.family(*column)) {
      out.push_back({member, item.minus != reverse});
    }
  }
  return true;
}

bool StageChecker::stage(const ast::Sort& sort) {
  SortStage out;
  return sort_keys(sort.keys, false, out.keys) && emit(std::move(out));
}

bool StageChecker::stage(const ast::Limit& limit) {
  LimitStage out;
  return check_count(context_, limit.count, "`limit`", 0, INT64_MAX, out.count) && emit(out);
}

bool StageChecker::stage(const ast::Top& top) {
  TopStage out;
  return check_count(context_, top.count, "`top`", 0, kTopCountMax, out.count) &&
         sort_keys(top.keys, true, out.keys) && emit(std::move(out));
}

bool StageChecker::stage(const ast::Distinct& distinct) {
  DistinctStage out;
  if (!column_list(distinct.columns, out.columns)) return false;
  for (uint32_t i = 0; distinct.columns.empty() && i < scope_.size(); ++i) {
    if (!scope_.is_retired(i)) out.columns.push_back(i);
  }
  scope_ = scope_.project(out.columns);
  return emit(std::move(out));
}

bool StageChecker::stage(const ast::Keep& keep) {
  ProjectStage out;
  if (!column_list(keep.columns, out.columns)) return false;
  scope_ = scope_.project(out.columns);
  return emit(std::move(out));
}

bool StageChecker::stage(const ast::Drop& drop) {
  std::vector<uint32_t> dropped;
  if (!column_list(drop.columns, dropped)) return false;
  ProjectStage out;
  for (uint32_t i = 0; i < scope_.size(); ++i) {
    const bool is_dropped = std::find(dropped.begin(), dropped.end(), i) != dropped.end();
    if (!is_dropped && !scope_.is_retired(i)) out.columns.push_back(i);
  }
  if (out.columns.empty()) {
    return context_.fault(span_, "this drops every column", "keep at least one column");
  }
  scope_ = scope_.project(out.columns);
  return emit(std::move(out));
}

}  // namespace tocsin
