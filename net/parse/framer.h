// Cuts a byte stream into whole lines, for line protocol and JSON lines mixed on one connection.
//
// A JSON line, a comment and a blank line end at their first newline. A line of line protocol ends
// at the first newline outside a quoted field value: Telegraf writes stack traces with raw
// newlines. A value's quote opens after an unescaped `=` behind the first unescaped blank, and
// closes before a comma, a blank or the line's end. Where a quote closes elsewhere, or stays open
// past kLineBytesMax or the end of the data, it is broken: the line ends at its first newline, so
// that a broken quote cannot swallow the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

inline constexpr size_t kLineBytesMax = size_t{4} << 20;  ///< longer lines are rejected

/// What editors and shells on Windows put before UTF-8 text; dropped where a stream or file begins.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
inline std::string_view without_byte_order_mark(std::string_view start) {
  return start.substr(start.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0);
}

enum class LineFormat : uint8_t { kLineProtocol, kJson };

/// The format of a line by its first byte that is not a blank: `{` begins JSON.
LineFormat format_of_line(std::string_view line);

/// The number of bytes at the start of `data` that are whole lines (their newline included).
/// 0: more bytes are needed. With `at_end`, everything left is a line. Where more than
/// kLineBytesMax bytes hold no newline at all, 0 too: the caller rejects the line and skips to the
/// next newline.
size_t whole_lines(std::string_view data, bool at_end);

/// The next line of `rest` under the same rules, without its newline and a carriage return before
/// it; advances `rest`. Requires: `rest` ends where whole_lines ended, or at the end of all data.
std::string_view next_line(std::string_view& rest);

/// As next_line, but nothing when the end of the line may come behind `rest`.
std::optional<std::string_view> next_whole_line(std::string_view& rest);

/// How far a line whose end has not arrived was looked at. Internal to the framer.
struct OpenLine {
  enum class Kind : uint8_t { kUnknown, kSimple, kLineProtocol };

  Kind kind = Kind::kUnknown;
  bool in_quote = false;
  bool at_close = false;     ///< that quote's end is `scanned`, unless what follows denies it
  size_t scanned = 0;        ///< bytes of the line that need no second look
  size_t fields_start = 0;   ///< index of the blank before the fields, once found
  size_t blank_scanned = 0;  ///< bytes in which that blank is not
  bool fields_found = false;
  size_t quoted_newline = std::string_view::npos;  ///< the first newline inside any quote
};

/// whole_lines for a stream that arrives in pieces: each byte is looked at once, however small they
/// are.
class StreamFramer {
 public:
  /// As whole_lines(pending, false). `pending` is what the last call left over and the bytes since.
  size_t whole_lines(std::string_view pending);

  /// Whether the line that whole_lines stopped at has a quote that is open across a newline: lines
  /// may be waiting behind it.
  bool holds_lines_back() const;
  /// Takes that quote for broken: the number of bytes up to the end of its own first line. 0 where
  /// no line is held back. Requires: whole_lines(pending) was 0.
  size_t give_up_quote();

 private:
  OpenLine open_;
};

}  // namespace tocsin
