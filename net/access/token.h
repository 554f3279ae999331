// Access tokens: who may read, write and administer. The store keeps only a hash of each token, in
// the small table `sources` under `token/NAME`, so that a copy of the database lets nobody in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"

namespace tocsin {

/// What a token allows. Admin includes the other two: its holder could create tokens for them.
struct Scopes {
  bool read = false;
  bool write = false;
  bool admin = false;

  bool may_read() const { return read || admin; }
  bool may_write() const { return write || admin; }
  bool operator==(const Scopes&) const = default;
};

/// Parses `read,write`. kInvalid says what was expected.
Result<Scopes> parse_scopes(std::string_view text);
std::string scopes_text(Scopes scopes);  ///< `read,write`

struct Token {
  std::string name;
  Scopes scopes;
  Timestamp created = 0;
  Timestamp expires = 0;  ///< 0: never
  std::string hash;       ///< SHA-256 of the secret

  bool is_expired(Timestamp now) const { return expires != 0 && expires <= now; }
};

inline constexpr std::string_view kSecretPrefix = "tocsin_";
inline constexpr size_t kTokenNameBytesMax = 64;
inline constexpr size_t kTokensMax = 1'000;  ///< each request with a token compares with all

struct NewToken {
  std::string name;
  Scopes scopes;
  Duration lifetime = 0;  ///< 0: it does not expire
};

// The following functions block until the change is durable, and may be called from any thread.

/// Returns the secret, which cannot be read again. kConflict: the name is in use; kInvalid: the
/// name or the scopes are wrong; kLimit: there are kTokensMax tokens.
Result<std::string> create_token(Database& database, const NewToken& wanted, Timestamp now);
/// kNotFound: there is no token of that name.
Status revoke_token(Database& database, const std::string& name);
/// All tokens, by name.
Result<std::vector<Token>> list_tokens(const Database& database);

/// What a request needs.
enum class Demand : uint8_t {
  kNothing,
  kAnyToken,  ///< of any scope
  kRead,
  kWrite,
  kAdmin,
  kTokens,  ///< to manage tokens: admin, even where the other demands need no token
};

/// Why a request is refused, as an HTTP status: 401 without a valid token, 403 without its scope.
struct Denial {
  int status = 0;
  std::string message;
};

/// Decides who may do what. Used by one thread.
class Access {
 public:
  void replace_tokens(std::vector<Token> tokens) { tokens_ = std::move(tokens); }
  bool has_tokens() const { return !tokens_.empty(); }

  struct Question {
    Demand demand = Demand::kNothing;
    bool tokens_required = true;        ///< by the listener
    std::optional<std::string> secret;  ///< that the client sent
    bool local = false;                 ///< a client on this machine, not behind a proxy
    Timestamp now = 0;
  };
  /// Nothing if it is allowed. As long as there is no token, a local client may create one.
  std::optional<Denial> check(const Question& question) const;
  /// The name of the token with this secret; empty if there is none.
  std::string name_of(std::string_view secret) const;

 private:
  const Token* find(std::string_view secret) const;

  std::vector<Token> tokens_;
};

}  // namespace tocsin
