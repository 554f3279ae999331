// Runs a query through /api/query of a server and converts the JSON back into a table.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "query/complete/complete.h"
#include "query/format/result.h"
#include "tools/client/http_client.h"

namespace tocsin {

struct RemoteQuery {
  std::string url;  ///< of the server: `http://127.0.0.1:8086`
  std::string text;
  std::string now;   ///< RFC 3339; empty: the server's clock
  std::string zone;  ///< of dates and times; empty: that of the server's settings
  std::vector<std::pair<std::string, std::string>> parameters;  ///< names without `$`, and values
  /// If true, closes the connection, which cancels the query on the server; may be null.
  const std::atomic<bool>* cancelled = nullptr;
  uint64_t rows_max = 0;  ///< as in QueryOptions
  ServerAccess access = {};
};

/// The result with exactly the values and types of the server. An error of the server keeps its
/// message.
Result<ResultTable> query_server(const RemoteQuery& query);

/// Suggestions for the text at byte `cursor` of `text`, from /api/complete.
Result<Completion> complete_on_server(const std::string& url, const ServerAccess& access,
                                      std::string_view text, size_t cursor);

/// The URL of `path` on the server with that URL.
std::string server_address(std::string url, const char* path);
/// The message in the JSON of an error response, or else the whole body.
std::string server_error_text(const std::string& body);

/// Parses a response of /api/complete. kInvalid: it is not one.
Result<Completion> parse_completion(std::string_view json);

/// Parses a response of /api/query with `time=ns`. kInvalid says where it is malformed.
Result<ResultTable> parse_answer(std::string_view json);

}  // namespace tocsin
