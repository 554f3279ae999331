#include "query/diagnostic.h"

#include <algorithm>

#include <fmt/format.h>

namespace tocsin {
namespace {

constexpr size_t kShownBytesMax = 160;  // of the line, so that one without end stays readable

// Columns on a terminal, well enough for carets: code points.
size_t width(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

bool is_continuation(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

// Control characters would move the carets, or the terminal's cursor.
std::string without_controls(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; },
      ' ');
  return out;
}

}  // namespace

void Diagnostic::locate(std::string_view query_text, size_t place, size_t byte_length) {
  place = std::min(place, query_text.size());
  offset = static_cast<uint32_t>(place);
  length = static_cast<uint32_t>(std::max<size_t>(1, byte_length));
  const std::string_view before = query_text.substr(0, place);
  const size_t line_break = before.rfind('\n');
  const size_t line_start = line_break == std::string_view::npos ? 0 : line_break + 1;
  line = static_cast<uint32_t>(1 + std::count(before.begin(), before.end(), '\n'));
  column = static_cast<uint32_t>(1 + place - line_start);
}

std::string Diagnostic::render(std::string_view query_text) const {
  std::string out = fmt::format("{}:{}: {}", line, column, message);
  const size_t place = std::min<size_t>(offset, query_text.size());
  size_t start = place - std::min<size_t>(place, column - 1);
  size_t end = std::min(query_text.find('\n', place), query_text.size());
  if (place - start > kShownBytesMax / 2) start = place - kShownBytesMax / 2;
  end = std::min(end, start + kShownBytesMax);
  while (start < place && is_continuation(query_text[start])) ++start;
  while (end > place && end < query_text.size() && is_continuation(query_text[end])) --end;
  const std::string_view shown = query_text.substr(start, end - start);
  const std::string_view marked = shown.substr(place - start, length);
  const std::string margin = fmt::format("{:>4} | ", line);
  out += fmt::format("\n{}{}\n{:>{}}{}", margin, without_controls(shown), "",
                     margin.size() + width(shown.substr(0, place - start)),
                     std::string(std::max<size_t>(1, width(marked)), '^'));
  if (!hint.empty()) out += "\n     = " + hint;
  return out;
}

std::string join_choices(const std::vector<std::string>& choices) {
  std::string out;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) out += i + 1 == choices.size() ? " or " : ", ";
    out += choices[i];
  }
  return out;
}

}  // namespace tocsin
