// Checks stages: the columns that each reads, and those that it outputs.
#pragma once

#include <string>
#include <vector>

#include "query/check/expression.h"
#include "query/check/scope.h"
#include "query/parser/ast.h"
#include "query/plan/plan.h"

namespace tocsin {

/// Checks the stages of a query in order and appends them to the plan; the first fault ends it.
class StageChecker {
 public:
  /// `baseline_calls` are all `baseline(x)` of the query, which the baseline stage must compute.
  StageChecker(CheckContext& context, Plan& plan, Scope scope,
               std::vector<BaselineCall> baseline_calls);

  bool check(const ast::Stage& stage);
  /// Call after the last stage: warns of what no stage used.
  void finish();

 private:
  // One per kind of stage; in stages.cpp, stats.cpp, baseline.cpp, judgement.cpp, series.cpp and
  // diff.cpp.
  bool stage(const ast::Where& where);
  bool stage(const ast::Let& let);
  bool stage(const ast::Stats& stats);
  bool stage(const ast::Baseline& baseline);
  bool stage(const ast::Unusual& unusual);
  bool stage(const ast::Silence& silence);
  bool stage(const ast::Novel& novel);
  bool stage(const ast::Sort& sort);
  bool stage(const ast::Limit& limit);
  bool stage(const ast::Top& top);
  bool stage(const ast::Distinct& distinct);
  bool stage(const ast::Keep& keep);
  bool stage(const ast::Drop& drop);
  bool stage(const ast::Fill& fill);
  bool stage(const ast::Detect& detect);
  bool stage(const ast::Changepoint& changepoint);
  bool stage(const ast::Forecast& forecast);
  bool stage(const ast::Diff& diff);

  bool aggregate(const ast::AggregateItem& item, Aggregate& out);
  bool check_boolean_argument(const ast::Expression& call, const AggregateEntry& entry,
                              const Expression& argument);
  bool check_never_null(const ast::Expression& call);
  bool aggregate_arguments(const ast::AggregateItem& item, const AggregateEntry& entry,
                           Aggregate& out);
  bool quantile_argument(const ast::Expression& call, Aggregate& out);
  bool group_key(const ast::KeyItem& item, GroupKey& out);
  bool time_column(TextSpan span, std::string_view what, uint32_t& out);
  bool baseline_place();
  bool baseline_column(const BaselineCall& call, BaselineStage& stage);
  bool emit_null_baselines();
  bool judgement_place(std::string_view what, std::string_view example);
  std::optional<uint32_t> judged_column(const ast::Name& name, std::string_view what);
  bool add_judgement(const BaselineJudgement& judgement);
  bool whole_keys(const ast::Novel& novel, BaselineNovelty& out);
  bool add_judged_columns(std::initializer_list<std::pair<const char*, ValueType>> columns);
  std::optional<LowerBound> bound_of(const BaselineColumn& column) const;
  void note_baseline_use(const Expression& condition);
  bool baseline_arguments(const ast::Baseline& baseline, BaselineStage& out);
  bool column_list(const std::vector<ast::Name>& names, std::vector<uint32_t>& out);
  bool sort_keys(const std::vector<ast::SortItem>& items, bool reverse, std::vector<SortKey>& out);
  bool diff_target(const ast::Diff& diff, DiffStage& out);
  bool needs_time_bucket(std::string_view what);
  bool series(std::string_view stage, const ast::Name& column, const std::vector<ast::Name>& keys,
              SeriesInput& out);
  bool season(const std::optional<ast::Expression>& given, Duration bucket, Duration& out);
  bool added_columns(std::initializer_list<const char*> numbers);
  void learn_before(DetectStage& detect) const;
  bool counts_events(uint32_t column) const;
  bool add_column(ScopeColumn column);
  std::vector<uint32_t> other_keys() const;

  /// Appends the finished stage; its output columns are those of scope_.
  bool emit(decltype(Stage::operation) operation);

  CheckContext& context_;
  Plan& plan_;
  Scope scope_;
  std::vector<BaselineCall> baseline_calls_;
  std::vector<std::string> null_baselines_;  // of columns that do not exist yet
  TextSpan span_;                            // the stage being checked
  /// How the stages after a baseline use it.
  enum class BaselineUse : uint8_t {
    kNoBaseline,
    kNone,        ///< not yet
    kStatistics,  ///< baseline(x)
    kSilence,     ///< a `where` may keep the groups without rows
    kNoUse,       ///< a `where` removes those groups
  };
  BaselineUse use_ = BaselineUse::kNoBaseline;
  bool only_windowed_ = true;  // all stages so far are where, let or stats
  bool has_stats_ = false;
  bool only_rows_ = true;  // all stages so far are where, let, keep or drop
};

}  // namespace tocsin
