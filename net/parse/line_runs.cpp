#include "net/parse/line_runs.h"

#include "db/base/ascii.h"
#include "net/parse/framer.h"

namespace tocsin {

std::vector<LineRun> line_runs(std::string_view lines, InputFormat other) {
  std::vector<LineRun> runs;
  for (std::string_view rest = lines; !rest.empty();) {
    const size_t start = lines.size() - rest.size();
    const std::string_view line =
        other == InputFormat::kText ? next_simple_line(rest) : next_line(rest);
    const InputFormat own = format_of_line(line) == LineFormat::kJson ? InputFormat::kJson : other;
    const bool joins = !runs.empty() && (own == runs.back().format || is_blank_line(line));
    if (!joins) runs.push_back({own, start, start});
    runs.back().end = lines.size() - rest.size();
  }
  return runs;
}

}  // namespace tocsin
