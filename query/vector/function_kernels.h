// The language's functions over vectors: typed kernels for the common ones; the others are computed
// row by row.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_set>

#include "db/base/result.h"
#include "query/base/budget.h"
#include "query/function/scalar.h"
#include "query/vector/program.h"
#include "query/vector/vector.h"

namespace tocsin {

/// The values of a long `in (…)` list, in the set for the operand's type. Views point into the
/// program's literals.
struct ListSet {
  std::unordered_set<std::string_view> texts;
  std::unordered_set<int64_t> i64;
  std::unordered_set<uint64_t> u64;
  std::unordered_set<double> f64;
};

struct FunctionInput {
  const Node& node;  ///< a call
  std::span<const Vector* const> arguments;
  std::span<const uint32_t> rows;  ///< the rows that need a result
  size_t row_count = 0;            ///< of the result; arguments that are literals may be longer
  std::unique_ptr<ListSet>& list;  ///< kept for the node; made on first use
  const Budget& budget;            ///< for the time
  MemoryGauge& gauge;              ///< for the texts that the result keeps
};

/// Computes the call with a kernel; false, with `out` unspecified, if there is none for it.
Result<bool> call_kernel(const FunctionInput& input, ScalarContext& scalar, Vector& out);
/// What the texts that `vector` keeps count in a gauge: twice, because an operator may copy all of
/// them before it counts its copies.
inline size_t kept_texts_bytes(const Vector& vector) { return 2 * vector.kept_bytes(); }

/// Computes the call row by row through evaluate_function. `out` must not keep texts that the gauge
/// counts already.
Status call_by_row(const FunctionInput& input, ScalarContext& scalar, Vector& out);

/// Fills `out` with `row_count` times the same value, which must outlive `out`.
void fill_constant(const Value& value, ValueType type, size_t row_count, Vector& out);

/// The values of a vector as doubles: the vector's own, or converted into `buffer`. Requires: a
/// number, bool, time or duration.
std::span<const double> as_f64(const Vector& vector, size_t row_count, std::vector<double>& buffer);

}  // namespace tocsin
