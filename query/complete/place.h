// The words of an unfinished query: those before the cursor, the one at the cursor, and the final
// `;`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

enum class WordKind : uint8_t { kName, kQuotedName, kString, kNumber, kParameter, kSymbol };

struct QueryWord {
  WordKind kind = WordKind::kSymbol;
  size_t start = 0, end = 0;  ///< byte offsets in the text
  std::string text;           ///< a name or string without quotes, else as written
};

struct CursorPlace {
  bool in_comment = false;
  /// The word at the cursor, including its part after the cursor; empty at the cursor if there is
  /// none.
  size_t start = 0, end = 0;
  WordKind kind = WordKind::kName;  ///< of that word
  std::string typed;                ///< that word up to the cursor, without its opening quote
  std::vector<QueryWord> before;    ///< all words before it

  /// Whether the last word of `before` is that symbol or name.
  bool follows(std::string_view symbol_or_word) const;
  /// Index in `before` of the first word of the current stage; 0 in the source.
  size_t stage_begin() const;
  /// The name of the stage; empty in the source and right after `|`.
  std::string_view stage() const;

  struct Call {
    std::string_view name;
    size_t argument = 0;  ///< from 0
  };
  /// The innermost call around the cursor; the name is empty for plain parentheses.
  std::optional<Call> call() const;
  /// The column compared with the word at the cursor by `==`, `!=` or `in (…)`.
  std::optional<std::string> compared_column() const;
};

CursorPlace find_place(std::string_view text, size_t cursor);

/// Offset of the `;` that ends a query, or text.size(). Ignores strings and comments.
size_t semicolon_offset(std::string_view text);
/// The text without that `;`, so that stages can be appended.
std::string without_semicolon(std::string_view text);

}  // namespace tocsin
