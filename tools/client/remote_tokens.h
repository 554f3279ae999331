// The tokens of a running server, through its /api/tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "tools/client/http_client.h"

namespace tocsin {

/// One token, as texts for people.
struct RemoteToken {
  std::string name, scopes, created;
  std::string expires;  ///< empty: never
  bool expired = false;
};

struct TokenServer {
  std::string url;
  ServerAccess access;
};

// kIo: the server does not respond as expected; kInvalid: it refuses, and says why.

/// Returns the secret. `expires` is a duration, or empty.
Result<std::string> create_remote_token(const TokenServer& server, const std::string& name,
                                        const std::string& scopes, const std::string& expires);
Status revoke_remote_token(const TokenServer& server, const std::string& name);
Result<std::vector<RemoteToken>> list_remote_tokens(const TokenServer& server);

/// Parses a response of GET /api/tokens. kInvalid: it is not one.
Result<std::vector<RemoteToken>> parse_tokens(std::string_view json);

}  // namespace tocsin
