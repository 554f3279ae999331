#include "query/complete/place.h"

#include <algorithm>

#include "db/base/ascii.h"
#include "query/parser/lexer.h"

namespace tocsin {
namespace {

// Splits a text into words; accepts invalid queries.
class WordReader {
 public:
  explicit WordReader(std::string_view text) : text_(text) {}

  /// The next word; nothing at the end of the text.
  std::optional<QueryWord> next() {
    const size_t blanks = blank_length(text_.substr(at_));
    in_comment_ = comment_is_open(text_.substr(at_, blanks));
    at_ += blanks;
    if (at_ >= text_.size()) return std::nullopt;
    QueryWord word = read();
    in_source_ = in_source_ && word.text != "|" && word.text != "between" && word.text != "last";
    at_ = word.end;
    return word;
  }

  bool ends_in_comment() const { return in_comment_; }
  /// Whether the last word is a string or name without its closing quote.
  bool open() const { return open_; }

 private:
  static bool comment_is_open(std::string_view blanks) {
    const size_t line = blanks.rfind('\n');
    return blanks.substr(line == std::string_view::npos ? 0 : line).find('#') !=
           std::string_view::npos;
  }

  QueryWord word(WordKind kind, size_t length, std::string_view text) const {
    return {kind, at_, at_ + length, std::string(text)};
  }

  QueryWord quoted(WordKind kind, size_t quote_length) {
    const std::string_view rest = text_.substr(at_);
    const char quote = rest[quote_length - 1];
    size_t end = quote_length;
    while (end < rest.size() && rest[end] != quote && rest[end] != '\n') {
      end += rest[end] == '\\' && quote_length == 1 && quote == '"' ? 2 : 1;
    }
    open_ = end >= rest.size();
    end = std::min(end, rest.size());
    const std::string_view inner = rest.substr(quote_length, end - quote_length);
    return word(kind, open_ ? end : end + 1, inner);
  }

  QueryWord read() {
    const std::string_view rest = text_.substr(at_);
    open_ = false;
    if (rest.starts_with("r\"")) return quoted(WordKind::kString, 2);
    if (rest[0] == '"') return quoted(WordKind::kString, 1);
    if (rest[0] == '`') return quoted(WordKind::kQuotedName, 1);
    if (const size_t n = in_source_ ? measurement_length(rest) : identifier_length(rest); n > 0) {
      return word(WordKind::kName, n, rest.substr(0, n));
    }
    if (rest[0] == '$') {
      const size_t n = 1 + identifier_length(rest.substr(1));
      return word(WordKind::kParameter, n, rest.substr(0, n));
    }
    if (is_digit(rest[0])) {
      size_t n = 1;
      while (n < rest.size() && (is_word_character(rest[n]) || rest[n] == '.')) ++n;
      return word(WordKind::kNumber, n, rest.substr(0, n));
    }
    for (const std::string_view symbol : {"==", "!=", "=~", "!~", "<=", ">="}) {
      if (rest.starts_with(symbol)) return word(WordKind::kSymbol, 2, symbol);
    }
    return word(WordKind::kSymbol, 1, rest.substr(0, 1));
  }

  std::string_view text_;
  size_t at_ = 0;
  bool in_source_ = true;
  bool in_comment_ = false;
  bool open_ = false;
};

bool is_symbol(const QueryWord& word, std::string_view symbol) {
  return word.kind == WordKind::kSymbol && word.text == symbol;
}
bool is_word(const QueryWord& word, std::string_view text) {
  return word.kind == WordKind::kName && word.text == text;
}
bool is_literal(const QueryWord& word) {
  return word.kind == WordKind::kString || word.kind == WordKind::kNumber ||
         word.kind == WordKind::kParameter;
}
bool is_column(const QueryWord& word) {
  return word.kind == WordKind::kQuotedName ||
         (word.kind == WordKind::kName && !is_reserved_word(word.text));
}

// The end of the word at the cursor, including its part after the cursor.
size_t word_end(std::string_view text, size_t cursor, WordKind kind) {
  size_t end = cursor;
  if (kind == WordKind::kString || kind == WordKind::kQuotedName) {
    const char quote = kind == WordKind::kString ? '"' : '`';
    return end < text.size() && text[end] == quote ? end + 1 : end;
  }
  while (end < text.size() && is_word_character(text[end])) ++end;
  return end;
}

}  // namespace

CursorPlace find_place(std::string_view text, size_t cursor) {
  cursor = std::min(cursor, text.size());
  CursorPlace place;
  place.start = place.end = cursor;
  WordReader reader(text.substr(0, cursor));
  while (auto word = reader.next()) place.before.push_back(std::move(*word));
  place.in_comment = reader.ends_in_comment();
  if (place.before.empty() || place.before.back().end != cursor) return place;
  const QueryWord& last = place.before.back();
  const bool quoted = last.kind == WordKind::kString || last.kind == WordKind::kQuotedName;
  if (last.kind == WordKind::kSymbol || (quoted && !reader.open())) return place;
  place.start = last.start;
  place.kind = last.kind;
  place.typed = last.text;
  place.end = word_end(text, cursor, last.kind);
  place.before.pop_back();
  return place;
}

size_t semicolon_offset(std::string_view text) {
  WordReader reader(text);
  size_t offset = text.size();
  while (const auto word = reader.next())
    offset = is_symbol(*word, ";") ? word->start : text.size();
  return offset;
}

std::string without_semicolon(std::string_view text) {
  std::string out(text);
  if (const size_t offset = semicolon_offset(text); offset < text.size()) out.erase(offset, 1);
  return out;
}

bool CursorPlace::follows(std::string_view symbol_or_word) const {
  return !before.empty() &&
         (is_symbol(before.back(), symbol_or_word) || is_word(before.back(), symbol_or_word));
}

size_t CursorPlace::stage_begin() const {
  for (size_t i = before.size(); i > 0; --i) {
    if (is_symbol(before[i - 1], "|")) return i;
  }
  return 0;
}

std::string_view CursorPlace::stage() const {
  const size_t begin = stage_begin();
  return begin == 0 || begin == before.size() ? std::string_view() : before[begin].text;
}

std::optional<CursorPlace::Call> CursorPlace::call() const {
  size_t depth = 0;
  size_t argument = 0;
  for (size_t i = before.size(); i > stage_begin(); --i) {
    const QueryWord& word = before[i - 1];
    if (is_symbol(word, ")")) ++depth;
    if (depth == 0 && is_symbol(word, ",")) ++argument;
    if (!is_symbol(word, "(")) continue;
    if (depth > 0) {
      --depth;
      continue;
    }
    const bool named = i >= 2 && is_column(before[i - 2]);
    return Call{named ? std::string_view(before[i - 2].text) : std::string_view(), argument};
  }
  return std::nullopt;
}

std::optional<std::string> CursorPlace::compared_column() const {
  size_t i = before.size();
  const auto last = [&](size_t back) { return i >= back ? &before[i - back] : nullptr; };
  if (const auto* symbol = last(1);
      symbol && (is_symbol(*symbol, "==") || is_symbol(*symbol, "!="))) {
    const auto* column = last(2);
    return column && is_column(*column) ? std::optional(column->text) : std::nullopt;
  }
  while (i >= 2 && is_symbol(before[i - 1], ",") && is_literal(before[i - 2])) i -= 2;
  if (!last(3) || !is_symbol(*last(1), "(") || !is_word(*last(2), "in")) return std::nullopt;
  i -= 2;
  if (is_word(*last(1), "not")) --i;
  return i > 0 && is_column(*last(1)) ? std::optional(last(1)->text) : std::nullopt;
}

}  // namespace tocsin
