#include "query/vector/function_kernels.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>

#include <re2/re2.h>

#include "db/base/check.h"
#include "query/base/search.h"
#include "query/format/typed_values.h"
#include "query/vector/kernels.h"

namespace tocsin {
namespace {

using Arguments = std::span<const Vector* const>;

// Whether values are stored as int64 or uint64.
bool is_integral(ValueType type) {
  return type == ValueType::kI64 || type == ValueType::kU64 || type == ValueType::kTime ||
         type == ValueType::kDuration;
}

bool is_signed(ValueType type) { return is_integral(type) && type != ValueType::kU64; }

bool is_numeric(ValueType type) { return is_integral(type) || type == ValueType::kF64; }

// Makes a row valid if all arguments are; leaves the null map empty if no argument has nulls.
void combine_valid(Arguments arguments, Vector& out) {
  for (const Vector* argument : arguments) {
    if (argument->valid.empty()) continue;
    if (out.valid.empty()) {
      std::ranges::copy(argument->valid.first(out.size), out.make_valid().begin());
    } else {
      kernels::mask_and(argument->valid, out.writable_valid());
    }
  }
}

// A comparison with a null operand is false, whatever the operator.
void clear_where_null(Arguments arguments, std::span<uint8_t> mask) {
  for (const Vector* argument : arguments) {
    if (!argument->valid.empty()) kernels::mask_and(argument->valid, mask);
  }
}

// ---- logic and comparison -----------------------------------------------------------------------

bool logic(const FunctionInput& input, Vector& out) {
  out.reset(ValueType::kBool, input.row_count);
  const auto result = out.make_boolean();
  std::ranges::copy(input.arguments[0]->boolean.first(input.row_count), result.begin());
  if (input.node.function == Function::kNot) {
    kernels::mask_not(input.arguments[0]->boolean, result);
    return true;
  }
  for (const Vector* argument : input.arguments.subspan(1)) {
    if (input.node.function == Function::kAnd) {
      kernels::mask_and(argument->boolean, result);
    } else {
      kernels::mask_or(argument->boolean, result);
    }
  }
  return true;
}

template <class Op>
bool compare_text(const Vector& a, const Vector& b, std::span<const uint32_t> rows,
                  std::span<uint8_t> out) {
  const Op op;
  std::ranges::fill(out, uint8_t{0});
  for (const uint32_t row : rows) out[row] = op(a.text_at(row), b.text_at(row));
  return true;
}

template <class Op, class A>
bool compare_with(std::span<const A> a, const Vector& b, std::span<uint8_t> out) {
  if (is_signed(b.type)) {
    kernels::compare<Op>(a, b.i64, out);
  } else if (b.type == ValueType::kU64) {
    kernels::compare<Op>(a, b.u64, out);
  } else if (b.type == ValueType::kF64) {
    kernels::compare<Op>(a, b.f64, out);
  } else {
    return false;
  }
  return true;
}

template <class Op>
bool compare_vectors(const Vector& a, const Vector& b, std::span<const uint32_t> rows,
                     std::span<uint8_t> out) {
  if (a.type == ValueType::kString && b.type == ValueType::kString) {
    return compare_text<Op>(a, b, rows, out);
  }
  if (a.type == ValueType::kBool && b.type == ValueType::kBool) {
    kernels::compare<Op>(a.boolean, b.boolean, out);
    return true;
  }
  if (is_signed(a.type)) return compare_with<Op>(a.i64, b, out);
  if (a.type == ValueType::kU64) return compare_with<Op>(a.u64, b, out);
  if (a.type == ValueType::kF64) return compare_with<Op>(a.f64, b, out);
  return false;
}

bool compare_by(Function function, const Vector& a, const Vector& b, std::span<const uint32_t> rows,
                std::span<uint8_t> out) {
  switch (function) {
    case Function::kEqual: return compare_vectors<kernels::Equal>(a, b, rows, out);
    case Function::kNotEqual: return compare_vectors<kernels::NotEqual>(a, b, rows, out);
    case Function::kLess: return compare_vectors<kernels::Less>(a, b, rows, out);
    case Function::kLessEqual: return compare_vectors<kernels::LessEqual>(a, b, rows, out);
    case Function::kGreater: return compare_vectors<kernels::Greater>(a, b, rows, out);
    case Function::kGreaterEqual: return compare_vectors<kernels::GreaterEqual>(a, b, rows, out);
    default: return false;
  }
}

bool comparison(const FunctionInput& input, Vector& out) {
  out.reset(ValueType::kBool, input.row_count);
  const auto result = out.make_boolean();
  const Vector& a = *input.arguments[0];
  const Vector& b = *input.arguments[1];
  if (!compare_by(input.node.function, a, b, input.rows, result)) return false;
  clear_where_null(input.arguments, result);
  return true;
}

// The T that is equal to the literal, if there is one.
template <class T>
std::optional<T> equal_number(const Value& value) {
  const auto convert = [](auto number) -> std::optional<T> {
    constexpr bool kToInteger = std::is_integral_v<T>;
    if constexpr (kToInteger) {
      if (kernels::compare_exact(number, std::numeric_limits<T>::min()) < 0 ||
          kernels::compare_exact(number, std::numeric_limits<T>::max()) > 0) {
        return std::nullopt;
      }
    }
    const auto converted = static_cast<T>(number);
    return kernels::compare_exact(number, converted) == 0 ? std::optional<T>(converted)
                                                          : std::nullopt;
  };
  if (const auto* i = std::get_if<int64_t>(&value.data)) return convert(*i);
  if (const auto* u = std::get_if<uint64_t>(&value.data)) return convert(*u);
  if (const auto* d = std::get_if<double>(&value.data)) return convert(*d);
  return std::nullopt;
}

template <class T>
void insert_numbers(const FunctionInput& input, std::unordered_set<T>& set) {
  for (const Vector* item : input.arguments.subspan(1)) {
    if (const auto number = equal_number<T>(item->at(0))) set.insert(*number);
  }
}

const ListSet& list_of(const FunctionInput& input) {
  if (input.list) return *input.list;
  input.list = std::make_unique<ListSet>();
  const ValueType type = input.arguments[0]->type;
  if (type == ValueType::kString) {
    for (const Vector* item : input.arguments.subspan(1)) {
      input.list->texts.insert(item->text_at(0));
    }
  } else if (type == ValueType::kF64) {
    insert_numbers(input, input.list->f64);
  } else if (type == ValueType::kU64) {
    insert_numbers(input, input.list->u64);
  } else {
    insert_numbers(input, input.list->i64);
  }
  return *input.list;
}

template <class T>
void look_up(std::span<const T> values, std::span<const uint32_t> rows,
             const std::unordered_set<T>& set, std::span<uint8_t> out) {
  for (const uint32_t row : rows) out[row] = set.contains(values[row]);
}

void look_up_all(const FunctionInput& input, std::span<uint8_t> out) {
  const Vector& operand = *input.arguments[0];
  const ListSet& list = list_of(input);
  if (operand.type == ValueType::kString) {
    for (const uint32_t row : input.rows) out[row] = list.texts.contains(operand.text_at(row));
  } else if (operand.type == ValueType::kF64) {
    look_up(operand.f64, input.rows, list.f64, out);
  } else if (operand.type == ValueType::kU64) {
    look_up(operand.u64, input.rows, list.u64, out);
  } else {
    look_up(operand.i64, input.rows, list.i64, out);
  }
}

// For lists of literals without nulls. The values of a short list are compared one by one; a long
// list becomes a set.
bool in_list(const FunctionInput& input, Vector& out) {
  const Vector& operand = *input.arguments[0];
  const Arguments items = input.arguments.subspan(1);
  for (const Vector* item : items) {
    if (item->type == ValueType::kNull || !item->valid.empty()) return false;
  }
  out.reset(ValueType::kBool, input.row_count);
  const auto result = out.make_boolean();
  std::ranges::fill(result, uint8_t{0});
  if (items.size() > kListComparedMax) {
    if (operand.type == ValueType::kBool) return false;
    look_up_all(input, result);
  } else {
    std::vector<uint8_t> same(input.row_count);
    for (const Vector* item : items) {
      if (!compare_by(Function::kEqual, operand, *item, input.rows, same)) return false;
      kernels::mask_or(same, result);
    }
  }
  if (input.node.function == Function::kNotIn) kernels::mask_not(result, result);
  clear_where_null(input.arguments.first(1), result);
  return true;
}

/// Checks time and cancellation once per kUncheckedBytesMax of text.
class WorkCheck {
 public:
  explicit WorkCheck(const Budget& budget) : budget_(budget) {}
  Status add(size_t bytes) {
    bytes_ += bytes;
    if (bytes_ < kUncheckedBytesMax) return {};
    bytes_ = 0;
    return budget_.check();
  }

