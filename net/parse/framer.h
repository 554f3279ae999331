// Splits a byte stream into whole lines; line protocol and JSON lines can be mixed on one
// connection.
//
// JSON lines, comments and blank lines end at their first newline. A line of line protocol ends at
// the first newline outside a quoted field value, because Telegraf writes stack traces with raw
// newlines. A quoted value opens after an unescaped `=` that follows the first unescaped space, and
// closes before a comma, a space or the end of the line. A quote is broken if it closes elsewhere,
// or stays open for more than kLineBytesMax or until the end of the data. The line then ends at its
// first newline, so that a broken quote cannot swallow the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

inline constexpr size_t kLineBytesMax = size_t{4} << 20;  ///< longer lines are rejected
/// The rest of such a line is skipped up to one of these: a line may follow NUL bytes.
inline constexpr std::string_view kLongLineEnds{"\n\0", 2};

/// Written before UTF-8 text by some Windows programs; dropped at the start of a stream or file.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
inline std::string_view without_byte_order_mark(std::string_view start) {
  return start.substr(start.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0);
}

enum class LineFormat : uint8_t { kLineProtocol, kJson };

/// The format of a line: JSON if its first byte after white space and NUL bytes is `{`.
LineFormat format_of_line(std::string_view line);

/// The number of bytes at the start of `data` that are whole lines, including their newlines. 0 if
/// more bytes are needed. With `at_end`, the rest of the data is a line. Also 0 if more than
/// kLineBytesMax bytes contain no newline: the caller rejects the line and skips to the next
/// newline.
size_t whole_lines(std::string_view data, bool at_end);

/// Removes the next line from `rest` and returns it without its line end (newline or CRLF).
/// Requires: `rest` ends at a length that whole_lines() returned, or at the end of all data.
std::string_view next_line(std::string_view& rest);

/// Like next_line(), for formats whose lines end at their first newline.
std::string_view next_simple_line(std::string_view& rest);

/// Like next_line(), but returns nothing if the line may continue after `rest`.
std::optional<std::string_view> next_whole_line(std::string_view& rest);

/// The scan state of a line whose end has not arrived. Internal to the framer.
struct OpenLine {
  enum class Kind : uint8_t { kUnknown, kSimple, kLineProtocol };

  Kind kind = Kind::kUnknown;
  bool in_quote = false;
  bool at_close = false;     ///< `scanned` is the closing quote, if the next byte confirms it
  size_t scanned = 0;        ///< bytes of the line that need not be scanned again
  size_t fields_start = 0;   ///< index of the space before the fields, if `fields_found`
  size_t blank_scanned = 0;  ///< bytes that do not contain that space
  bool fields_found = false;
  size_t quoted_newline = std::string_view::npos;  ///< the first newline inside any quote
};

/// whole_lines() for a stream that arrives in pieces: scans each byte once, however small the
/// pieces are.
class StreamFramer {
 public:
  /// Like whole_lines(pending, false). `pending` is the rest of the last call and all bytes since.
  size_t whole_lines(std::string_view pending);

  /// Whether the line at which whole_lines() stopped has a quote that is open across a newline, so
  /// that complete lines may be waiting after it.
  bool holds_lines_back() const;
  /// Treats that quote as broken and returns the number of bytes up to the end of its first line; 0
  /// if no line is held back. Requires: whole_lines(pending) returned 0.
  size_t give_up_quote();

 private:
  OpenLine open_;
};

}  // namespace tocsin
