// The text forms of typed CSV and typed JSON lines, which preserve types, floats and bytes exactly.
// `tocsin export --typed` writes them, `tocsin import` reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/schema/schema.h"

namespace tocsin {

/// A stored column as the header of a typed file describes it.
struct TypedColumn {
  std::string name;
  ColumnType type = ColumnType::kString;
  ColumnKind kind = ColumnKind::kField;
  bool base64 = false;  ///< strings: every value is written in base64 (RFC 4648, section 4)
  /// Of a sibling: type and kind of the first column of that name.
  std::optional<std::pair<ColumnType, ColumnKind>> first = {};

  bool operator==(const TypedColumn&) const = default;
};

struct TypedMeasurement {
  std::string name;
  std::vector<TypedColumn> columns;
};

/// `i64 field`, `string tag`, `i64 time`, `string field base64`; of a sibling `string field after
/// i64 field`. Parsing sets all of `column` except its name, or returns false.
std::string type_text(const TypedColumn& column);
bool parse_type_text(std::string_view text, TypedColumn& column);

/// Sets `first` of all siblings. Requires: they follow the first column of their name.
void mark_siblings(std::vector<TypedColumn>& columns);

/// The shortest decimal that parses back to the same float, or `inf`, `-inf` or `nan`. A NaN with
/// unusual bits includes them: `nan:fff8000000000001`.
void add_exact_f64(std::string& out, double value);
std::optional<double> parse_exact_f64(std::string_view text);

/// Whether a text file can hold the bytes unchanged: UTF-8 without NUL bytes. A column with any
/// other value is written in base64.
bool is_plain_text(std::string_view bytes);

/// `name` itself, or `base64:` and its base64 if it is not plain text or starts with `base64:`
/// itself.
std::string exact_name(std::string_view name);
/// The inverse of exact_name(); returns nothing if `base64:` is not followed by valid base64.
std::optional<std::string> parse_exact_name(std::string_view text);
bool is_base64_name(std::string_view text);

}  // namespace tocsin
