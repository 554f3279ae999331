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
#include "net/parse/event_parser.h"
#include "net/parse/typed_columns.h"
#include "tools/import/input_file.h"

namespace tocsin {

/// A file to read, and how.
struct PlannedFile {
  std::string path;  ///< `-` is standard input
  FormatGuess guess;
  bool empty = false;
  /// Open if it cannot be opened again, such as standard input; else null.
  std::unique_ptr<InputFile> file;
};

/// The header of a file, which describes the lines after it.
struct InputHeader {
  CsvHeader csv;                          ///< kCsv
  std::vector<TypedMeasurement> columns;  ///< kTypedJson
  std::string text;  ///< for LineOrigin; empty if it exceeds kRejectedLineBytesMax
};

/// Lines of one file. In line protocol, where strings may contain newlines, the last line may
/// continue in the next chunk, which then begins inside a line. Only the parser can tell.
struct Chunk {
  std::unique_ptr<char[]> memory;
  std::string_view lines;  ///< in `memory`
  InputFormat format = InputFormat::kJson;
  EventFormat events = {};               ///< of the lines, unless they are CSV or typed JSON
  size_t file = 0;                       ///< index of the planned file
  uint64_t input_bytes = 0;              ///< bytes of files that were read for it
  std::string path;                      ///< `-` is standard input
  std::string measurement;               ///< of rows that name none; may be empty
  uint64_t first_line = 1;               ///< number of the first line in its file
  bool more_follows = false;             ///< this is not the last chunk of the file
  std::optional<Timestamp> time_before;  ///< text: of the last line before it that has one
  /// Shared by the chunks of a file; null if the format has no header.
  std::shared_ptr<const InputHeader> header;
};

struct ChunkReaderOptions {
  std::string format = "auto";           ///< `csv`, or one of line_format_names()
  std::string measurement;               ///< empty: the name of the file's directory
  size_t chunk_bytes = size_t{1} << 20;  ///< small enough for the cache of a core
  bool csv_header = true;                ///< the first line of plain CSV names the columns
  EventRules events = {};
};

/// Reads one file after another. Not thread-safe.
class ChunkReader {
 public:
  ChunkReader(std::vector<PlannedFile> files, ChunkReaderOptions options);

  /// The next chunk, or nothing after the last one. kInvalid: the header of a file is not valid.
  Result<std::optional<Chunk>> next();

 private:
  Status open_next_file();
  Result<std::optional<Chunk>> next_of_file();
  /// Parses the header and removes it from the first chunk of the file. Requires: `chunk` has a
  /// line that is not blank.
  Status read_header(Chunk& chunk);

  std::vector<PlannedFile> files_;
  const ChunkReaderOptions options_;
  size_t next_file_ = 0;

  // State of the open file.
  std::unique_ptr<InputFile> file_;
  CsvLayout csv_;
  Chunk chunk_;  // without its lines
  bool at_end_ = true;
  std::string rest_;  // the beginning of a line whose end has not been read yet
};

}  // namespace tocsin
