// Stages: what each needs of the columns before it, and what it makes of them.
#pragma once

#include <string>
#include <vector>

#include "query/check/expression.h"
#include "query/check/scope.h"
#include "query/parser/ast.h"
#include "query/plan/plan.h"

namespace tocsin {

/// Walks the stages of one query in order, building the plan's stages. The first fault ends it.
class StageChecker {
 public:
  /// `baseline_calls` are the `baseline(x)` of the whole query: what the baseline stage has to
  /// compute.
  StageChecker(CheckContext& context, Plan& plan, Scope scope,
               std::vector<BaselineCall> baseline_calls);

  bool check(const ast::Stage& stage);

 private:
  // One per kind of stage; in check_stages.cpp, check_stats.cpp, check_baseline.cpp,
  // check_series.cpp.
  bool stage(const ast::Where& where);
  bool stage(const ast::Let& let);
  bool stage(const ast::Stats& stats);
  bool stage(const ast::Baseline& baseline);
  bool stage(const ast::Sort& sort);
  bool stage(const ast::Limit& limit);
  bool stage(const ast::Top& top);
  bool stage(const ast::Distinct& distinct);
  bool stage(const ast::Keep& keep);
  bool stage(const ast::Drop& drop);
  bool stage(const ast::Fill& fill);
  bool stage(const ast::Detect& detect);

  bool aggregate(const ast::AggregateItem& item, Aggregate& out);
  bool aggregate_arguments(const ast::AggregateItem& item, const AggregateEntry& entry,
                           Aggregate& out);
  bool quantile_argument(const ast::Expression& call, Aggregate& out);
  bool group_key(const ast::KeyItem& item, GroupKey& out);
  bool time_column(TextSpan span, std::string_view what, uint32_t& out);
  bool baseline_place();
  bool baseline_column(const BaselineCall& call, BaselineStage& stage);
  bool emit_null_baselines();
  bool baseline_words(const ast::Baseline& baseline, BaselineStage& out);
  bool column_list(const std::vector<ast::Name>& names, std::vector<uint32_t>& out);
  bool sort_keys(const std::vector<ast::SortItem>& items, bool reverse, std::vector<SortKey>& out);
  bool needs_time_bucket(std::string_view what);
  bool add_column(ScopeColumn column);
  std::vector<uint32_t> other_keys() const;

  /// Adds the finished stage, which puts out the columns of scope_.
  bool emit(decltype(Stage::operation) operation);

  CheckContext& context_;
  Plan& plan_;
  Scope scope_;
  std::vector<BaselineCall> baseline_calls_;
  std::vector<std::string> null_baselines_;  // of columns that a rule does not have
  TextSpan span_;                            // of the stage being checked
  bool only_windowed_ = true;                // so far only where, let and stats
  bool has_stats_ = false;
};

}  // namespace tocsin
