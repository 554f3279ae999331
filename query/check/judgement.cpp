// The stages unusual, silence and novel: they make the baseline before them judge a column.
#include <algorithm>

#include <fmt/format.h>

#include "query/check/siblings.h"
#include "query/check/stages.h"

namespace tocsin {

// Only other judgements may be between a baseline and this stage: its columns are those of the
// baseline's input.
bool StageChecker::judgement_place(std::string_view what, std::string_view example) {
  auto* baseline =
      plan_.stages.empty() ? nullptr : std::get_if<BaselineStage>(&plan_.stages.back().operation);
  if (!baseline) {
    return context_.fault(span_, fmt::format("`{}` must follow a `baseline` directly", what),
                          fmt::format("write `| stats n = count() by {}`", example));
  }
  const Duration length = plan_.range.end - plan_.range.start;
  if (baseline->step != length) {
    return context_.fault(span_, fmt::format("`{}` needs a baseline of adjacent windows", what),
                          "leave out its `step`");
  }
  if (length < kMinute) {  // also bounds the number of windows in a day
    return context_.fault(span_, fmt::format("`{}` needs a range of at least 1m", what),
                          "write a longer range; 5m or 15m is usual");
  }
  if (length > kDay) {
    return context_.fault(span_, fmt::format("`{}` needs a range of at most 1d", what),
                          "shorten the range; 5m or 15m is usual");
  }
  return true;
}

std::optional<uint32_t> StageChecker::judged_column(const ast::Name& name, std::string_view what) {
  const auto column = context_.resolve(name, scope_);
  if (!column) return std::nullopt;
  const ScopeColumn& from = scope_.at(*column);
  if (!is_number(from.type) && !from.unknown) {
    context_.fault(name.span, fmt::format("`{}` needs a number, but `{}` is {}", what, name.text,
                                          describe(from.type)));
    return std::nullopt;
  }
  if (plan_.stages.size() < 2 || *column >= plan_.stages[plan_.stages.size() - 2].columns.size()) {
    context_.fault(name.span,
                   fmt::format("`{}` needs a column of the stage before `baseline`", what),
                   "name a column of `stats`");
    return std::nullopt;
  }
  Expression used;
  used.kind = Expression::Kind::kColumn;
  used.column = *column;
  warn_of_siblings(context_, scope_, used, what);
  return column;
}

bool StageChecker::add_judged_columns(
    std::initializer_list<std::pair<const char*, ValueType>> columns) {
  for (const auto& [name, type] : columns) {
    if (!add_column({name, type, false, false})) return false;
  }
  plan_.stages.back().columns = scope_.plan_columns();
  use_ = BaselineUse::kStatistics;
  return true;
}

bool StageChecker::add_judgement(const BaselineJudgement& judgement) {
  auto& baseline = std::get<BaselineStage>(plan_.stages.back().operation);
  if (baseline.novelty) {
    return context_.fault(span_, "this stage must come before `novel`",
                          "swap the two: the order does not change what they add");
  }
  baseline.judgements.push_back(judgement);
  if (judgement.kind == JudgementKind::kSilence) {
    return add_judged_columns({{"silence", ValueType::kDuration},
                               {"usual_silence", ValueType::kDuration},
                               {"missed", ValueType::kF64}});
  }
  return add_judged_columns({{"observed", ValueType::kF64},
                             {"usual", ValueType::kF64},
                             {"surprise", ValueType::kF64},
                             {"span", ValueType::kDuration},
                             {"basis", ValueType::kString}});
}

bool StageChecker::stage(const ast::Unusual& unusual) {
  if (!judgement_place("unusual", "service | baseline 28d | unusual n")) return false;
  BaselineJudgement judgement;
  const auto column = judged_column(unusual.column, "unusual");
  if (!column) return false;
  judgement.column = judgement.of = *column;
  if (unusual.of) {
    const auto of = judged_column(*unusual.of, "unusual");
    if (!of) return false;
    judgement.of = *of;
    const ScopeColumn& from = scope_.at(*column);
    judgement.kind = from.type == ValueType::kI64 || from.type == ValueType::kU64
                         ? JudgementKind::kShare
                         : JudgementKind::kMean;
  }
  return add_judgement(judgement);
}

bool StageChecker::stage(const ast::Silence& silence) {
  if (!judgement_place("silence", "service | baseline 28d | silence n")) return false;
  const auto column = judged_column(silence.column, "silence");
  return column && add_judgement({JudgementKind::kSilence, *column, *column});
}

// A key's siblings belong to it.
bool StageChecker::whole_keys(const ast::Novel& novel, BaselineNovelty& out) {
  for (const ast::Name& name : novel.keys) {
    const auto column = context_.resolve(name, scope_);
    if (!column) return false;
    if (std::ranges::find(scope_.keys, *column) == scope_.keys.end()) {
      return context_.fault(name.span,
                            fmt::format("`{}` is not a key of the stats before", name.text),
                            "name keys that the groups of one whole share, such as service");
    }
    for (const uint32_t member : scope_.family(*column)) {
      const auto key = std::ranges::find(scope_.keys, member);
      if (key == scope_.keys.end()) continue;
      const auto index = static_cast<uint32_t>(key - scope_.keys.begin());
      if (std::ranges::find(out.keys, index) == out.keys.end()) out.keys.push_back(index);
    }
  }
  if (out.keys.size() < scope_.keys.size()) return true;
  return context_.fault(span_, "`novel` compares groups with the whole they are part of",
                        "name fewer keys than the stats before: `| stats n = count() by service, "
                        "pattern | baseline 14d | novel n by service`");
}

bool StageChecker::stage(const ast::Novel& novel) {
  if (!judgement_place("novel", "service, pattern | baseline 14d | novel n by service"))
    return false;
  auto& baseline = std::get<BaselineStage>(plan_.stages.back().operation);
  if (baseline.novelty) return context_.fault(span_, "there is a `novel` already");
  if (baseline.excluding_alerts) {
    return context_.fault(span_, "`novel` needs a baseline that excludes nothing",
                          "leave out `excluding alerts`: what is new would stay new as long as "
                          "its alert fires");
  }
  const auto column = judged_column(novel.column, "novel");
  BaselineNovelty novelty;
  if (!column || !whole_keys(novel, novelty)) return false;
  novelty.column = *column;
  baseline.novelty = std::move(novelty);
  return add_judged_columns({{"share", ValueType::kF64},
                             {"before_share", ValueType::kF64},
                             {"first", ValueType::kTime},
                             {"kind", ValueType::kString},
                             {"usual_new", ValueType::kF64}});
}

}  // namespace tocsin
