#include "net/event_loop/tls.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "db/base/check.h"
#include "db/base/log.h"

namespace tocsin {
namespace {

constexpr size_t kTlsWriteBytesMax = 1 << 30;  // SSL_write takes an int

std::string last_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

tl::unexpected<Error> bad_tls_file(const char* what, const std::string& path) {
  return fail(ErrorCode::kInvalid, fmt::format("listen.tls: cannot use the {} {}: {}; expected a "
                                               "PEM file",
                                               what, path, last_openssl_error()));
}

// Without it, OpenSSL asks the terminal for the password of an encrypted key.
int no_password(char*, int, int, void*) { return 0; }

void warn_if_expired(SSL_CTX* context, const std::string& path) {
  const X509* certificate = SSL_CTX_get0_certificate(context);
  if (certificate == nullptr || X509_cmp_current_time(X509_get0_notAfter(certificate)) >= 0) return;
  log(LogLevel::kWarning,
      fmt::format("listen.tls: the certificate {} has expired; clients will refuse it", path));
}

}  // namespace

struct TlsContext::State {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  ~State() { SSL_CTX_free(context); }
};

TlsContext::TlsContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsOptions& options) {
  auto state = std::make_unique<State>();
  SSL_CTX* context = state->context;
  TOCSIN_CHECK(context != nullptr);
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context, &no_password);
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1)
    return bad_tls_file("certificate", options.certificate);
  if (SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return bad_tls_file("key", options.key);
  if (!options.client_ca.empty()) {
    if (SSL_CTX_load_verify_locations(context, options.client_ca.c_str(), nullptr) != 1)
      return bad_tls_file("client_ca", options.client_ca);
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.client_ca.c_str()));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    // Sessions with client certificates can be resumed only within a named context.
    static constexpr unsigned char kName[] = "tocsin";
    SSL_CTX_set_session_id_context(context, kName, sizeof kName - 1);
  }
  warn_if_expired(context, options.certificate);
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(state)));
}

struct TlsSession::State {
  explicit State(SSL_CTX* context) : ssl(SSL_new(context)) {
    TOCSIN_CHECK(ssl != nullptr && in != nullptr && out != nullptr);
    SSL_set_bio(ssl, in, out);  // which owns them from now on
    SSL_set_accept_state(ssl);
  }
  ~State() { SSL_free(ssl); }

  // After a call of OpenSSL that returned `result`.
  void note(int result) {
    const int kind = SSL_get_error(ssl, result);
    if (kind == SSL_ERROR_ZERO_RETURN) ended = true;
    if (kind == SSL_ERROR_SSL || kind == SSL_ERROR_SYSCALL) error = last_openssl_error();
  }

  SSL* ssl;
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  bool ended = false;
  std::string error;
};

TlsSession::TlsSession(const TlsContext& context)
    : state_(std::make_unique<State>(context.state_->context)) {}
TlsSession::~TlsSession() = default;

void TlsSession::receive(std::string_view bytes) {
  TOCSIN_CHECK(BIO_write(state_->in, bytes.data(), static_cast<int>(bytes.size())) ==
               static_cast<int>(bytes.size()));
}

size_t TlsSession::read(char* out, size_t size) {
  if (state_->ended || !state_->error.empty()) return 0;
  ERR_clear_error();
  const int count = SSL_read(state_->ssl, out, static_cast<int>(size));
  if (count > 0) return static_cast<size_t>(count);
  state_->note(count);
  return 0;
}

void TlsSession::write(std::string_view data) {
  while (!data.empty() && state_->error.empty()) {
    ERR_clear_error();
    const int count = SSL_write(state_->ssl, data.data(),
                                static_cast<int>(std::min(data.size(), kTlsWriteBytesMax)));
    if (count <= 0) return state_->note(count);
    data.remove_prefix(static_cast<size_t>(count));
  }
}

void TlsSession::end() {
  if (!is_open()) return;
  ERR_clear_error();
  SSL_shutdown(state_->ssl);
}

std::string TlsSession::take_output() {
  char* data = nullptr;
  const long size = BIO_get_mem_data(state_->out, &data);
  std::string bytes(data, static_cast<size_t>(std::max(0L, size)));
  (void)BIO_reset(state_->out);
  return bytes;
}

bool TlsSession::is_open() const {
  return state_->error.empty() && SSL_is_init_finished(state_->ssl) == 1;
}
bool TlsSession::peer_ended() const { return state_->ended; }
const std::string& TlsSession::error() const { return state_->error; }

}  // namespace tocsin
