#include "tools/terminal/output.h"

#include <algorithm>

#include <unistd.h>

#include "db/base/text.h"

namespace tocsin {
namespace {

std::string message_text(std::string_view text) { return escape_controls(text, "\n\t"); }

}  // namespace

void print_message(std::FILE* file, std::string_view text) {
  const std::string shown = message_text(text);
  std::fwrite(shown.data(), 1, shown.size(), file);
}

std::string data_for(int descriptor, std::string data) {
  if (isatty(descriptor) != 1) return data;
  std::string shown;
  for (std::string_view rest = data; !rest.empty();) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());  // CSV ends its lines with both
    shown += message_text(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return shown;
}

std::streamsize MessageStream::Buffer::xsputn(const char* text, std::streamsize size) {
  print_message(file_, {text, static_cast<size_t>(size)});
  return size;
}

// Only single ASCII characters are written this way.
MessageStream::Buffer::int_type MessageStream::Buffer::overflow(int_type c) {
  const char text = traits_type::to_char_type(c);
  print_message(file_, {&text, 1});
  return c;
}

int MessageStream::Buffer::sync() { return std::fflush(file_); }

}  // namespace tocsin
