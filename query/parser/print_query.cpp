// Prints the AST as text.
#include <fmt/format.h>

#include "query/base/join.h"
#include "query/function/functions.h"
#include "query/parser/ast.h"
#include "query/parser/lexer.h"

namespace tocsin::ast {
namespace {

// Precedence levels of the grammar, loosest first.
enum Level : int { kOr = 1, kAnd, kNot, kComparison, kSum, kProduct, kSign, kOperand };

Level level_of(const Expression& node) {
  if (node.kind != Expression::Kind::kOperator) return kOperand;
  switch (node.operation) {
    case Function::kOr: return kOr;
    case Function::kAnd: return kAnd;
    case Function::kNot: return kNot;
    case Function::kAdd:
    case Function::kSubtract: return kSum;
    case Function::kMultiply:
    case Function::kDivide:
    case Function::kIntegerDivide:
    case Function::kModulo: return kProduct;
    case Function::kNegate: return kSign;
    default: return kComparison;
  }
}

std::string print_float(double number) {
  std::string text = fmt::format("{}", number);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string print_literal(const Value& value) {
  switch (value.type) {
    case ValueType::kNull: return "null";
    case ValueType::kBool: return std::get<bool>(value.data) ? "true" : "false";
    case ValueType::kI64: return fmt::format("{}", std::get<int64_t>(value.data));
    case ValueType::kU64: return fmt::format("{}", std::get<uint64_t>(value.data));
    case ValueType::kF64: return print_float(std::get<double>(value.data));
    case ValueType::kString: return quote_string(std::get<std::string>(value.data));
    case ValueType::kTime: return format_time_short(std::get<int64_t>(value.data));
    case ValueType::kDuration: return format_duration(std::get<int64_t>(value.data));
  }
  return "null";
}

std::string print_at(const Expression& node, int level_min);

std::string print_operator(const Expression& node) {
  const std::string name = name_of(node.operation);
  const Level level = level_of(node);
  const auto& arguments = node.arguments;
  switch (node.operation) {
    case Function::kNot: return "not " + print_at(arguments[0], kNot);
    case Function::kNegate: return "-" + print_at(arguments[0], kSign);
    case Function::kIn:
    case Function::kNotIn: {
      const std::vector<Expression> list(arguments.begin() + 1, arguments.end());
      return fmt::format("{} {} ({})", print_at(arguments[0], kSum), name,
                         join(list, [](const Expression& item) { return print_at(item, kOr); }));
    }
    default: break;
  }
  // All other operators are left-associative; comparisons cannot be chained.
  const int left = level == kComparison ? kSum : level;
  return fmt::format("{} {} {}", print_at(arguments[0], left), name,
                     print_at(arguments[1], level + 1));
}

std::string print_at(const Expression& node, int level_min) {
  switch (node.kind) {
    case Expression::Kind::kLiteral: return print_literal(node.literal);
    case Expression::Kind::kName: return print_name(node.name);
    case Expression::Kind::kParameter: return "$" + node.name;
    case Expression::Kind::kCall:
      return fmt::format("{}({})", node.name, join(node.arguments, [](const Expression& each) {
                           return print_at(each, kOr);
                         }));
    case Expression::Kind::kOperator: break;
  }
  const std::string text = print_operator(node);
  return level_of(node) < level_min ? "(" + text + ")" : text;
}

std::string in_backticks(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    out += c;
    if (c == '`') out += c;
  }
  return out + "`";
}

std::string print_measurement(const Name& name) {
  const bool bare = measurement_length(name.text) == name.text.size() && !name.text.empty();
  return bare ? name.text : in_backticks(name.text);
}

std::string print_names(const std::vector<Name>& names) {
  return join(names, [](const Name& name) { return print_name(name.text); });
}

std::string print_sort(const std::vector<SortItem>& items) {
  return join(items, [](const SortItem& item) {
    return (item.minus ? "-" : "") + print_name(item.column.text);
  });
}

std::string print_aggregate(const AggregateItem& item) {
  std::string out = item.name ? print_name(item.name->text) + " = " : "";
  out += print_expression(item.call);
  if (item.where) out += " where " + print_expression(*item.where);
  return out;
}

std::string print_key(const KeyItem& item) {
  if (!item.bucket) return print_name(item.name.text);
  return fmt::format("{}({})", item.name.text, print_expression(*item.bucket));
}

std::string optional_word(const char* word, const std::optional<Expression>& value) {
  return value ? fmt::format(" {} {}", word, print_expression(*value)) : "";
}

std::string optional_keys(const std::vector<Name>& keys) {
  return keys.empty() ? "" : " by " + print_names(keys);
}

struct StagePrinter {
  std::string operator()(const Where& where) const {
    return "where " + print_expression(where.condition);
  }
  std::string operator()(const Let& let) const {
    return "let " + join(let.definitions, [](const Definition& each) {
             return print_name(each.name.text) + " = " + print_expression(each.value);
           });
  }
  std::string operator()(const Stats& stats) const {
    std::string out = "stats " + join(stats.aggregates, print_aggregate);
    if (!stats.keys.empty()) out += " by " + join(stats.keys, print_key);
    return out;
  }
  std::string operator()(const Baseline& baseline) const {
    std::string out = "baseline " + print_expression(baseline.depth) +
                      optional_word("step", baseline.step) +
                      optional_word("min", baseline.min_windows);
    if (baseline.excluding_alerts) out += " excluding alerts";
    if (baseline.excluding_rule) out += " of " + print_measurement(*baseline.excluding_rule);
    return out;
  }
  std::string operator()(const Unusual& unusual) const {
    std::string out = "unusual " + print_name(unusual.column.text);
    return unusual.of ? out + " of " + print_name(unusual.of->text) : out;
  }
  std::string operator()(const Silence& silence) const {
    return "silence " + print_name(silence.column.text);
  }
  std::string operator()(const Novel& novel) const {
    return "novel " + print_name(novel.column.text) + optional_keys(novel.keys);
  }
  std::string operator()(const Sort& sort) const { return "sort " + print_sort(sort.keys); }
  std::string operator()(const Limit& limit) const {
    return "limit " + print_expression(limit.count);
  }
  std::string operator()(const Top& top) const {
    return fmt::format("top {} by {}", print_expression(top.count), print_sort(top.keys));
  }
  std::string operator()(const Distinct& distinct) const {
    return distinct.columns.empty() ? "distinct" : "distinct " + print_names(distinct.columns);
  }
  std::string operator()(const Keep& keep) const { return "keep " + print_names(keep.columns); }
  std::string operator()(const Drop& drop) const { return "drop " + print_names(drop.columns); }
  std::string operator()(const Fill& fill) const {
    return fill.value ? "fill " + print_at(*fill.value, kSum) : "fill";
  }
  std::string operator()(const Detect& detect) const {
    std::string out =
        "detect " + print_name(detect.column.text) + optional_word("season", detect.season);
    if (detect.sensitivity) out += " sensitivity " + print_name(detect.sensitivity->text);
    return out + optional_keys(detect.keys);
  }
  std::string operator()(const Changepoint& changepoint) const {
    return "changepoint " + print_name(changepoint.column.text) + optional_keys(changepoint.keys);
  }
  std::string operator()(const Forecast& forecast) const {
    return "forecast " + print_name(forecast.column.text) + " horizon " +
           print_expression(forecast.horizon) + optional_word("season", forecast.season) +
           optional_keys(forecast.keys);
  }
  std::string operator()(const Diff& diff) const {
    std::string out = diff.depth ? "diff against last " + print_expression(*diff.depth)
                                 : "diff where " + print_expression(*diff.condition);
    if (!diff.columns.empty()) out += " columns " + print_names(diff.columns);
    return out;
  }
};

}  // namespace

std::string print_name(std::string_view name) {
  const bool bare = !name.empty() && identifier_length(name) == name.size();
  return bare && !is_reserved_word(name) ? std::string(name) : in_backticks(name);
}

std::string print_expression(const Expression& expression) { return print_at(expression, kOr); }

std::string print_query(const Query& query) {
  std::string out = "from ";
  out +=
      query.source.measurements.empty() ? "*" : join(query.source.measurements, print_measurement);
  out += optional_word("last", query.source.last);
  out += optional_word("between", query.source.start) + optional_word("and", query.source.end);
  for (const Stage& stage : query.stages)
    out += " | " + std::visit(StagePrinter(), stage.operation);
  return out;
}

}  // namespace tocsin::ast
