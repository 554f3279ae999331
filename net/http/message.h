// Requests and responses as plain values, as HTTP handlers use them.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"

namespace tocsin::http {

/// Decoded names and values, in order.
using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string path;       ///< decoded
  Parameters parameters;  ///< of the query string
  std::map<std::string, std::string>
      headers;  ///< by lower-case name; repeated headers joined by commas
  std::string body;
  std::string peer;
  /// Becomes true when the client has disconnected; long-running handlers check it and stop. Shared
  /// with the connection.
  std::shared_ptr<std::atomic<bool>> cancelled;

  /// The first value of a parameter, if present.
  std::optional<std::string> parameter(std::string_view name) const;
  std::string parameter_or(std::string_view name, std::string_view fallback) const;
  /// The names of the parameters that are not among `known`, in order.
  std::vector<std::string> other_parameters(std::span<const std::string_view> known) const;
  std::string header(const std::string& lower_case_name) const;  ///< empty if absent
  bool has_content_type(std::string_view type) const;            ///< ignoring parameters

  /// Sets path and parameters from the request's target. If that is a whole URL, its authority
  /// replaces the header Host (RFC 9112, section 3.2.2).
  void read_target(std::string_view target);
};

struct Response {
  int status = 200;
  std::string content_type;  ///< empty: no body
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// If set, the body continues after `body`: each call appends the next piece and returns false
  /// with the last one. Called on the loop's thread whenever the previous piece has been sent, and
  /// no longer after the client has disconnected.
  std::function<bool(std::string& out)> more = {};
};

/// Answers a request. Must be called exactly once, on the loop's thread, immediately or later.
using Reply = std::function<void(Response)>;

Response json_response(int status, std::string body);
/// `{"error": message}`.
Response error_response(int status, std::string_view message);
/// The HTTP status for an error.
int status_of(ErrorCode code);
const char* reason_of(int status);  ///< `Not Found`

/// `a=1&b=x%20y+z`.
Parameters parse_parameters(std::string_view text);
std::string url_decode(std::string_view text, bool plus_is_space);

}  // namespace tocsin::http