 private:
  const Budget& budget_;
  size_t bytes_ = 0;
};

// ---- text ---------------------------------------------------------------------------------------

template <class F>
Result<bool> test_text(const FunctionInput& input, Vector& out, F holds) {
  const Vector& text = *input.arguments[0];
  if (text.type != ValueType::kString) return false;
  out.reset(ValueType::kBool, input.row_count);
  const auto result = out.make_boolean();
  std::ranges::fill(result, uint8_t{0});
  WorkCheck check(input.budget);
  for (const uint32_t row : input.rows) {
    result[row] = holds(text.text_at(row), row);
    TOCSIN_RETURN_IF_ERROR(check.add(text.text_at(row).size()));
  }
  clear_where_null(input.arguments, result);
  return true;
}

// Requires: the pattern is a literal.
Result<bool> matches(const FunctionInput& input, ScalarContext& scalar, Vector& out) {
  const Vector& pattern = *input.arguments[1];
  if (pattern.type != ValueType::kString || pattern.is_null(0)) return false;
  const re2::RE2* expression = scalar.pattern(std::string(pattern.text_at(0)));
  if (!expression) return false;
  const bool wanted = input.node.function == Function::kMatches;
  return test_text(input, out, [&](std::string_view text, uint32_t) {
    return re2::RE2::PartialMatch({text.data(), text.size()}, *expression) == wanted;
  });
}

Result<bool> text_test(const FunctionInput& input, Vector& out) {
  const Vector& part = *input.arguments[1];
  if (part.type != ValueType::kString) return false;
  switch (input.node.function) {
    case Function::kContains:
      return test_text(input, out, [&](std::string_view text, uint32_t row) {
        return find_text(text, part.text_at(row)) != std::string_view::npos;
      });
    default: return false;
  }
}

// ---- arithmetic ---------------------------------------------------------------------------------

bool arithmetic_f64(const FunctionInput& input, Vector& out) {
  std::vector<double> buffer_a, buffer_b;
  const auto a = as_f64(*input.arguments[0], input.row_count, buffer_a);
  const auto b = as_f64(*input.arguments[1], input.row_count, buffer_b);
  const auto result = out.make_f64();
  switch (input.node.function) {
    case Function::kAdd:
      kernels::apply_f64(a, b, result, [](double x, double y) { return x + y; });
      break;
    case Function::kSubtract:
      kernels::apply_f64(a, b, result, [](double x, double y) { return x - y; });
      break;
    case Function::kMultiply:
      kernels::apply_f64(a, b, result, [](double x, double y) { return x * y; });
      break;
    case Function::kDivide:
      kernels::apply_f64(a, b, result, [](double x, double y) { return x / y; });
      break;
    default: return false;
  }
  if (!kernels::all_finite(result)) kernels::drop_not_finite(result, out.writable_valid());
  return true;
}

template <class R, class A, class B>
bool arithmetic_integer(Function function, std::span<const A> a, std::span<const B> b,
                        std::span<R> out, std::span<uint8_t> valid) {
  using kernels::Int128;
  switch (function) {
    case Function::kAdd:
      kernels::apply_integer(a, b, out, valid, [](Int128 x, Int128 y) { return x + y; });
      return true;
    case Function::kSubtract:
      kernels::apply_integer(a, b, out, valid, [](Int128 x, Int128 y) { return x - y; });
      return true;
    case Function::kMultiply:
      kernels::apply_integer(a, b, out, valid, [](Int128 x, Int128 y) {
        Int128 product = 0;  // may overflow for two large u64
        return __builtin_mul_overflow(x, y, &product) ? Int128{1} << 100 : product;
      });
      return true;
    case Function::kIntegerDivide: kernels::divide_integer<false>(a, b, out, valid); return true;
    case Function::kModulo: kernels::divide_integer<true>(a, b, out, valid); return true;
    default: return false;
  }
}

template <class R>
bool arithmetic_into(const FunctionInput& input, std::span<R> out, std::span<uint8_t> valid) {
  const Vector& a = *input.arguments[0];
  const Vector& b = *input.arguments[1];
  const Function f = input.node.function;
  if (is_signed(a.type) && is_signed(b.type)) {
    return arithmetic_integer(f, a.i64, b.i64, out, valid);
  }
  if (is_signed(a.type)) return arithmetic_integer(f, a.i64, b.u64, out, valid);
  if (is_signed(b.type)) return arithmetic_integer(f, a.u64, b.i64, out, valid);
  return arithmetic_integer(f, a.u64, b.u64, out, valid);
}

bool arithmetic(const FunctionInput& input, Vector& out) {
  const ValueType a = input.arguments[0]->type;
  const ValueType b = input.arguments[1]->type;
  if (!is_numeric(a) || !is_numeric(b)) return false;
  out.reset(input.node.type, input.row_count);
  combine_valid(input.arguments, out);
  if (input.node.type == ValueType::kF64) return arithmetic_f64(input, out);
  if (!is_integral(a) || !is_integral(b)) return false;
  if (is_signed(input.node.type)) {
    return arithmetic_into(input, out.make_i64(), out.writable_valid());
  }
  if (input.node.type == ValueType::kU64) {
    return arithmetic_into(input, out.make_u64(), out.writable_valid());
  }
  return false;
}

// ---- choice -------------------------------------------------------------------------------------

template <class T>
void copy_values(const Vector& argument, std::span<const uint32_t> rows, std::span<T> out) {
  if (argument.type == ValueType::kNull) {
    for (const uint32_t row : rows) out[row] = T{};
    return;
  }
  const auto values = values_of<T>(argument);
  for (const uint32_t row : rows) out[row] = values[row];
}

// Copies the argument's values, and their validity, in `rows`.
void copy_rows(const Vector& argument, std::span<const uint32_t> rows, Vector& out,
               std::span<uint8_t> valid) {
  switch (out.type) {
    case ValueType::kBool: copy_values(argument, rows, out.make_boolean()); break;
    case ValueType::kU64: copy_values(argument, rows, out.make_u64()); break;
    case ValueType::kF64: copy_values(argument, rows, out.make_f64()); break;
    case ValueType::kString: {
      const auto text = out.make_text();
      const bool null = argument.type == ValueType::kNull;
      for (const uint32_t row : rows) {
        text[row] = null ? std::string_view{} : argument.text_at(row);
      }
      break;
    }
    case ValueType::kNull: break;
    default: copy_values(argument, rows, out.make_i64()); break;
  }
  for (const uint32_t row : rows) {
    valid[row] = argument.type != ValueType::kNull && !argument.is_null(row);
  }
}

bool choose(const FunctionInput& input, Vector& out) {
  const bool conditional = input.node.function == Function::kIf;
  const Arguments values = conditional ? input.arguments.subspan(1) : input.arguments;
  for (const Vector* value : values) {
    if (value->type != ValueType::kNull && value->type != input.node.type) return false;
  }
  out.reset_null(input.node.type, input.row_count);
  const auto valid = out.writable_valid();
  std::vector<uint32_t> open(input.rows.begin(), input.rows.end());
  if (!conditional) {  // coalesce: each argument fills the rows that are still null
    for (const Vector* value : values) {
      copy_rows(*value, open, out, valid);
      std::erase_if(open, [&](uint32_t row) { return valid[row] != 0; });
    }
    return true;
  }
  const auto condition = input.arguments[0]->boolean;
  std::vector<uint32_t> otherwise;
  std::ranges::copy_if(open, std::back_inserter(otherwise),
                       [&](uint32_t row) { return condition[row] == 0; });
  std::erase_if(open, [&](uint32_t row) { return condition[row] == 0; });
  copy_rows(*values[0], open, out, valid);
  copy_rows(*values[1], otherwise, out, valid);
  return true;
}

bool to_f64(const FunctionInput& input, Vector& out) {
  const Vector& argument = *input.arguments[0];
  if (!is_numeric(argument.type)) return false;
  out.reset(ValueType::kF64, input.row_count);
  combine_valid(input.arguments, out);
  std::vector<double> buffer;
  const auto values = as_f64(argument, argument.size, buffer);
  std::ranges::copy(values.first(input.row_count), out.make_f64().begin());
  return true;
}

bool exists(const FunctionInput& input, Vector& out) {
  out.reset(ValueType::kBool, input.row_count);
  const auto result = out.make_boolean();
  const Vector& argument = *input.arguments[0];
  std::ranges::fill(result, uint8_t{argument.type != ValueType::kNull});
  clear_where_null(input.arguments.first(1), result);
  return true;
}

}  // namespace

std::span<const double> as_f64(const Vector& vector, size_t row_count,
                               std::vector<double>& buffer) {
  if (vector.type == ValueType::kF64) return vector.f64;
  buffer.resize(row_count);
  if (vector.type == ValueType::kU64) {
    kernels::convert(vector.u64, std::span(buffer));
  } else if (vector.type == ValueType::kBool) {
    kernels::convert(vector.boolean, std::span(buffer));
  } else {
    TOCSIN_CHECK(is_signed(vector.type));
    kernels::convert(vector.i64, std::span(buffer));
  }
  return buffer;
}

void fill_constant(const Value& value, ValueType type, size_t row_count, Vector& out) {
  if (value.is_null()) {
    out.reset_null(type, row_count);
    return;
  }
  out.reset(type, row_count);
  switch (type) {
    case ValueType::kBool:
      std::ranges::fill(out.make_boolean(), uint8_t{std::get<bool>(value.data)});
      break;
    case ValueType::kI64:
    case ValueType::kTime:
    case ValueType::kDuration:
      std::ranges::fill(out.make_i64(), std::get<int64_t>(value.data));
      break;
    case ValueType::kU64: std::ranges::fill(out.make_u64(), std::get<uint64_t>(value.data)); break;
    case ValueType::kF64: std::ranges::fill(out.make_f64(), std::get<double>(value.data)); break;
    case ValueType::kString: {
      const std::string_view text = std::get<std::string>(value.data);
      std::ranges::fill(out.make_text(), text);
      break;
    }
    case ValueType::kNull: break;
  }
}

Result<bool> call_kernel(const FunctionInput& input, ScalarContext& scalar, Vector& out) {
  const Function function = input.node.function;
  const bool accepts_null = function == Function::kExists || function == Function::kCoalesce;
  for (const Vector* argument : input.arguments) {
    if (argument->type == ValueType::kNull && !accepts_null) return false;
  }
  switch (function) {
    case Function::kAnd:
    case Function::kOr:
    case Function::kNot: return logic(input, out);
    case Function::kEqual:
    case Function::kNotEqual:
    case Function::kLess:
    case Function::kLessEqual:
    case Function::kGreater:
    case Function::kGreaterEqual: return comparison(input, out);
    case Function::kIn:
    case Function::kNotIn: return in_list(input, out);
    case Function::kMatches:
    case Function::kNotMatches: return matches(input, scalar, out);
    case Function::kContains: return text_test(input, out);
    case Function::kAdd:
    case Function::kSubtract:
    case Function::kMultiply:
    case Function::kDivide:
    case Function::kIntegerDivide:
    case Function::kModulo: return arithmetic(input, out);
    case Function::kToF64: return to_f64(input, out);
    case Function::kExists: return exists(input, out);
    case Function::kIf:
    case Function::kCoalesce: return choose(input, out);
    default: return false;
  }
}

Status call_by_row(const FunctionInput& input, ScalarContext& scalar, Vector& out) {
  out.reset_null(input.node.type, input.row_count);
  const auto valid = out.writable_valid();
  const auto i64 = out.i64.empty() ? std::span<int64_t>{} : out.make_i64();
  const auto u64 = out.u64.empty() ? std::span<uint64_t>{} : out.make_u64();
  const auto f64 = out.f64.empty() ? std::span<double>{} : out.make_f64();
  const auto boolean = out.boolean.empty() ? std::span<uint8_t>{} : out.make_boolean();
  const auto text = out.text.empty() ? std::span<std::string_view>{} : out.make_text();
  std::vector<Value> arguments(input.arguments.size());
  WorkCheck check(input.budget);
  size_t counted_bytes = 0;
  for (const uint32_t row : input.rows) {
    size_t bytes = arguments.size();
    for (size_t i = 0; i < arguments.size(); ++i) {
      const Vector& argument = *input.arguments[i];
      arguments[i] = argument.at(row < argument.size ? row : 0);  // a list item has one row
      if (const auto* argument_text = std::get_if<std::string>(&arguments[i].data)) {
        bytes += argument_text->size();
      }
    }
    const Value value = evaluate_function(input.node.function, input.node.type, arguments, scalar);
    TOCSIN_RETURN_IF_ERROR(check.add(bytes));
    if (value.is_null()) continue;
    valid[row] = 1;
    if (!i64.empty()) i64[row] = std::get<int64_t>(value.data);
    if (!u64.empty()) u64[row] = std::get<uint64_t>(value.data);
    if (!f64.empty()) f64[row] = std::get<double>(value.data);
    if (!boolean.empty()) boolean[row] = std::get<bool>(value.data);
    if (text.empty()) continue;
    text[row] = out.keep(std::get<std::string>(value.data));
    const size_t bytes_now = kept_texts_bytes(out);
    if (bytes_now == counted_bytes) continue;
    TOCSIN_RETURN_IF_ERROR(input.gauge.change(counted_bytes, bytes_now));
    counted_bytes = bytes_now;
  }
  return {};
}

}  // namespace tocsin
