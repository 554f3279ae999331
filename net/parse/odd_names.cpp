#include "net/parse/odd_names.h"

#include <fmt/format.h>

#include "net/parse/line_errors.h"
#include "net/parse/text_time.h"

namespace tocsin {

bool is_odd_measurement(std::string_view name) {
  return name.find('=') != name.npos || starts_with_time(name);
}

std::string odd_measurement_reason(std::string_view name) {
  const bool is_time = starts_with_time(name);
  return fmt::format(
      "the measurement `{}` looks like {}, so this is probably a line of text; send text as JSON "
      "lines or let Tocsin follow the file{}",
      name.substr(0, kShownBytesMax), is_time ? "a time" : "`key=value`",
      is_time ? "" : "; if the name is meant, write `\\=`");
}

std::string odd_names_limit_reason(std::string_view name) {
  return fmt::format(
      "the measurement `{}` looks like a time or like `key=value`, and its source has created {} "
      "such measurements within a minute; use one measurement, and a field for what changes",
      name.substr(0, kShownBytesMax), kOddNamesMax);
}

}  // namespace tocsin
