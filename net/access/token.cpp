#include "net/access/token.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "db/base/ascii.h"
#include "db/base/binary_text.h"
#include "db/base/mutex.h"
#include "db/base/text.h"

namespace tocsin {
namespace {

constexpr std::string_view kTokenKeyPrefix = "token/";
constexpr size_t kSecretBytes = 32;
constexpr std::string_view kTokenFormat = "1";  // the first field of a stored token

// Of changes: two at a time could both find a name unused.
Mutex token_change;

std::string sha256(std::string_view text) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

Result<std::string> random_secret() {
  std::string bytes(kSecretBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), kSecretBytes) != 1) {
    return fail(ErrorCode::kIo, "the system has no random numbers for a token");
  }
  return std::string(kSecretPrefix) + hex_text(bytes);
}

bool is_token_name(std::string_view name) {
  const auto fits = [](char c) { return is_word_character(c) || c == '-' || c == '.'; };
  return !name.empty() && name.size() <= kTokenNameBytesMax && std::ranges::all_of(name, fits);
}

// `1 SCOPES CREATED EXPIRES HASH`, with times in nanoseconds and the hash in hexadecimal.
std::string encode_token(const Token& token) {
  return fmt::format("{} {} {} {} {}", kTokenFormat, scopes_text(token.scopes), token.created,
                     token.expires, hex_text(token.hash));
}

std::string_view next_field(std::string_view& text) {
  const std::string_view field = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), field.size() + 1));
  return field;
}

bool read_time(std::string_view text, Timestamp& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

Result<Token> decode_token(const SmallEntry& entry) {
  Token token;
  token.name = entry.key.substr(kTokenKeyPrefix.size());
  std::string_view rest = entry.value;
  const bool known = next_field(rest) == kTokenFormat;
  const Result<Scopes> scopes = parse_scopes(next_field(rest));
  const bool times =
      read_time(next_field(rest), token.created) && read_time(next_field(rest), token.expires);
  const auto hash = parse_hex(rest);
  if (!known || !scopes || !times || !hash || hash->size() != SHA256_DIGEST_LENGTH) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("the stored token `{}` is damaged or of a later version; revoke it and "
                            "create it again",
                            token.name));
  }
  token.scopes = *scopes;
  token.hash = *hash;
  return token;
}

std::string key_of_token(const std::string& name) { return std::string(kTokenKeyPrefix) + name; }

Status write_token(Database& database, const std::string& name, std::optional<std::string> value) {
  WriteRequest request;
  request.urgent = true;
  request.changes.push_back({SmallTable::kSources, key_of_token(name), std::move(value)});
  const Result<WriteReport> written = database.write(std::move(request));
  if (!written) return tl::unexpected<Error>(written.error());
  return {};
}

const char* name_of_demand(Demand demand) {
  switch (demand) {
    case Demand::kRead: return "read";
    case Demand::kWrite: return "write";
    default: return "admin";
  }
}

bool meets(Scopes scopes, Demand demand) {
  switch (demand) {
    case Demand::kNothing:
    case Demand::kAnyToken: return true;
    case Demand::kRead: return scopes.may_read();
    case Demand::kWrite: return scopes.may_write();
    case Demand::kAdmin:
    case Demand::kTokens: return scopes.admin;
  }
  return false;
}

}  // namespace

Result<Scopes> parse_scopes(std::string_view text) {
  Scopes scopes;
  for (const std::string& name : split_list(text)) {
    if (name == "read") {
      scopes.read = true;
    } else if (name == "write") {
      scopes.write = true;
    } else if (name == "admin") {
      scopes.admin = true;
    } else {
      return fail(ErrorCode::kInvalid,
                  fmt::format("unknown scope `{}`; expected read, write or admin", name));
    }
  }
  if (scopes == Scopes()) {
    return fail(ErrorCode::kInvalid, "a token needs a scope: read, write or admin");
  }
  return scopes;
}

std::string scopes_text(Scopes scopes) {
  std::string out;
  for (const auto& [has, name] : {std::pair(scopes.read, "read"), std::pair(scopes.write, "write"),
                                  std::pair(scopes.admin, "admin")}) {
    if (has) out += (out.empty() ? "" : ",") + std::string(name);
  }
  return out;
}

