// Functions of the language over vectors: typed kernels for the common ones, rows for the rest.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_set>

#include "query/function/scalar.h"
#include "query/vector/program.h"
#include "query/vector/vector.h"

namespace tocsin {

/// The values of an `in (…)` with many of them, in the operand's type: one of the sets is used.
/// Views point into the program's literals.
struct ListSet {
  std::unordered_set<std::string_view> texts;
  std::unordered_set<int64_t> i64;
  std::unordered_set<uint64_t> u64;
  std::unordered_set<double> f64;
};

struct FunctionInput {
  const Node& node;  ///< a call
  std::span<const Vector* const> arguments;
  std::span<const uint32_t> rows;  ///< for which a result is needed
  size_t row_count = 0;            ///< of the result; literals among the arguments may be longer
  std::unique_ptr<ListSet>& list;  ///< of the node: made when it is first needed, then kept
};

/// Computes the call with a kernel; false when there is none for it, and `out` is undefined then.
bool call_kernel(const FunctionInput& input, ScalarContext& scalar, Vector& out);
/// Computes the call row by row through evaluate_function.
void call_by_row(const FunctionInput& input, ScalarContext& scalar, Vector& out);

/// `row_count` times the same value; `value` must outlive the vector.
void fill_constant(const Value& value, ValueType type, size_t row_count, Vector& out);

/// The values of a vector as doubles: its own, or converted into `buffer`. Integers, times and
/// durations.
std::span<const double> as_f64(const Vector& vector, size_t row_count, std::vector<double>& buffer);

}  // namespace tocsin
