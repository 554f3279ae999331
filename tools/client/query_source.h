// Runs the queries of `tocsin query` and `tocsin shell`, on the files of a database or on a server.
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
#include "tools/client/http_client.h"

namespace tocsin {

struct Question {
  std::string text;
  std::string now;  ///< an RFC 3339 time; empty: the current time
  std::vector<std::pair<std::string, std::string>> parameters;  ///< names without `$`, and values
  const std::atomic<bool>* cancelled = nullptr;                 ///< ends the query; may be null
  uint64_t rows_max = 0;                                        ///< as in QueryOptions
};

struct QuerySourceOptions {
  std::string database;  ///< its directory; opened for reading
  std::string url;       ///< of a server; used if `database` is empty
  ServerAccess access;   ///< to the server
  /// Of dates and times in queries; empty: UTC, or for a server the zone of its settings.
  std::string zone;
  Duration timeout = 0;  ///< of a query on a database; 0: none
};

/// May be used by one thread at a time.
class QuerySource {
 public:
  virtual ~QuerySource() = default;
  /// The result. Errors are those of QueryEngine::run, and kIo if a server does not respond.
  virtual Result<ResultTable> ask(const Question& question) = 0;
  /// Suggestions for the text at byte `cursor` of `text`.
  virtual Result<Completion> complete(std::string_view text, size_t cursor) = 0;
};

/// Opens the database. Does not connect to a server yet.
Result<std::unique_ptr<QuerySource>> open_query_source(const QuerySourceOptions& options);

}  // namespace tocsin
