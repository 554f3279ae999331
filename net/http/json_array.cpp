// Replaces the commas between elements with newlines, and newlines between tokens with spaces. JSON
// strings contain no raw newlines, and commas inside them are skipped.
#include "net/http/json_array.h"

#include <cstddef>

namespace tocsin {

void json_array_to_lines(std::string& body) {
  const size_t first = body.find_first_not_of(" \t\r\n");
  const size_t last = body.find_last_not_of(" \t\r\n");
  if (first == std::string::npos || body[first] != '[' || body[last] != ']' || first == last)
    return;
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = first + 1; i < last; ++i) {
    char& c = body[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && depth > 0) --depth;
    if (c == '\n' || c == '\r') c = ' ';
    if (c == ',' && depth == 0) c = '\n';
  }
  body.resize(last);
  for (size_t i = 0; i <= first; ++i) body[i] = ' ';
}

}  // namespace tocsin
