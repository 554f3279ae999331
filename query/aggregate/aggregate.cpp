#include "query/aggregate/aggregate.h"

#include <cmath>

#include "db/base/check.h"

namespace tocsin {

void Accumulator::add_rows(uint32_t, const EntryStatistics&) {
  TOCSIN_CHECK(!"an aggregate that needs values got rows without them");
}

Status Accumulator::compute_results(Execution&) { return {}; }

bool shares_values(AggregateKind kind) {
  return kind == AggregateKind::kQuantile || kind == AggregateKind::kMad;
}

std::unique_ptr<Accumulator> make_accumulator(std::span<const Aggregate* const> aggregates,
                                              ValueType argument) {
  TOCSIN_CHECK(!aggregates.empty());
  const Aggregate& aggregate = *aggregates.front();
  switch (aggregate.kind) {
    case AggregateKind::kCount: return make_count(aggregate);
    case AggregateKind::kSum:
    case AggregateKind::kMean: return make_sum(aggregate, argument);
    case AggregateKind::kMin:
    case AggregateKind::kMax: return make_extreme(aggregate, argument);
    case AggregateKind::kFirst:
    case AggregateKind::kLast: return make_edge(aggregate, argument);
    case AggregateKind::kStddev:
    case AggregateKind::kVariance: return make_moments(aggregate);
    case AggregateKind::kSlope: return make_slope(aggregate);
    case AggregateKind::kQuantile:
    case AggregateKind::kMad: return make_values(aggregates);
    case AggregateKind::kCountDistinct: return make_distinct(aggregate, argument);
    case AggregateKind::kSample: return make_sample(aggregate);
  }
  TOCSIN_CHECK(!"an aggregate without an accumulator");
  return nullptr;
}

void append_number(double value, TableColumn& out) {
  if (!std::isfinite(value)) return out.append_null();
  if (out.type == ValueType::kF64) {
    out.valid.push_back(1);
    out.f64.push_back(value);
    return;
  }
  const double rounded = std::round(value);
  const bool is_unsigned = out.type == ValueType::kU64;
  const bool fits =
      is_unsigned ? rounded >= 0 && rounded < 0x1p64 : rounded >= -0x1p63 && rounded < 0x1p63;
  if (!fits) return out.append_null();
  out.valid.push_back(1);
  if (is_unsigned) {
    out.u64.push_back(static_cast<uint64_t>(rounded));
  } else {
    out.i64.push_back(static_cast<int64_t>(rounded));
  }
}

}  // namespace tocsin
