#include "query/parser/diagnostic.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/text.h"
#include "query/base/terminal_text.h"

namespace tocsin {
namespace {

// Width of the excerpt, so that it and the carets fit on a terminal of 80 columns.
constexpr size_t kShownColumnsMax = 72;

// Control characters would shift the carets or the cursor. Byte offsets stay the same.
std::string without_controls(std::string_view text) {
  std::string out(text);
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t length = control_length(text.substr(i));
    std::fill_n(out.begin() + static_cast<ptrdiff_t>(i), length, ' ');
    if (length > 1) i += length - 1;
  }
  return out;
}

// A line of text around the marked part, as shown.
struct Excerpt {
  std::string before;  // the text before the mark
  std::string rest;    // from the mark on
  size_t marked_columns = 1;
};

Excerpt excerpt(std::string_view line, size_t place, size_t marked_bytes) {
  Excerpt out;
  out.before = without_controls(line.substr(0, place));
  out.rest = without_controls(line.substr(place));
  const size_t marked = width_of(std::string_view(out.rest).substr(0, marked_bytes));
  // In a line that is too long, the mark gets most of the room, then the text before it.
  const size_t rest_columns =
      std::clamp(marked, kShownColumnsMax / 3, kShownColumnsMax - kShownColumnsMax / 3);
  const size_t taken = std::min(width_of(out.rest), rest_columns);
  out.before = cut_front_to(std::move(out.before), kShownColumnsMax - taken);
  if (!out.rest.empty())
    out.rest = cut_to(std::move(out.rest), kShownColumnsMax - width_of(out.before));
  out.marked_columns = std::max<size_t>(1, std::min(marked, width_of(out.rest)));
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
  const size_t start = place - std::min<size_t>(place, column - 1);
  const size_t end = std::min(query_text.find('\n', place), query_text.size());
  const Excerpt shown = excerpt(query_text.substr(start, end - start), place - start, length);
  const std::string margin = fmt::format("{:>4} | ", line);
  out += fmt::format("\n{}{}{}\n{}{}", margin, shown.before, shown.rest,
                     std::string(margin.size() + width_of(shown.before), ' '),
                     std::string(shown.marked_columns, '^'));
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
