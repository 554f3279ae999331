#include "rules/lint.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "query/check/expression.h"
#include "query/parser/grammar.h"
#include "rules/prometheus.h"

namespace tocsin {
namespace {

using Node = ast::Expression;

bool is_call(const Node& node, std::string_view name) {
  return node.kind == Node::Kind::kCall && node.name == name;
}

// Calls `visit` with the node and all nodes below it.
template <typename Visit>
void walk(const Node& node, const Visit& visit) {
  visit(node);
  for (const Node& argument : node.arguments) walk(argument, visit);
}

class Linter {
 public:
  explicit Linter(const CompiledRule& compiled) : compiled_(compiled), rule_(compiled.rule) {}

  std::vector<std::string> run() {
    Diagnostic ignored;
    const auto query = parse_query(rule_.query_of(0), TimeZone(), ignored);
    if (!query) return {};
    for (const ast::Stage& stage : query->stages) {
      std::visit([this](const auto& operation) { read(operation); }, stage.operation);
    }
    read_condition(rule_.starts_when);
    check_gap();
    check_severity_label();
    check_identity();
    if (!limits_events_) check_few_events();
    return std::move(out_);
  }

 private:
  void advise(const std::string& text) {
    out_.push_back(fmt::format("{}:{}: {}: {}", rule_.file, rule_.position.line, rule_.name, text));
  }

  template <typename Other>
  void read(const Other&) {}
  void read(const ast::Stats& stats) {
    for (const ast::AggregateItem& item : stats.aggregates) {
      const std::string name = item.name ? item.name->text : ast::print_expression(item.call);
      if (is_call(item.call, "count") || is_call(item.call, "count_distinct")) counts_.insert(name);
      const std::string& function = item.call.name;
      const bool is_tail = function.size() > 1 && function[0] == 'p' && function[1] >= '9';
      if (is_tail && tail_.empty()) tail_ = name;
    }
  }
  void read(const ast::Let& let) {
    for (const ast::Definition& definition : let.definitions) read(definition.value);
  }
  void read(const ast::Where& where) { read(where.condition); }
  // These allow for chance themselves.
  void read(const ast::Unusual&) { limits_events_ = true; }
  void read(const ast::Silence&) { limits_events_ = true; }
  void read(const ast::Novel&) { limits_events_ = true; }

  void read(const Node& expression) {
    walk(expression, [this](const Node& node) {
      if (node.kind != Node::Kind::kOperator || node.arguments.size() != 2) return;
      const bool divides = node.operation == Function::kDivide;
      if (divides && is_count(node.arguments[1]) && ratio_.empty())
        ratio_ = ast::print_expression(node);
      if (!is_comparison(node.operation)) return;
      for (const Node& side : node.arguments) limits_events_ |= is_count(side);
    });
  }

  void read_condition(const RuleText& text) {
    Diagnostic ignored;
    if (text.empty()) return;
    if (const auto condition = parse_expression(text.text, TimeZone(), ignored)) read(*condition);
  }

  bool is_count(const Node& node) const {
    return node.kind == Node::Kind::kName && counts_.contains(node.name);
  }

  void check_gap() {
    if (compiled_.range >= rule_.interval) return;
    advise(fmt::format(
        "it reads the last {} every {}, so the other {} of each are never seen; read "
        "at least `last {}`, or set a shorter `interval`",
        format_duration(compiled_.range), format_duration(rule_.interval),
        format_duration(rule_.interval - compiled_.range), format_duration(rule_.interval)));
  }

  void check_severity_label() {
    const auto label = rule_.labels.find("severity");
    if (label == rule_.labels.end()) return;
    advise(
        "the label `severity` does not set the severity of the alert, which is a key beside "
        "`labels`" +
        severity_advice(label->second));
  }

  void check_identity() {
    for (const std::string& key : compiled_.keys) {
      const bool is_text = key == "message" || key == "msg" || key == "stack_trace";
      const bool is_id = key.ends_with("_id") || key == "id" || key == "uuid";
      if (!is_text && !is_id) continue;
      advise(
          is_text
              ? fmt::format("each `{0}` is an alert of its own that hardly ever comes back; write "
                            "`let kind = template({0})` and `by kind`",
                            key)
              : fmt::format("each `{}` is an alert of its own; group by what repeats, and show "
                            "some with `sample({})`",
                            key, key));
    }
  }

  void check_few_events() {
    constexpr std::string_view kAdvice =
        "add `and total >= 20` to the `where`, with `total = count()` in the `stats`";
    if (!ratio_.empty()) {
      advise(
          fmt::format("`{}` is a ratio of perhaps very few events, of which one is enough to "
                      "alert; {}",
                      ratio_, kAdvice));
    } else if (!tail_.empty()) {
      advise(fmt::format("`{}` of a few events is the slowest of them; {}", tail_, kAdvice));
    }
  }

  const CompiledRule& compiled_;
  const Rule& rule_;
  std::set<std::string> counts_;  // columns that count events
  std::string ratio_;             // the first division by one of them
  std::string tail_;              // the first high quantile
  bool limits_events_ = false;    // one of the counts is compared with something
  std::vector<std::string> out_;
};

}  // namespace

std::vector<std::string> lint_rule(const CompiledRule& compiled) { return Linter(compiled).run(); }

}  // namespace tocsin
