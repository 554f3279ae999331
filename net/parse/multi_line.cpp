#include "net/parse/multi_line.h"

#include <algorithm>

#include <fmt/format.h>
#include <re2/re2.h>

#include "db/base/ascii.h"
#include "net/parse/colours.h"
#include "net/parse/framer.h"
#include "net/parse/text_time.h"

namespace tocsin {

struct MultiLine::Pattern {
  Pattern(const std::string& text, const re2::RE2::Options& options) : re(text, options) {}
  re2::RE2 re;
};

MultiLine::MultiLine() = default;
MultiLine::~MultiLine() = default;

Result<std::shared_ptr<const MultiLine>> MultiLine::by_pattern(const std::string& pattern,
                                                               size_t lines_max) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  std::shared_ptr<MultiLine> out(new MultiLine);
  auto compiled = std::make_unique<Pattern>(pattern, options);
  if (!compiled->re.ok()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("`{}` is not a valid regular expression ({}); the syntax is that of "
                            "RE2: github.com/google/re2/wiki/Syntax",
                            pattern, compiled->re.error()));
  }
  out->pattern_ = std::move(compiled);
  out->lines_max_ = lines_max;
  return std::shared_ptr<const MultiLine>(std::move(out));
}

std::shared_ptr<const MultiLine> MultiLine::by_time() {
  std::shared_ptr<MultiLine> out(new MultiLine);
  out->by_time_ = true;
  return out;
}

std::shared_ptr<const MultiLine> MultiLine::never() {
  return std::shared_ptr<const MultiLine>(new MultiLine);
}

bool MultiLine::starts(std::string_view line) const {
  if (!by_time_ && pattern_ == nullptr) return false;
  if (by_time_ && (line.empty() || is_blank(line.front()))) return false;
  std::string plain;
  line = without_colours(line, plain);
  if (by_time_) return find_text_time(line, 0).has_value();
  return re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), pattern_->re);
}

std::string_view MultiLine::next_event(std::string_view& rest, bool json_lines) const {
  std::string_view all = rest;
  while (!rest.empty() && is_blank_line(next_simple_line(rest))) all = rest;
  rest = all;
  const auto is_json = [&](std::string_view line) {
    return json_lines && format_of_line(line) == LineFormat::kJson;
  };
  const bool single = is_json(next_simple_line(rest));
  for (size_t lines = 1; !single && lines < lines_max_ && !rest.empty(); ++lines) {
    std::string_view after = rest;
    const std::string_view line = next_simple_line(after);
    if (all.size() - after.size() > kEventBytesMax || is_json(line) || starts(line)) break;
    rest = after;
  }
  return trimmed_end(all.substr(0, all.size() - rest.size()));
}

size_t MultiLine::whole_events(std::string_view lines, bool json_lines) const {
  // The last line that starts an event starts one whatever comes before it.
  size_t end = lines.size();
  for (size_t n = 0; n < lines_max_ && end > 0 && lines.size() - end <= kEventBytesMax; ++n) {
    const size_t start = lines.substr(0, end - 1).rfind('\n') + 1;  // npos + 1 is 0
    const std::string_view line = trimmed_end(lines.substr(start, end - start));
    if (json_lines && format_of_line(line) == LineFormat::kJson) return end;
    if (starts(line)) {
      if (start > 0) return start;
      break;
    }
    end = start;
  }
  // It is longer than an event may be, or the only one: only the limits have ended events.
  size_t last = 0;
  for (std::string_view rest = lines; !rest.empty();) {
    last = lines.size() - rest.size();
    next_event(rest, json_lines);
  }
  return last;
}

}  // namespace tocsin
