// Cuts a byte stream into whole lines, for line protocol and JSON lines mixed on one connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

inline constexpr size_t kLineBytesMax = size_t{4} << 20;  ///< longer lines are rejected

enum class LineFormat : uint8_t { kLineProtocol, kJson };

/// The format of a line by its first byte that is not a blank: `{` begins JSON.
LineFormat format_of_line(std::string_view line);

/// The number of bytes at the start of `data` that are whole lines (their newline included), where a
/// newline inside a quoted line-protocol field belongs to the line. 0: more bytes are needed.
/// A line whose quote stays open past kLineBytesMax ends at its first newline, so a broken quote cannot
/// swallow the stream. With `at_end`, everything left is a line.
size_t whole_lines(std::string_view data, bool at_end);

/// The next line of `rest` under the same rules, without its newline; advances `rest`.
std::string_view next_line(std::string_view& rest);

}  // namespace tocsin
