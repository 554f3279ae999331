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

/// What the first lines of a file say of the others.
struct InputHeader {
  CsvHeader csv;                          ///< kCsv
  std::vector<TypedMeasurement> columns;  ///< kTypedJson
};

/// Lines of one file. In line protocol, where strings may hold newlines, the last one may go on in
/// the next chunk, which then does not begin with a line: finding out is left to the parser.
struct Chunk {
  std::unique_ptr<char[]> memory;
  std::string_view lines;  ///< in `memory`
  InputFormat format = InputFormat::kJson;
  std::string path;           ///< `-` is standard input
  std::string measurement;    ///< of JSON lines that name none; may be empty
  uint64_t first_line = 1;    ///< number of the first line in its file
  bool more_follows = false;  ///< not the file's last
  std::shared_ptr<const InputHeader>
      header;  ///< shared by a file's chunks; null where there is none
};

struct ChunkReaderOptions {
  std::string format = "auto";           ///< auto (by a file's name and first line), json, lp, csv
  std::string measurement;               ///< empty: the name of the file's folder
  size_t chunk_bytes = size_t{1} << 20;  ///< small enough for a core's cache
};

/// The files that the arguments name: a folder stands for the files below it with a usual extension
/// (json, jsonl, ndjson, log, txt, lp, csv), in the order of their names. kNotFound names what is
/// missing.
Result<std::vector<std::string>> find_files(const std::vector<std::string>& arguments);

/// The sizes of all regular files together; 0 when one of them is a stream.
uint64_t total_bytes(const std::vector<std::string>& paths);

/// Reads files one after the other. Not thread-safe.
class ChunkReader {
 public:
  ChunkReader(std::vector<std::string> paths, ChunkReaderOptions options);
  ~ChunkReader();

  /// The next chunk, or nothing behind the last one. kInvalid: the first lines of a file are no
  /// header.
  Result<std::optional<Chunk>> next();

 private:
  Status open_next_file();
  /// Fills `out`; the number of bytes read is smaller only at the end of the file.
  Result<size_t> read(std::span<char> out);
  Result<std::optional<Chunk>> next_of_file();
  /// Takes the header off the file's first chunk. Requires: some line of it is not blank.
  Status take_header(Chunk& chunk);

  const std::vector<std::string> paths_;
  const ChunkReaderOptions options_;
  size_t next_path_ = 0;

  // Of the open file.
  int fd_ = -1;
  Chunk chunk_;  // without its lines
  bool format_known_ = false;
  bool at_end_ = true;
  std::string rest_;  // the beginning of a line whose end was not read yet
};

}  // namespace tocsin
