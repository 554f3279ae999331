// Functions of single strings, and conversion of values to text.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <re2/re2.h>

#include "db/base/ascii.h"
#include "db/base/message_template.h"
#include "db/base/text.h"
#include "db/limits.h"
#include "query/base/search.h"
#include "query/function/scalar_parts.h"

namespace tocsin {
namespace {

using scalar::Arguments;
using scalar::bool_of;
using scalar::f64_of;
using scalar::finite;
using scalar::i64_of;
using scalar::text_of;
using T = ValueType;

std::string to_text(const Value& value) {
  switch (value.type) {
    case T::kBool: return bool_of(value) ? "true" : "false";
    case T::kI64: return fmt::format("{}", i64_of(value));
    case T::kU64: return fmt::format("{}", std::get<uint64_t>(value.data));
    case T::kF64: return fmt::format("{}", f64_of(value));
    case T::kTime: return format_time_short(i64_of(value));
    case T::kDuration: return format_duration(i64_of(value));
    case T::kString: return text_of(value);
    case T::kNull: return "null";
  }
  return "";
}

Value to_number(std::string_view text) {
  text = trimmed(text);
  double number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size()) return Value::null();
  return finite(number);
}

// Characters are code points; an invalid continuation byte counts to the character before it.
bool begins_character(char c) { return !continues_character(c); }

int64_t character_count(std::string_view text) {
  return std::count_if(text.begin(), text.end(), begins_character);
}

// Byte offset of the character with that index; the text's size if there is none.
size_t character_offset(std::string_view text, int64_t index) {
  size_t n = 0;
  while (n < text.size()) {
    if (begins_character(text[n]) && index-- == 0) break;
    ++n;
  }
  return n;
}

int64_t clamped_i64(const Value& value) {
  const auto* natural = std::get_if<uint64_t>(&value.data);
  if (!natural) return i64_of(value);
  return static_cast<int64_t>(std::min<uint64_t>(*natural, INT64_MAX));
}

Value substring(Arguments arguments) {
  std::string_view text = text_of(arguments[0]);
  int64_t start = clamped_i64(arguments[1]);
  if (start < 0) start = std::max<int64_t>(0, character_count(text) + std::max(start, -INT64_MAX));
  text.remove_prefix(character_offset(text, start));
  if (arguments.size() > 2) {
    text = text.substr(0, character_offset(text, std::max<int64_t>(0, clamped_i64(arguments[2]))));
  }
  return Value::of(std::string(text));
}

// A text that functions build from parts, but not beyond kStringBytesMax: then the result is null.
class BuiltText {
 public:
  // Returns false once the text is too long.
  bool append(std::string_view part) {
    fits_ = fits_ && part.size() <= kStringBytesMax - text_.size();
    if (fits_) text_ += part;
    return fits_;
  }
  Value release(ScalarContext& context) && {
    if (fits_) return Value::of(std::move(text_));
    ++context.texts_too_long;
    return Value::null();
  }

 private:
  std::string text_;
  bool fits_ = true;
};

Value replace_all(std::string_view text, const std::string& old, const std::string& fresh,
                  ScalarContext& context) {
  BuiltText out;
  size_t from = 0;
  while (!old.empty()) {
    const size_t at = find_text(text, old, from);
    if (at == std::string_view::npos) break;
    if (!out.append(text.substr(from, at - from)) || !out.append(fresh)) break;
    from = at + old.size();
  }
  out.append(text.substr(from));
  return std::move(out).release(context);
}

Value extract(Arguments arguments, ScalarContext& context) {
  const re2::RE2* pattern = context.pattern(text_of(arguments[1]));
  if (!pattern) return Value::null();
  const std::string& text = text_of(arguments[0]);
  const int wanted = pattern->NumberOfCapturingGroups() > 0 ? 1 : 0;
  re2::StringPiece groups[2];
  if (!pattern->Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups, wanted + 1)) {
    return Value::null();
  }
  const re2::StringPiece& found = groups[wanted];
  if (!found.data()) return Value::null();  // the group took no part in the match
  return Value::of(std::string(found.data(), found.size()));
}

Value concat(Arguments arguments, ScalarContext& context) {
  BuiltText out;
  for (const Value& argument : arguments) {
    if (!out.append(to_text(argument))) break;
  }
  return std::move(out).release(context);
}

Value template_of(std::string_view text, ScalarContext& context) {
  BuiltText out;
  out.append(message_template(text));
  return std::move(out).release(context);
}

}  // namespace

Value scalar::text_function(Function function, Arguments arguments, ScalarContext& context) {
  if (function == Function::kToString) return Value::of(to_text(arguments[0]));
  if (function == Function::kConcat) return concat(arguments, context);
  const std::string& text = text_of(arguments[0]);
  switch (function) {
    case Function::kLength: return Value::of(character_count(text));
    case Function::kLower: return Value::of(lower_case(text));
    case Function::kUpper: return Value::of(upper_case(text));
    case Function::kTrim: return Value::of(std::string(trimmed(text)));
    case Function::kStartsWith: return Value::of(text.starts_with(text_of(arguments[1])));
    case Function::kEndsWith: return Value::of(text.ends_with(text_of(arguments[1])));
    case Function::kReplace:
      return replace_all(text, text_of(arguments[1]), text_of(arguments[2]), context);
    case Function::kSubstring: return substring(arguments);
    case Function::kExtract: return extract(arguments, context);
    case Function::kTemplate: return template_of(text, context);
    default: return to_number(text);
  }
}

}  // namespace tocsin
