// TLS for one connection, between the bytes of its socket and those of its user. Does no I/O: the
// socket feeds it what arrived and sends what it leaves. Uses OpenSSL with memory BIOs.
//
// A listener uses it so, before anything else is done with an accepted socket:
//
//     if (tls) socket->start_tls(*tls);
//
// From then on the socket's callbacks and write() exchange plain text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "db/base/result.h"
#include "db/base/time.h"

namespace tocsin {

/// PEM files.
struct TlsOptions {
  std::string certificate;  ///< with its chain; empty: no TLS
  std::string key;
  std::string client_ca;  ///< clients need a certificate that one of these signed; empty: none

  bool enabled() const { return !certificate.empty(); }
  bool operator==(const TlsOptions&) const = default;
};

/// A certificate with its key, for any number of sessions. Sessions keep what they need of it.
class TlsContext {
 public:
  /// Reads the files. kInvalid names the file and the fault. Logs a certificate that has expired.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsOptions& options);
  ~TlsContext();

 private:
  friend class TlsSession;
  struct State;
  explicit TlsContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class TlsSession {
 public:
  explicit TlsSession(const TlsContext& context);  ///< of a server
  ~TlsSession();

  /// Takes bytes of the peer.
  void receive(std::string_view bytes);
  /// Decrypts the next bytes; 0: none until the peer sends more, has ended, or has failed.
  size_t read(char* out, size_t size);
  /// Encrypts. Requires: is_open().
  void write(std::string_view data);
  /// Says that no more data follow.
  void end();
  /// The bytes to send to the peer, which may exist after any of the functions above.
  std::string take_output();

  bool is_open() const;              ///< the handshake is done, and nothing has failed
  bool peer_ended() const;           ///< the peer said that it sends no more
  const std::string& error() const;  ///< why the session failed; empty: it has not

 private:
  struct State;
  std::unique_ptr<State> state_;
};

inline constexpr Duration kTlsHandshakeTimeout = 10 * kSecond;

}  // namespace tocsin
