// An error in a query: what is wrong, where, and what to write instead.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// When prepare fails, `Error::message` is `render()`.
struct Diagnostic {
  std::string message;                ///< one sentence
  uint32_t offset = 0;                ///< byte offset in the query's text
  uint32_t length = 1;                ///< bytes under the carets
  uint32_t line = 1;                  ///< from 1
  uint32_t column = 1;                ///< from 1, in bytes
  std::vector<std::string> expected;  ///< what would have been valid there; see syntax_error.h
  std::string hint;  ///< what to do, as in `did you mean duration_ms?`; may be empty

  /// Sets offset and length, and line and column from them.
  void locate(std::string_view query_text, size_t place, size_t byte_length);
  /// `line:column: message`, the line of the text, carets under the error, and the hint.
  std::string render(std::string_view query_text) const;
};

/// `a`, `a or b`, `a, b or c`.
std::string join_choices(const std::vector<std::string>& choices);

}  // namespace tocsin
