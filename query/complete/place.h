// The words of an unfinished query: those in front of the cursor, the one that it is in, and the
// `;` behind the last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

enum class WordKind : uint8_t { kName, kQuotedName, kString, kNumber, kParameter, kSign };

struct QueryWord {
  WordKind kind = WordKind::kSign;
  size_t start = 0, end = 0;  ///< bytes of the text
  std::string text;           ///< a name or string without quotes, else as written
};

struct CursorPlace {
  bool in_comment = false;
  /// Of the word at the cursor: where it begins, and where it ends behind the cursor; both at the
  /// cursor when there is none.
  size_t start = 0, end = 0;
  WordKind kind = WordKind::kName;  ///< of that word
  std::string typed;                ///< of it, up to the cursor, without its quote
  std::vector<QueryWord> before;    ///< all words in front of it

  bool behind(std::string_view sign_or_word) const;
  /// Index in `before` of the first word of the stage; 0 in the source.
  size_t stage_begin() const;
  /// The stage's name, or empty in the source and right behind `|`.
  std::string_view stage() const;

  struct Call {
    std::string_view name;
    size_t argument = 0;  ///< from 0
  };
  /// The innermost call that the cursor is in; its name is empty for plain parentheses.
  std::optional<Call> call() const;
  /// The column that is compared with the word at the cursor, by `==`, `!=` or `in (…)`.
  std::optional<std::string> compared_column() const;
};

CursorPlace find_place(std::string_view text, size_t cursor);

/// Where the `;` that ends a query stands, or text.size(): not one in a string or comment.
size_t semicolon_offset(std::string_view text);
/// The text without it, so that more stages may follow.
std::string without_semicolon(std::string_view text);

}  // namespace tocsin
