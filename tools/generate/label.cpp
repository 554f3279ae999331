// Lines of a labels file.
#include "tools/generate/label.h"

#include <fmt/format.h>

namespace tocsin::generate {

std::string label_line(const Label& label) {
  std::string line =
      label.duty == Duty::kQuiet ? R"({"quiet":true)" : fmt::format(R"({{"kind":"{}")", label.kind);
  line += fmt::format(R"(,"service":"{}","start":"{}","end":"{}")", label.service,
                      format_time_short(label.range.start), format_time_short(label.range.end));
  if (!label.cause.empty()) line += fmt::format(R"(,"cause":"{}")", label.cause);
  if (label.permanent) line += R"(,"permanent":true)";
  if (label.duty == Duty::kWeak) line += R"(,"counts":false,"reason":"weak")";
  if (label.duty == Duty::kOptional) line += R"(,"counts":false,"reason":"optional")";
  return line + "}";
}

}  // namespace tocsin::generate
