// Positions inside the texts of a rule file, and comparison of two versions of a rule.
#include "rules/rule.h"

#include <algorithm>

#include "db/base/ascii.h"
#include "query/parser/ast.h"

namespace tocsin {
namespace {

constexpr std::string_view kPart = "$part";

// The next place of `$part`, which is not the start of a longer name.
size_t find_part(const std::string& text, size_t from) {
  for (size_t at = from; (at = text.find(kPart, at)) != std::string::npos; at += kPart.size()) {
    const size_t end = at + kPart.size();
    if (end == text.size() || !is_word_character(text[end])) return at;
  }
  return std::string::npos;
}

}  // namespace

FilePosition RuleText::at(size_t offset) const {
  const std::string_view before = std::string_view(text).substr(0, offset);
  const auto line = static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  if (lines.empty()) return {};
  const size_t newline = before.rfind('\n');
  const size_t in_line = newline == std::string_view::npos ? offset : offset - newline - 1;
  const FilePosition start = lines[std::min(line, lines.size() - 1)];
  return {start.line, start.column + static_cast<uint32_t>(in_line)};
}

RuleText RuleText::part(size_t offset, size_t length) const {
  RuleText out{text.substr(offset, length), {}};
  if (lines.empty()) return out;
  const auto first = static_cast<size_t>(
      std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(offset), '\n'));
  const auto count = static_cast<size_t>(std::count(out.text.begin(), out.text.end(), '\n'));
  out.lines.push_back(at(offset));
  for (size_t line = first + 1; line <= first + count && line < lines.size(); ++line) {
    out.lines.push_back(lines[line]);
  }
  return out;
}

std::string Rule::query_of(size_t part) const {
  if (parts.empty()) return expr.text;
  const std::string name = ast::print_name(parts[part]);
  std::string query;
  size_t done = 0;
  for (size_t next; (next = find_part(expr.text, done)) != std::string::npos;) {
    query.append(expr.text, done, next - done).append(name);
    done = next + kPart.size();
  }
  return query.append(expr.text, done);
}

size_t Rule::offset_in_expr(size_t part, size_t offset) const {
  if (parts.empty()) return offset;
  const size_t name_size = ast::print_name(parts[part]).size();
  size_t at = 0;  // in `expr`; `offset` counts from there
  while (true) {
    const size_t next = find_part(expr.text, at);
    if (next == std::string::npos || offset < next - at) return at + offset;
    if (offset < next - at + name_size) return next;
    offset -= next - at + name_size;
    at = next + kPart.size();
  }
}

bool Rule::uses_parts() const { return find_part(expr.text, 0) != std::string::npos; }

bool Rule::same_as(const Rule& other) const {
  const auto same_texts = [](const RuleText& a, const RuleText& b) { return a.text == b.text; };
  return name == other.name && type == other.type && group == other.group &&
         interval == other.interval && same_texts(expr, other.expr) && parts == other.parts &&
         same_texts(value, other.value) && same_texts(baseline, other.baseline) &&
         same_texts(starts_when, other.starts_when) && same_texts(forget_when, other.forget_when) &&
         std::equal(severities.begin(), severities.end(), other.severities.begin(),
                    other.severities.end(),
                    [&](const SeverityCase& a, const SeverityCase& b) {
                      return a.severity == b.severity && same_texts(a.condition, b.condition);
                    }) &&
         hold == other.hold && keep_firing_for == other.keep_firing_for && labels == other.labels &&
         std::equal(annotations.begin(), annotations.end(), other.annotations.begin(),
                    other.annotations.end(),
                    [&](const auto& a, const auto& b) {
                      return a.first == b.first && same_texts(a.second, b.second);
                    }) &&
         parameters == other.parameters;
}

}  // namespace tocsin
