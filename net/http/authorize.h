// Checks the token of a request, in the ways in which clients send one.
#pragma once

#include <optional>
#include <string>

#include "net/access/token.h"
#include "net/http/message.h"

namespace tocsin::http {

/// The secret from `Authorization: Bearer T`, `Token T`, `Basic user:T` or `ApiKey id:T` (the last
/// two in base64), or else from InfluxDB's parameters `u` and `p` on /write and /query.
std::optional<std::string> secret_of(const Request& request);

/// Whether the request comes from a program on this machine. A proxy on this machine forwards the
/// requests of others, and says so in a header.
bool is_local(const Request& request);

/// Adds the challenge that a 401 must have (RFC 9110, section 15.5.2).
void add_challenge(Response& response);

}  // namespace tocsin::http
