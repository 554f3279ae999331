// The stages unusual and silence: they make the baseline before them judge a column.
#include <fmt/format.h>

#include "query/check/siblings.h"
#include "query/check/stages.h"

namespace tocsin {

// Only other judgements may be between a baseline and this stage: its columns are those of the
// baseline's input.
bool StageChecker::judgement_place(std::string_view what) {
  auto* baseline =
      plan_.stages.empty() ? nullptr : std::get_if<BaselineStage>(&plan_.stages.back().operation);
  if (!baseline) {
    return context_.fault(
        span_, fmt::format("`{}` must follow a `baseline` directly", what),
        fmt::format("write `| stats n = count() by service | baseline 28d | {} n`", what));
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
    return context_.fault(
        span_, fmt::format("`{}` compares times of the day, but the range is longer", what),
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

bool StageChecker::add_judgement(const BaselineJudgement& judgement) {
  const auto add = [&](const char* name, ValueType type) {
    return add_column({name, type, false, false});
  };
  const bool added =
      judgement.kind == JudgementKind::kSilence
          ? add("silence", ValueType::kDuration) && add("usual_silence", ValueType::kDuration) &&
                add("missed", ValueType::kF64)
          : add("observed", ValueType::kF64) && add("usual", ValueType::kF64) &&
                add("surprise", ValueType::kF64) && add("span", ValueType::kDuration) &&
                add("basis", ValueType::kString);
  if (!added) return false;
  Stage& stage = plan_.stages.back();
  std::get<BaselineStage>(stage.operation).judgements.push_back(judgement);
  stage.columns = scope_.plan_columns();
  use_ = BaselineUse::kStatistics;
  return true;
}

bool StageChecker::stage(const ast::Unusual& unusual) {
  if (!judgement_place("unusual")) return false;
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
  if (!judgement_place("silence")) return false;
  const auto column = judged_column(silence.column, "silence");
  return column && add_judgement({JudgementKind::kSilence, *column, *column});
}

}  // namespace tocsin
