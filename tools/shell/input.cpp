#include "tools/shell/input.h"

#include <algorithm>
#include <array>
#include <utility>

#include "db/base/ascii.h"
#include "query/complete/place.h"

namespace tocsin {
bool is_incomplete(std::string_view text) {
  static constexpr std::array<std::string_view, 8> kWords = {
      "and", "or", "not", "in", "by", "contains", "icontains", "where"};
  // Without `*`, which may mean all measurements.
  static constexpr std::array<std::string_view, 15> kSigns = {
      "|", ",", "(", "=", "==", "!=", "=~", "!~", "<", "<=", ">", ">=", "+", "-", "/"};
  // A blank after the text makes its last word count as finished.
  const std::string finished = std::string(text) + "\n";
  const CursorPlace place = find_place(finished, finished.size());
  if (place.before.empty()) return false;
  long depth = 0;
  for (const QueryWord& word : place.before) {
    if (word.kind != WordKind::kSymbol) continue;
    if (word.text == "(") ++depth;
    if (word.text == ")") --depth;
  }
  if (depth > 0) return true;
  const QueryWord& last = place.before.back();
  const auto is_one_of = [&](const auto& list) {
    return std::ranges::find(list, last.text) != list.end();
  };
  return (last.kind == WordKind::kSymbol && is_one_of(kSigns)) ||
         (last.kind == WordKind::kName && is_one_of(kWords));
}

bool continues(std::string_view line) {
  return !trimmed(line).empty() && std::string_view(" \t|#").find(line[0]) != std::string::npos;
}

QueryInput::State QueryInput::add(std::string_view line) {
  const std::string_view content = trimmed(line);
  if (content.empty()) {
    if (state_ != State::kNothing) state_ = State::kEnded;
    return state_;
  }
  const bool fresh = state_ == State::kNothing;
  if (fresh && content.starts_with('#')) return state_;
  if (fresh && content.starts_with('.')) {
    text_ = content;
    return state_ = State::kEnded;
  }
  if (!text_.empty()) text_ += '\n';
  text_ += line;
  if (semicolon_offset(text_) < text_.size()) {
    text_ = without_semicolon(text_);
    if (trimmed(text_).empty()) text_.clear();
    return state_ = text_.empty() ? State::kNothing : State::kEnded;
  }
  return state_ = is_incomplete(text_) ? State::kOpen : State::kReady;
}

std::string QueryInput::extract() {
  state_ = State::kNothing;
  return std::exchange(text_, "");
}

}  // namespace tocsin
