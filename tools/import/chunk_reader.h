// Reads files in chunks of whole lines.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "net/parse/csv_rows.h"
#include "net/parse/typed_columns.h"

namespace tocsin {

enum class InputFormat : uint8_t { kLineProtocol, kJson, kTypedJson, kCsv };

/// The header of a file, which describes the lines after it.
struct InputHeader {
  CsvHeader csv;                          ///< kCsv
  std::vector<TypedMeasurement> columns;  ///< kTypedJson
  std::string text;                       ///< as read; empty if it exceeds kRejectedLineBytesMax
};

/// Lines of one file. In line protocol, where strings may contain newlines, the last line may
/// continue in the next chunk, which then begins inside a line. Only the parser can tell.
struct Chunk {
  std::unique_ptr<char[]> memory;
  std::string_view lines;  ///< in `memory`
  InputFormat format = InputFormat::kJson;
  std::string path;           ///< `-` is standard input
  std::string measurement;    ///< of rows that name none; may be empty
  uint64_t first_line = 1;    ///< number of the first line in its file
  bool more_follows = false;  ///< this is not the last chunk of the file
  /// Shared by the chunks of a file; null if the format has no header.
  std::shared_ptr<const InputHeader> header;
};

struct ChunkReaderOptions {
  std::string format = "auto";  ///< auto (from the file's name and first line), json, lp, csv
  std::string measurement;      ///< empty: the name of the file's directory
  size_t chunk_bytes = size_t{1} << 20;  ///< small enough for the cache of a core
};

/// The files to read. A directory is replaced by all files below it with a usual extension (json,
/// jsonl, ndjson, log, txt, lp, csv), sorted by name. kNotFound names the missing argument.
Result<std::vector<std::string>> find_files(const std::vector<std::string>& arguments);

/// The total size of all files; 0 if one of them is not a regular file.
uint64_t total_bytes(const std::vector<std::string>& paths);

/// Reads one file after another. Not thread-safe.
class ChunkReader {
 public:
  ChunkReader(std::vector<std::string> paths, ChunkReaderOptions options);
  ~ChunkReader();

  /// The next chunk, or nothing after the last one. kInvalid: the header of a file is not valid.
  Result<std::optional<Chunk>> next();

 private:
  Status open_next_file();
  Result<std::optional<Chunk>> next_of_file();
  /// Parses the header and removes it from the first chunk of the file. Requires: `chunk` has a
  /// line that is not blank.
  Status read_header(Chunk& chunk);

  const std::vector<std::string> paths_;
  const ChunkReaderOptions options_;
  size_t next_path_ = 0;

  // State of the open file.
  int fd_ = -1;
  Chunk chunk_;  // without its lines
  bool format_known_ = false;
  bool at_end_ = true;
  std::string rest_;  // the beginning of a line whose end has not been read yet
};

}  // namespace tocsin
