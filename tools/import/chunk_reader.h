// Reads files in chunks of whole lines.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "net/parse/framer.h"

namespace tocsin {

/// Whole lines of one file.
struct Chunk {
  std::string lines;
  LineFormat format = LineFormat::kJson;
  std::string path;         ///< `-` is standard input
  std::string measurement;  ///< of JSON lines that name none; may be empty
  uint64_t first_line = 1;  ///< number of the first line in its file
};

struct ChunkReaderOptions {
  std::string format = "auto";           ///< auto (by a file's first line), json, lp
  std::string measurement;               ///< empty: the name of the file's folder
  size_t chunk_bytes = size_t{1} << 20;  ///< small enough for a core's cache
};

/// The files that the arguments name: a folder stands for the files below it with a usual extension
/// (json, jsonl, ndjson, log, txt, lp), in the order of their names. kNotFound names what is
/// missing.
Result<std::vector<std::string>> find_files(const std::vector<std::string>& arguments);

/// The sizes of all regular files together; 0 when one of them is a stream.
uint64_t total_bytes(const std::vector<std::string>& paths);

/// Hands every chunk of the file to `take`, in order, until `take` returns false.
Status read_chunks(const std::string& path, const ChunkReaderOptions& options,
                   const std::function<bool(Chunk)>& take);

}  // namespace tocsin
