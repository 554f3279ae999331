// The work that parse_bench times. parse_work.cpp is compiled twice: as released, and with
// TOCSIN_PORTABLE, which leaves out the parts of the parsers that process several bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// Each function does its work once and returns the number of its items. With `image` it also
/// appends everything that it has produced, to compare two ways of doing the same work.
struct ParseWork {
  /// `guess_shapes`: with the fast path for lines that look like earlier ones.
  size_t (*line_protocol)(std::string_view lines, bool guess_shapes, std::string* image);
  size_t (*json_lines)(std::string_view lines, bool guess_shapes, std::string* image);
  size_t (*csv)(std::string_view records, std::string* image);
  /// The lines of a file in the format of that name, by EventParser. `pattern`: of `regex`.
  size_t (*events)(std::string_view lines, const char* format, const char* pattern,
                   bool guess_shapes, std::string* image);

  /// `plain`: with std::from_chars only.
  size_t (*integers)(std::span<const std::string> texts, bool plain, std::string* image);
  size_t (*decimals)(std::span<const std::string> texts, bool plain, std::string* image);

  size_t (*count_lines)(std::string_view lines, std::string* image);
  /// Message texts into patterns and their variables.
  size_t (*split)(std::span<const std::string> texts, std::string* image);
};

extern const ParseWork kReleasedWork;
extern const ParseWork kPortableWork;
