// How typed CSV and typed JSON lines say what plain ones cannot: types, floats and bytes exactly as
// they are stored. Both directions in one place: what `tocsin export --typed` writes, `tocsin
// import` reads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema/schema.h"

namespace tocsin {

/// A stored column as the first line of a typed file describes it.
struct TypedColumn {
  std::string name;
  ColumnType type = ColumnType::kString;
  ColumnKind kind = ColumnKind::kField;
  bool base64 = false;  ///< strings: every value is written in base64 (RFC 4648, section 4)

  bool operator==(const TypedColumn&) const = default;
};

struct TypedMeasurement {
  std::string name;
  std::vector<TypedColumn> columns;
};

/// `i64 field`, `string tag`, `i64 time`, `string field base64`; sets all but the name of `column`,
/// or returns false.
std::string type_text(const TypedColumn& column);
bool parse_type_text(std::string_view text, TypedColumn& column);

/// The shortest decimal that reads back as the same float, or `inf`, `-inf`, `nan`; a NaN with
/// other bits than the usual ones carries them: `nan:fff8000000000001`.
void add_exact_f64(std::string& out, double value);
std::optional<double> parse_exact_f64(std::string_view text);

/// Whether text files hold the bytes as they are: UTF-8 without NUL bytes. One value that they do
/// not hold so makes its column one of base64.
bool is_plain_text(std::string_view bytes);
std::string base64_text(std::string_view bytes);
std::optional<std::string> parse_base64(std::string_view text);

/// Names stand as they are unless they are no plain text: then, and when they begin like that
/// themselves, as `base64:` and their base64 text.
std::string exact_name(std::string_view name);
/// The bytes that exact_name() gave; nothing when what follows `base64:` is no base64.
std::optional<std::string> parse_exact_name(std::string_view text);
bool is_base64_name(std::string_view text);

}  // namespace tocsin
