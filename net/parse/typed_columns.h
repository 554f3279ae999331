// How typed CSV and typed JSON lines say what plain ones cannot: types, floats and bytes exactly as
// they are stored. Both directions in one place: what `tocsin export --typed` writes, `tocsin
// import` reads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema.h"

namespace tocsin {

/// A stored column as the first line of a typed file describes it.
struct TypedColumn {
  std::string name;
  ColumnType type = ColumnType::kString;
  ColumnKind kind = ColumnKind::kField;

  bool operator==(const TypedColumn&) const = default;
};

struct TypedMeasurement {
  std::string name;
  std::vector<TypedColumn> columns;
};

/// `i64 field`, `string tag`, `i64 time`; sets type and kind of `column`, or returns false.
std::string type_text(const TypedColumn& column);
bool parse_type_text(std::string_view text, TypedColumn& column);

/// The shortest decimal that reads back as the same float, or `inf`, `-inf`, `nan`; a NaN with
/// other bits than the usual ones carries them: `nan:fff8000000000001`.
void add_exact_f64(std::string& out, double value);
std::optional<double> parse_exact_f64(std::string_view text);

/// Names and strings stand as they are unless they are no UTF-8 or hold a NUL byte: then, and when
/// they begin like that themselves, as `base64:` and RFC 4648, section 4.
bool needs_base64(std::string_view bytes);
std::string base64_text(std::string_view bytes);
/// `bytes`, or its base64 text.
std::string exact_text(std::string_view bytes);
/// The bytes that exact_text() gave; nothing when what follows `base64:` is none.
bool is_base64_text(std::string_view text);
std::optional<std::string> parse_exact_text(std::string_view text);

}  // namespace tocsin
