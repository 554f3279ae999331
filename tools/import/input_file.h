// Reads a file as UTF-8 text with newlines: unpacks gzip and zstd, and converts UTF-16 and carriage
// returns.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "db/base/result.h"
#include "net/parse/input_format.h"

namespace tocsin {

/// A stream of bytes.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills `bytes`. Returns the number of bytes read, which is smaller only at the end.
  virtual Result<size_t> read(std::span<char> bytes) = 0;
};

/// Not thread-safe.
class InputFile {
 public:
  /// Opens a file, or standard input for `-`, and reads its start. kInvalid: its format is known
  /// but cannot be read; the message says what to do. Further errors: of reading and unpacking.
  static Result<std::unique_ptr<InputFile>> open(const std::string& path);
  /// A text in memory, in place of a file.
  static std::unique_ptr<InputFile> of_text(std::string text);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  /// The first kFormatBytes of the text, or all if it is shorter, without a byte order mark and
  /// NUL bytes before it.
  std::string_view start() const { return start_; }
  /// Whether the file has no text, not even NUL bytes.
  bool is_empty() const { return is_empty_; }
  TextEncoding encoding() const { return encoding_; }
  /// Whether open() can open the file again and find the same text.
  bool is_regular() const { return regular_; }

  /// The text of JSON documents becomes one event per line: see JsonDocuments. Call before read().
  void cut_documents(std::string array_key);
  /// Like ByteSource::read, from start().
  Result<size_t> read(std::span<char> bytes);
  /// The number of bytes read from the file since the last call.
  uint64_t take_bytes_read();

 private:
  InputFile() = default;
  /// Reads until start_ has kFormatBytes or the source ends.
  Status fill_start(ByteSource& source);
  /// Removes what precedes the text in start_, and fills it again.
  Status skip_to_text(ByteSource& source);

  std::unique_ptr<ByteSource> source_;
  std::string start_;
  bool is_empty_ = true;
  TextEncoding encoding_ = TextEncoding::kPlain;
  bool regular_ = false;
  std::shared_ptr<uint64_t> bytes_read_;  // shared with the source that reads the file
  uint64_t bytes_taken_ = 0;
};

}  // namespace tocsin
