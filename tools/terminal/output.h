// Output that must not control a terminal: escape sequences, or characters that change the
// direction of text, may come from stored data, from file names, or from a server.
#pragma once

#include <cstdio>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace tocsin {

/// Prints text for people. Control characters other than newlines and tabs are shown as escapes.
void print_message(std::FILE* file, std::string_view text);

/// Data for a file descriptor, unchanged unless it is a terminal; then as in print_message().
std::string data_for(int descriptor, std::string data);

/// A stream to `file` that escapes each text as in print_message().
class MessageStream : public std::ostream {
 public:
  explicit MessageStream(std::FILE* file) : std::ostream(nullptr), buffer_(file) {
    rdbuf(&buffer_);
  }

 private:
  class Buffer : public std::streambuf {
   public:
    explicit Buffer(std::FILE* file) : file_(file) {}

   private:
    std::streamsize xsputn(const char* text, std::streamsize size) override;
    int_type overflow(int_type c) override;
    int sync() override;

    std::FILE* const file_;
  };

  Buffer buffer_;
};

}  // namespace tocsin
