#include "query/plan/fingerprint.h"

#define XXH_INLINE_ALL
#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include <xxhash.h>

#include "db/base/check.h"

namespace tocsin {
namespace {

// Serializes what a stage computes: columns by name and type, every text after its length.
class Writer {
 public:
  std::string out;

  void number(uint64_t value) { out.append(std::bit_cast<std::array<char, 8>>(value).data(), 8); }
  void text(std::string_view value) {
    number(value.size());
    out += value;
  }
  void column(const std::vector<PlanColumn>& input, uint32_t index) {
    text(input.at(index).name);
    number(static_cast<uint64_t>(input[index].type));
  }

  void value(const Value& value) {
    number(static_cast<uint64_t>(value.type));
    number(value.data.index());
    if (const auto* flag = std::get_if<bool>(&value.data)) number(*flag);
    if (const auto* i = std::get_if<int64_t>(&value.data)) number(std::bit_cast<uint64_t>(*i));
    if (const auto* u = std::get_if<uint64_t>(&value.data)) number(*u);
    if (const auto* d = std::get_if<double>(&value.data)) number(std::bit_cast<uint64_t>(*d));
    if (const auto* s = std::get_if<std::string>(&value.data)) text(*s);
  }

  void expression(const std::vector<PlanColumn>& input, const Expression& e) {
    number(static_cast<uint64_t>(e.kind));
    number(static_cast<uint64_t>(e.type));
    if (e.kind == Expression::Kind::kColumn) return column(input, e.column);
    if (e.kind == Expression::Kind::kLiteral) return value(e.literal);
    number(static_cast<uint64_t>(e.function));
    number(e.arguments.size());
    for (const Expression& argument : e.arguments) expression(input, argument);
  }

  void optional_expression(const std::vector<PlanColumn>& input,
                           const std::optional<Expression>& e) {
    number(e.has_value());
    if (e) expression(input, *e);
  }

  void stage(const std::vector<PlanColumn>& input, const Stage& stage) {
    number(stage.operation.index());
    if (const auto* filter = std::get_if<FilterStage>(&stage.operation)) {
      expression(input, filter->condition);
    } else if (const auto* let = std::get_if<LetStage>(&stage.operation)) {
      number(let->definitions.size());
      for (const NamedExpression& definition : let->definitions) {
        text(definition.name);
        expression(input, definition.expression);
      }
    } else if (const auto* stats = std::get_if<StatsStage>(&stage.operation)) {
      this->stats(input, *stats);
    } else {
      TOCSIN_CHECK(!"only where, let and stats come before baseline");
    }
  }

 private:
  void stats(const std::vector<PlanColumn>& input, const StatsStage& stage) {
    number(stage.keys.size());
    for (const GroupKey& key : stage.keys) {
      text(key.name);
      column(input, key.column);
      number(std::bit_cast<uint64_t>(key.bucket));
    }
    number(stage.aggregates.size());
    for (const Aggregate& aggregate : stage.aggregates) {
      number(static_cast<uint64_t>(aggregate.kind));
      text(aggregate.name);
      number(static_cast<uint64_t>(aggregate.type));
      number(std::bit_cast<uint64_t>(aggregate.quantile));
      number(aggregate.sample_count);
      optional_expression(input, aggregate.argument);
      optional_expression(input, aggregate.where);
    }
  }
};

bool calls_now(const Expression& e) {
  if (e.kind == Expression::Kind::kCall && e.function == Function::kNow) return true;
  return std::ranges::any_of(e.arguments, [](const Expression& a) { return calls_now(a); });
}

bool calls_now(const Stage& stage) {
  if (const auto* filter = std::get_if<FilterStage>(&stage.operation)) {
    return calls_now(filter->condition);
  }
  if (const auto* let = std::get_if<LetStage>(&stage.operation)) {
    return std::ranges::any_of(let->definitions, [](const NamedExpression& definition) {
      return calls_now(definition.expression);
    });
  }
  const auto* stats = std::get_if<StatsStage>(&stage.operation);
  return stats && std::ranges::any_of(stats->aggregates, [](const Aggregate& aggregate) {
           return (aggregate.argument && calls_now(*aggregate.argument)) ||
                  (aggregate.where && calls_now(*aggregate.where));
         });
}

}  // namespace

Fingerprint fingerprint_of(const Plan& plan, size_t stage_count,
                           std::span<const uint32_t> value_columns) {
  Writer writer;
  writer.text(plan.zone.name());
  writer.number(plan.source.size());
  for (const SourceMeasurement& source : plan.source) writer.text(source.name);
  const std::vector<PlanColumn>* input = &plan.source_columns;
  for (size_t i = 0; i < stage_count; ++i) {
    writer.stage(*input, plan.stages.at(i));
    input = &plan.stages[i].columns;
  }
  writer.number(value_columns.size());
  for (const uint32_t column : value_columns) writer.column(*input, column);
  const XXH128_hash_t hash = XXH3_128bits(writer.out.data(), writer.out.size());
  return {hash.high64, hash.low64};
}

bool calls_now(const Plan& plan, size_t stage_count) {
  return std::any_of(plan.stages.begin(), plan.stages.begin() + static_cast<ptrdiff_t>(stage_count),
                     [](const Stage& stage) { return calls_now(stage); });
}

}  // namespace tocsin
