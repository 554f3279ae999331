// Finds line ends with memchr: most bytes are compared only with newline and quote.
#include "net/parse/framer.h"

#include "db/base/ascii.h"
#include "net/parse/scan.h"

namespace tocsin {
namespace {

using scan::find_byte;
using scan::kNone;

// White space, and the NUL bytes that a crash leaves in a file.
bool may_precede_line(char c) { return is_blank(c) || c == '\0'; }

bool may_follow_value(char c) { return c == ',' || c == ' ' || c == '\n' || c == '\r'; }

// Whether an unescaped space, which ends the tags, occurs before `end`.
bool fields_begin_before(std::string_view data, size_t end, OpenLine& line) {
  while (!line.fields_found) {
    const size_t blank = find_byte(data, ' ', line.blank_scanned, end);
    if (blank == kNone) {
      line.blank_scanned = end;
      return false;
    }
    line.blank_scanned = blank + 1;
    line.fields_found = data[blank - 1] != '\\';  // a line does not begin with a space
    line.fields_start = blank;
  }
  return line.fields_start < end;
}

bool opens_value(std::string_view data, size_t quote, OpenLine& line) {
  if (quote < 2 || data[quote - 1] != '=' || data[quote - 2] == '\\') return false;
  return fields_begin_before(data, quote, line);
}

// The first quote of data[start, end) that opens a value, else kNone.
size_t find_opening_quote(std::string_view data, size_t start, size_t end, OpenLine& line) {
  for (size_t quote = find_byte(data, '"', start, end); quote != kNone;
       quote = find_byte(data, '"', quote + 1, end)) {
    if (opens_value(data, quote, line)) return quote;
  }
  return kNone;
}

// The index of the quote that closes the open one, or kNone if it has not arrived.
size_t find_closing_quote(std::string_view data, OpenLine& line) {
  const char* const end = data.data() + data.size();
  const char* p = data.data() + line.scanned;
  for (;;) {
    p = scan::find_any<'"', '\\', '\n'>(p, end);
    if (p == end) break;
    const auto at = static_cast<size_t>(p - data.data());
    if (*p == '"') return at;
    if (*p == '\n') {
      if (line.quoted_newline == kNone) line.quoted_newline = at;
      ++p;
      continue;
    }
    if (end - p < 2) break;  // the escaped character has not arrived
    p += (p[1] == '"' || p[1] == '\\') ? 2 : 1;
  }
  line.scanned = static_cast<size_t>(p - data.data());
  return kNone;
}

void find_kind(std::string_view data, OpenLine& line) {
  while (line.scanned < data.size() && may_precede_line(data[line.scanned])) ++line.scanned;
  if (line.scanned == data.size()) return;
  const char first = data[line.scanned];
  const bool simple = first == '{' || first == '#' || first == '\n';
  line.kind = simple ? OpenLine::Kind::kSimple : OpenLine::Kind::kLineProtocol;
  line.blank_scanned = line.scanned;
}

// Ends a line with a broken quote at its first newline, which may not have arrived yet.
size_t give_up_quote(std::string_view data, OpenLine& line) {
  line.in_quote = false;
  line.kind = OpenLine::Kind::kSimple;
  if (line.quoted_newline != kNone) return line.quoted_newline;
  const size_t newline = find_byte(data, '\n', line.scanned, data.size());
  if (newline == kNone) line.scanned = data.size();
  return newline;
}

// The index of the newline that ends the line at the start of `data`, or kNone if more data is
// needed. `at_end`: no more data will come, so a quote that is still open is broken.
size_t find_line_end(std::string_view data, OpenLine& line, bool at_end) {
  if (line.kind == OpenLine::Kind::kUnknown) find_kind(data, line);
  if (line.kind == OpenLine::Kind::kUnknown) return kNone;
  for (;;) {
    if (!line.in_quote) {
      const size_t newline = find_byte(data, '\n', line.scanned, data.size());
      const size_t end = newline == kNone ? data.size() : newline;
      const size_t quote = line.kind == OpenLine::Kind::kSimple
                               ? kNone
                               : find_opening_quote(data, line.scanned, end, line);
      if (quote == kNone) {
        line.scanned = end;
        return newline;
      }
      line.in_quote = true;
      line.scanned = quote + 1;
    }
    const size_t close = find_closing_quote(data, line);
    if (close == kNone) {
      if (at_end || data.size() > kLineBytesMax) return give_up_quote(data, line);
      return kNone;
    }
    line.scanned = close;
    line.at_close = close + 1 == data.size();
    if (line.at_close) return kNone;
    if (!may_follow_value(data[close + 1])) return give_up_quote(data, line);
    line.in_quote = false;
    line.scanned = close + 1;
  }
}

// Removes the line that ends at the newline `end`, or all of `rest` if `end` is kNone.
std::string_view cut_line(std::string_view& rest, size_t end) {
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == kNone ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace

LineFormat format_of_line(std::string_view line) {
  size_t i = 0;
  while (i < line.size() && may_precede_line(line[i])) ++i;
  return i < line.size() && line[i] == '{' ? LineFormat::kJson : LineFormat::kLineProtocol;
}

size_t whole_lines(std::string_view data, bool at_end) {
  if (at_end) return data.size();
  return StreamFramer().whole_lines(data);
}

size_t StreamFramer::whole_lines(std::string_view pending) {
  size_t whole = 0;
  while (whole < pending.size()) {
    const size_t end = find_line_end(pending.substr(whole), open_, false);
    if (end == kNone) break;
    whole += end + 1;
    open_ = OpenLine();
  }
  return whole;
}

bool StreamFramer::holds_lines_back() const {
  return open_.in_quote && !open_.at_close && open_.quoted_newline != kNone;
}

size_t StreamFramer::give_up_quote() {
  if (!holds_lines_back()) return 0;
  const size_t end = open_.quoted_newline;
  open_ = OpenLine();
  return end + 1;
}

std::string_view next_line(std::string_view& rest) {
  OpenLine open;
  return cut_line(rest, find_line_end(rest, open, true));
}

std::string_view next_simple_line(std::string_view& rest) {
  return cut_line(rest, find_byte(rest, '\n', 0, rest.size()));
}

std::optional<std::string_view> next_whole_line(std::string_view& rest) {
  OpenLine open;
  const size_t end = find_line_end(rest, open, false);
  if (end == kNone) return std::nullopt;
  return cut_line(rest, end);
}

}  // namespace tocsin