Result<std::string> create_token(Database& database, const NewToken& wanted, Timestamp now) {
  if (!is_token_name(wanted.name)) {
    return fail(ErrorCode::kInvalid,
                fmt::format("`{}` is not a name for a token; use 1 to {} letters, digits, `_`, `-` "
                            "and `.`",
                            wanted.name, kTokenNameBytesMax));
  }
  const MutexLock lock(token_change);
  TOCSIN_TRY(const std::vector<SmallEntry> stored,
             database.list(SmallTable::kSources, kTokenKeyPrefix));
  const std::string key = key_of_token(wanted.name);
  if (std::ranges::any_of(stored, [&](const SmallEntry& entry) { return entry.key == key; })) {
    return fail(ErrorCode::kConflict,
                fmt::format("there is a token `{0}` already; choose another name, or first revoke "
                            "it: tocsin token revoke {0}",
                            wanted.name));
  }
  if (stored.size() >= kTokensMax) {
    return fail(ErrorCode::kLimit,
                fmt::format("there are {} tokens already; revoke some first", kTokensMax));
  }
  TOCSIN_TRY(std::string secret, random_secret());
  const Timestamp expires = wanted.lifetime == 0 ? 0 : now + wanted.lifetime;
  const Token token{wanted.name, wanted.scopes, now, expires, sha256(secret)};
  TOCSIN_RETURN_IF_ERROR(write_token(database, wanted.name, encode_token(token)));
  return secret;
}

Status revoke_token(Database& database, const std::string& name) {
  const MutexLock lock(token_change);
  std::optional<std::string> stored;
  if (is_token_name(name)) {
    TOCSIN_TRY(stored, database.get(SmallTable::kSources, key_of_token(name)));
  }
  if (!stored) {
    return fail(ErrorCode::kNotFound,
                fmt::format("there is no token `{}`; `tocsin token list` shows all", name));
  }
  return write_token(database, name, std::nullopt);
}

Result<std::vector<Token>> list_tokens(const Database& database) {
  TOCSIN_TRY(const std::vector<SmallEntry> stored,
             database.list(SmallTable::kSources, kTokenKeyPrefix));
  std::vector<Token> tokens;
  for (const SmallEntry& entry : stored) {
    TOCSIN_TRY(Token token, decode_token(entry));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::string Access::name_of(std::string_view secret) const {
  const Token* token = find(secret);
  return token ? token->name : "";
}

// Compares with all tokens, each in constant time, so that the time shows nothing about any hash.
const Token* Access::find(std::string_view secret) const {
  const std::string hash = sha256(secret);
  const Token* found = nullptr;
  for (const Token& token : tokens_) {
    if (CRYPTO_memcmp(token.hash.data(), hash.data(), hash.size()) == 0) found = &token;
  }
  return found;
}

std::optional<Denial> Access::check(const Question& question) const {
  if (question.demand == Demand::kNothing) return std::nullopt;
  if (question.demand == Demand::kTokens) {
    if (tokens_.empty() && question.local) return std::nullopt;
  } else if (!question.tokens_required) {
    return std::nullopt;
  }
  if (tokens_.empty()) {
    return Denial{401,
                  "this needs a token, and there is none yet; create the first one on the server's "
                  "machine: tocsin token create NAME --scope admin --url URL"};
  }
  if (!question.secret) {
    return Denial{401,
                  "this needs a token: send `Authorization: Bearer TOKEN`; commands of tocsin read "
                  "it from --token or TOCSIN_TOKEN"};
  }
  const Token* token = find(*question.secret);
  if (token == nullptr) return Denial{401, "the token is unknown; perhaps it was revoked"};
  if (token->is_expired(question.now)) {
    return Denial{
        401, fmt::format("the token `{}` expired at {}", token->name, format_time(token->expires))};
  }
  if (meets(token->scopes, question.demand)) return std::nullopt;
  return Denial{
      403, fmt::format("this needs the scope {}; the token `{}` has only {}",
                       name_of_demand(question.demand), token->name, scopes_text(token->scopes))};
}

}  // namespace tocsin
