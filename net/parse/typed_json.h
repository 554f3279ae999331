// Typed JSON lines: the first line says types and kinds of every column, the others are objects as
// JSON lines have them, whose values are read as that says.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/schema/batch.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_protocol.h"
#include "net/parse/typed_columns.h"

namespace tocsin {

/// What a typed file begins with.
inline constexpr std::string_view kTypedJsonStart = "{\"tocsin_columns\":";

/// The first line, with its newline: `{"tocsin_columns":{"audit":{"service":"string tag","ms":"f64
/// field"}}}`. kLimit when it would be longer than a line may be, or have more keys.
Result<std::string> typed_json_header(const std::vector<TypedMeasurement>& measurements);
/// What the first line says; kInvalid says what is wrong with it.
Result<std::vector<TypedMeasurement>> read_typed_json_header(std::string_view line);

/// Parses whole lines behind the first. As JsonLinesParser, but every value must be of its column's
/// type: a float may be a string as add_exact_f64 writes it, strings and names are as exact_text()
/// gave them. Not thread-safe.
class TypedJsonParser {
 public:
  TypedJsonParser();
  ~TypedJsonParser();

  void parse(std::string_view buffer, const std::vector<TypedMeasurement>& measurements,
             const ParseOptions& options, Batch& batch, LineErrors& errors);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
