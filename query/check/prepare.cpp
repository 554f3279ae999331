#include "query/check/prepare.h"

#include <algorithm>

#include <fmt/format.h>

#include "query/base/limits.h"
#include "query/check/source.h"
#include "query/check/stages.h"
#include "query/parser/grammar.h"

namespace tocsin {
namespace {

constexpr size_t kWarningCountMax = 20;

// Collects the distinct `baseline(x)` calls of a query, in the order of the text.
class BaselineCollector {
 public:
  explicit BaselineCollector(CheckContext& context) : context_(context) {}

  bool expression(const ast::Expression& node) {
    if (node.kind == ast::Expression::Kind::kCall && node.name == "baseline") return call(node);
    return std::all_of(node.arguments.begin(), node.arguments.end(),
                       [&](const ast::Expression& argument) { return expression(argument); });
  }

  bool stage(const ast::Stage& stage) {
    if (const auto* where = std::get_if<ast::Where>(&stage.operation)) {
      return expression(where->condition);
    }
    if (const auto* let = std::get_if<ast::Let>(&stage.operation)) {
      return std::all_of(let->definitions.begin(), let->definitions.end(),
                         [&](const ast::Definition& each) { return expression(each.value); });
    }
    if (const auto* stats = std::get_if<ast::Stats>(&stage.operation)) {
      return std::all_of(stats->aggregates.begin(), stats->aggregates.end(),
                         [&](const ast::AggregateItem& item) {
                           return expression(item.call) && (!item.where || expression(*item.where));
                         });
    }
    for (const ast::Name& name : names_of(stage)) this->name(name);
    return true;
  }

  std::vector<BaselineCall> release() { return std::move(calls_); }

 private:
  // Stages that accept names also accept a baseline by its printed name: sort -`baseline(rate)`.
  static std::vector<ast::Name> names_of(const ast::Stage& stage) {
    std::vector<ast::Name> out;
    const auto add = [&](const std::vector<ast::SortItem>& items) {
      for (const ast::SortItem& item : items) out.push_back(item.column);
    };
    if (const auto* sort = std::get_if<ast::Sort>(&stage.operation)) add(sort->keys);
    if (const auto* top = std::get_if<ast::Top>(&stage.operation)) add(top->keys);
    if (const auto* keep = std::get_if<ast::Keep>(&stage.operation)) return keep->columns;
    if (const auto* distinct = std::get_if<ast::Distinct>(&stage.operation)) {
      return distinct->columns;
    }
    return out;
  }

  void name(const ast::Name& name) {
    if (!name.text.starts_with("baseline(")) return;
    Diagnostic ignored;
    const auto parsed = parse_expression(name.text, TimeZone(), ignored);
    if (parsed && parsed->kind == ast::Expression::Kind::kCall && parsed->name == "baseline" &&
        ast::print_expression(*parsed) == name.text) {
      call(*parsed);
    }
  }

  bool call(const ast::Expression& node) {
    auto found = check_baseline_call(context_, node);
    if (!found) return false;
    const bool known = std::any_of(calls_.begin(), calls_.end(), [&](const BaselineCall& each) {
      return each.name == found->name;
    });
    if (!known) calls_.push_back(std::move(*found));
    return true;
  }

  CheckContext& context_;
  std::vector<BaselineCall> calls_;
};

// Whether a stage also reads events before the range.
bool reads_before_range(const ast::Query& query) {
  return std::ranges::any_of(query.stages, [](const ast::Stage& stage) {
    const auto* diff = std::get_if<ast::Diff>(&stage.operation);
    return std::holds_alternative<ast::Baseline>(stage.operation) ||
           std::holds_alternative<ast::Detect>(stage.operation) || (diff && diff->depth);
  });
}

class PlanBuilder {
 public:
  PlanBuilder(const Catalog& catalog, const QueryOptions& options, Diagnostic& diagnostic)
      : catalog_(catalog),
        options_(options),
        diagnostic_(diagnostic),
        now_(options.now != 0 ? options.now : SystemClock().now()) {}

  /// False with the diagnostic set.
  bool build(std::string_view text, const ast::Query& query);
  Plan release() { return std::move(plan_); }

 private:
  bool check(std::string_view text, const ast::Query& query, std::optional<std::string>& unknown);
  bool check_query(CheckContext& context, const ast::Query& query);

  const Catalog& catalog_;
  const QueryOptions& options_;
  Diagnostic& diagnostic_;
  Timestamp now_;
  std::vector<std::string> unknown_;  // columns named in a rule that no measurement has
  Plan plan_;
};

bool PlanBuilder::build(std::string_view text, const ast::Query& query) {
  // An unknown column of a rule becomes a null column of the source. That shifts the indexes of all
  // stages, so the check starts again.
  while (true) {
    std::optional<std::string> unknown;
    if (check(text, query, unknown)) return true;
    if (!unknown) return false;
    if (unknown_.size() == kListCountMax) {
      diagnostic_.message =
          fmt::format("the query names more than {} unknown columns", kListCountMax);
      return false;
    }
    unknown_.push_back(std::move(*unknown));
  }
}

bool PlanBuilder::check(std::string_view text, const ast::Query& query,
                        std::optional<std::string>& unknown) {
  plan_ = {};
  plan_.now = now_;
  plan_.zone = options_.zone;
  CheckContext context(text, options_, now_, diagnostic_);
  context.catalog = &catalog_;
  if (!check_query(context, query)) {
    unknown = std::move(context.unknown_column);
    return false;
  }
  for (auto* warnings : {&context.warnings, &context.schema_warnings}) {
    if (warnings->size() > kWarningCountMax) warnings->resize(kWarningCountMax);
  }
  plan_.warnings = std::move(context.warnings);
  plan_.schema_warnings = std::move(context.schema_warnings);
  return true;
}

bool PlanBuilder::check_query(CheckContext& context, const ast::Query& query) {
  Scope scope;
  if (!check_source(context, query.source, catalog_, unknown_, plan_, scope)) return false;
  if (plan_.range_given && !options_.rule_mode && !reads_before_range(query))
    scope.limit_time(plan_.range);
  BaselineCollector collector(context);
  for (const ast::Stage& stage : query.stages) {
    if (!collector.stage(stage)) return false;
  }
  StageChecker checker(context, plan_, std::move(scope), collector.release());
  for (const ast::Stage& stage : query.stages) {
    if (!checker.check(stage)) return false;
  }
  checker.finish();
  return true;
}

}  // namespace

Result<Plan> build_plan(std::string_view text, const Catalog& catalog, const QueryOptions& options,
                        Diagnostic* diagnostic) {
  Diagnostic found;
  PlanBuilder builder(catalog, options, found);
  const auto query = parse_query(text, options.zone, found);
  if (query && builder.build(text, *query)) return builder.release();
  if (diagnostic) *diagnostic = found;
  return fail(ErrorCode::kInvalid, found.render(text));
}

}  // namespace tocsin
