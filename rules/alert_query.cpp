#include "rules/alert_query.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "query/parser/grammar.h"

namespace tocsin {
namespace {

using Node = ast::Expression;

Node constant(Value value) {
  Node out;
  out.literal = std::move(value);
  return out;
}

Node column(const std::string& name) {
  Node out;
  out.kind = Node::Kind::kName;
  out.name = name;
  return out;
}

Node operation(Function function, std::vector<Node> arguments) {
  Node out;
  out.kind = Node::Kind::kOperator;
  out.operation = function;
  out.arguments = std::move(arguments);
  return out;
}

// Whether the group's column has this value; a null equals null.
Node is_value(const std::string& name, const Value& value) {
  if (!value.is_null()) return operation(Function::kEqual, {column(name), constant(value)});
  Node exists;
  exists.kind = Node::Kind::kCall;
  exists.name = "exists";
  exists.arguments = {column(name)};
  return operation(Function::kNot, {std::move(exists)});
}

// Replaces what has another value elsewhere or later.
class Fixer {
 public:
  Fixer(const std::map<std::string, Value>& parameters, Timestamp now)
      : parameters_(parameters), now_(now) {}

  void fix(Node& node) const {
    if (node.kind == Node::Kind::kParameter) {
      if (const auto found = parameters_.find(node.name); found != parameters_.end())
        node = constant(found->second);
    } else if (node.kind == Node::Kind::kCall && node.name == "now") {
      node = constant(Value::time(now_));
    }
    for (Node& argument : node.arguments) fix(argument);
  }
  void fix(ast::Where& where) const { fix(where.condition); }
  void fix(ast::Let& let) const {
    for (ast::Definition& definition : let.definitions) fix(definition.value);
  }
  template <typename Other>
  void fix(Other&) const {}  // no other stage comes before the first stats of a rule

 private:
  const std::map<std::string, Value>& parameters_;
  const Timestamp now_;
};

// The condition of the first aggregate that has one.
std::optional<Node> picked(const ast::Stats& stats) {
  for (const ast::AggregateItem& item : stats.aggregates) {
    if (item.where) return item.where;
  }
  return std::nullopt;
}

}  // namespace

std::string alert_query(const CompiledRule& compiled, TimeRange range, const GroupValues& group,
                        const TimeZone& zone) {
  Diagnostic ignored;
  std::optional<ast::Query> query = parse_query(compiled.rule.query_of(0), zone, ignored);
  if (!query) return "";
  const auto stats = std::ranges::find_if(query->stages, [](const ast::Stage& stage) {
    return std::holds_alternative<ast::Stats>(stage.operation);
  });
  if (stats == query->stages.end()) return "";
  const ast::Stats first = std::get<ast::Stats>(std::move(stats->operation));
  query->stages.erase(stats, query->stages.end());

  query->source.last.reset();
  query->source.start = constant(Value::time(range.start));
  query->source.end = constant(Value::time(range.end));
  std::set<std::string> keys;  // columns of the events
  for (const ast::KeyItem& key : first.keys) {
    if (!key.bucket) keys.insert(key.name.text);
  }
  std::optional<Node> condition;
  const auto add = [&](Node each) {
    condition = condition ? operation(Function::kAnd, {*std::move(condition), std::move(each)})
                          : std::move(each);
  };
  for (const auto& [name, value] : group) {
    if (keys.contains(name)) add(is_value(name, value));
  }
  if (std::optional<Node> pick = picked(first)) add(*std::move(pick));
  if (condition) query->stages.push_back({ast::Where{*std::move(condition)}, {}});

  const Fixer fixer(compiled.parameters, range.end);
  for (ast::Stage& stage : query->stages)
    std::visit([&](auto& each) { fixer.fix(each); }, stage.operation);
  std::string text = print_query(*query);
  return text.size() <= kAlertQueryBytesMax ? text : "";
}

}  // namespace tocsin
