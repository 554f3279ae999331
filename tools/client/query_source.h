// Where questions go: the files of a database, or a server. What `tocsin query` and `tocsin shell`
// share.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "query/complete/complete.h"
#include "query/format/result.h"

namespace tocsin {

struct Question {
  std::string text;
  std::string now;  ///< an RFC 3339 time; empty: the clock
  std::vector<std::pair<std::string, std::string>>
      parameters;                                ///< `$name` and its value as written
  const std::atomic<bool>* cancelled = nullptr;  ///< ends the query; may be null
};

struct QuerySourceOptions {
  std::string database;      ///< its folder; opened for reading
  std::string url;           ///< of a server, as in http://127.0.0.1:8086; when `database` is empty
  std::string zone = "UTC";  ///< of dates, for a database
};

/// One thread at a time.
class QuerySource {
 public:
  virtual ~QuerySource() = default;
  /// The answer; errors are those of QueryEngine::run, and kIo when a server does not answer.
  virtual Result<ResultTable> ask(const Question& question) = 0;
  /// What may stand at byte `cursor` of `text`.
  virtual Result<Completion> complete(std::string_view text, size_t cursor) = 0;
};

/// Opens the database, or makes ready to ask the server (which is not tried yet).
Result<std::unique_ptr<QuerySource>> open_query_source(const QuerySourceOptions& options);

}  // namespace tocsin
