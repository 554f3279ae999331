// Typed JSON lines: the first line declares the type and kind of every column. The other lines are
// JSON objects whose values are parsed accordingly.
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

/// The start of a typed file.
inline constexpr std::string_view kTypedJsonStart = "{\"tocsin_columns\":";

/// The first line, with its newline: `{"tocsin_columns":{"audit":{"service":"string tag","ms":"f64
/// field"}}}`. A sibling has a key that is not its name, which follows its type:
/// `"ms#string":"string field after f64 field as ms"`. kLimit if it exceeds kLineBytesMax or
/// kJsonKeysMax.
Result<std::string> typed_json_header(const std::vector<TypedMeasurement>& measurements);
/// The keys of a measurement's columns in its rows.
std::vector<std::string> typed_json_keys(const std::vector<TypedColumn>& columns);
/// Parses the first line. kInvalid says what is wrong with it.
Result<std::vector<TypedMeasurement>> read_typed_json_header(std::string_view line);

/// Parses the lines after the first. Like JsonLinesParser, but every value must have its column's
/// type. Floats may be strings as add_exact_f64() writes them; names are as exact_name() returns
/// them. Not thread-safe.
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
