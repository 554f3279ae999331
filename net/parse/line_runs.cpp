#include "net/parse/line_runs.h"

#include "db/base/ascii.h"
#include "net/parse/access_log.h"
#include "net/parse/framer.h"
#include "net/parse/logfmt.h"

namespace tocsin {

namespace {

InputFormat run_format_of(std::string_view line, InputFormat other) {
  if (other == InputFormat::kCri || other == InputFormat::kDocker) return other;
  if (format_of_line(line) == LineFormat::kJson) return InputFormat::kJson;
  if (other == InputFormat::kAccess && !begins_as_access_log(line)) return InputFormat::kText;
  if (other == InputFormat::kLogfmt && !begins_as_logfmt(line)) return InputFormat::kText;
  return other;
}

}  // namespace

std::vector<LineRun> line_runs(std::string_view lines, InputFormat other) {
  std::vector<LineRun> runs;
  for (std::string_view rest = lines; !rest.empty();) {
    const size_t start = lines.size() - rest.size();
    const std::string_view line =
        other == InputFormat::kLineProtocol ? next_line(rest) : next_simple_line(rest);
    const InputFormat own = run_format_of(line, other);
    const bool joins = !runs.empty() && (own == runs.back().format || is_blank_line(line));
    if (!joins) runs.push_back({own, start, start});
    runs.back().end = lines.size() - rest.size();
  }
  return runs;
}

}  // namespace tocsin
