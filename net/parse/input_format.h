// Recognises what a file holds by its first bytes; no I/O. It never guesses text as something else
// without saying so: what it recognises but cannot read has a name and advice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/parse/csv_rows.h"
#include "net/parse/line_protocol.h"

namespace tocsin {

inline constexpr size_t kFormatBytes = size_t{64} << 10;  ///< of a file that decide its format

/// How the bytes of a file become text with newlines.
enum class TextEncoding : uint8_t {
  kPlain,
  kGzip,
  kZstd,
  kUtf16Little,
  kUtf16Big,
  kCarriageReturns,  ///< the first kFormatBytes have carriage returns and no newline
};
TextEncoding encoding_of(std::string_view start);
/// `gzip`, for messages.
std::string_view name_of(TextEncoding encoding);

/// A file whose format is known but not read: its name, such as `a Parquet file`, and what to do.
struct UnreadFormat {
  std::string name;  ///< empty: the bytes look like text
  std::string advice;
};
/// Requires: the bytes are in no other encoding than kPlain.
UnreadFormat unread_format(std::string_view start);

enum class InputFormat : uint8_t {
  kLineProtocol,
  kJson,           ///< one object per line
  kJsonDocuments,  ///< arrays, or objects with line breaks: see JsonDocuments
  kTypedJson,
  kCsv,  ///< also typed
  kText,
  kLogfmt,
  kCri,     ///< logs of Kubernetes
  kDocker,  ///< Docker's json-file
  kAccess,  ///< of web servers
  kRegex,   ///< the columns are the groups of an expression
};
/// The name of a format whose lines EventParser reads, as users write it: `lp`, `json`, `logfmt`;
/// `csv`, and `typed json`.
std::string_view name_of(InputFormat format);
/// The inverse, for the formats of followed files: all but CSV and typed JSON.
std::optional<InputFormat> line_format_of(std::string_view name);
/// `auto`, and the names that line_format_of() knows.
std::vector<std::string> line_format_names();

struct FormatGuess {
  InputFormat format = InputFormat::kLineProtocol;
  CsvLayout csv;          ///< kCsv
  std::string array_key;  ///< kJsonDocuments
  /// The format of lines that do not begin with `{` when lines are recognised one by one, as
  /// line_runs() does.
  InputFormat other_lines = InputFormat::kLineProtocol;
  /// kText: its first lines have their times at one place, so that a line without one continues the
  /// event before it.
  bool joins_lines = false;
  /// What a person should know: for example that lines of CSV are stored as text.
  std::string note;
};

/// The extension of a file: `.log` for `app.log`, also when it was rotated or compressed, such as
/// `app.log.1`, `app.log-20261102` or `app.log.2.gz`. Empty if the name has none.
std::string_view log_extension(std::string_view path);

/// Decides by the first kFormatBytes of a file, after its encoding. `name` is the format that the
/// user has named: `csv`, or one of line_format_names(); only details are then decided, such as the
/// separator of CSV. `path` matters only for its extension, `options` are those of the parsers;
/// with `more_follows`, a file of fewer bytes may grow.
FormatGuess guess_format(std::string_view start, std::string_view name, std::string_view path,
                         const ParseOptions& options);

}  // namespace tocsin
