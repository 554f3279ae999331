#include "net/parse/word_value.h"

#include <variant>

#include "db/base/ascii.h"
#include "net/parse/number.h"

namespace tocsin {
namespace {

using Kind = JsonValue::Kind;

// The parsers of plain numbers also accept what JSON does not: leading zeros, a trailing point.
bool read_plain_number(std::string_view text, JsonValue& out) {
  const std::string_view digits = text.substr(text[0] == '-' ? 1 : 0);
  if (digits.empty() || !is_digit(digits[0]) || !is_digit(digits.back()) || text == "-0" ||
      (digits[0] == '0' && digits.size() > 1 && digits[1] != '.')) {
    return false;
  }
  if (const auto integer = parse_i64(text)) {
    out.kind = Kind::kI64;
    out.i64 = *integer;
    return true;
  }
  if (const auto decimal = parse_plain_decimal(text)) {
    out.kind = Kind::kF64;
    out.f64 = *decimal;
    return true;
  }
  return false;
}

bool read_any_number(std::string_view text, JsonValue& out) {
  const auto number = parse_json_number(text);
  if (!number) return false;
  if (const auto* i64 = std::get_if<int64_t>(&*number)) {
    out.kind = Kind::kI64;
    out.i64 = *i64;
  } else if (const auto* u64 = std::get_if<uint64_t>(&*number)) {
    out.kind = Kind::kU64;
    out.u64 = *u64;
  } else if (const auto* f64 = std::get_if<double>(&*number)) {
    out.kind = Kind::kF64;
    out.f64 = *f64;
  } else {
    out.kind = Kind::kHuge;
  }
  return true;
}

}  // namespace

void read_word(std::string_view word, JsonValue& out) {
  out.text = word;
  out.kind = Kind::kString;
  if (word.empty()) return;
  if (is_digit(word[0]) || word[0] == '-') {
    if (!read_plain_number(word, out)) read_any_number(word, out);
    return;
  }
  if (word[0] != 't' && word[0] != 'f') return;
  out.boolean = word == "true";
  if (out.boolean || word == "false") out.kind = Kind::kBool;
}

}  // namespace tocsin
