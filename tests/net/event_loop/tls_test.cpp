// The server's side of TLS against OpenSSL's own client, both without sockets and on the ports.
#include "net/event_loop/tls.h"

#include <array>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include <catch2/catch.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "db/base/log.h"
#include "tests/net/server_support.h"

namespace tocsin {
namespace {

using test::Client;
using test::contains;
using test::TestServer;

// A certificate that signs itself, with its key, in one PEM file.
TlsOptions make_pem(const test::TemporaryFolder& folder, const std::string& name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3'600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_sign(certificate, key, EVP_sha256());
  const std::string path = folder.path(name);
  FILE* file = fopen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  PEM_write_X509(file, certificate);
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {path, path, ""};
}

// The client's side, whose bytes are passed on by hand. It trusts every certificate.
class TlsPeer {
 public:
  explicit TlsPeer(int version_max = 0, const char* ciphers = nullptr)
      : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_max_proto_version(context_, version_max);
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    if (ciphers != nullptr) SSL_CTX_set_cipher_list(context_, ciphers);
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_connect_state(ssl_);
  }
  ~TlsPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  bool shake_hands() { return SSL_do_handshake(ssl_) == 1; }
  bool is_open() const { return SSL_is_init_finished(ssl_) == 1; }
  bool write(std::string_view data) {
    return SSL_write(ssl_, data.data(), static_cast<int>(data.size())) ==
           static_cast<int>(data.size());
  }
  std::string read() {
    std::string out;
    std::array<char, 16'384> piece{};
    for (int size; (size = SSL_read(ssl_, piece.data(), piece.size())) > 0;)
      out.append(piece.data(), static_cast<size_t>(size));
    return out;
  }
  void end() { SSL_shutdown(ssl_); }
  bool server_ended() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }
  bool renegotiate() { return SSL_renegotiate(ssl_) == 1 && SSL_do_handshake(ssl_) == 1; }
  void receive(std::string_view bytes) {
    BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  }
  std::string take_output() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out_, &data);
    std::string out(data, static_cast<size_t>(size));
    (void)BIO_reset(out_);
    return out;
  }
  std::string certificate_name() const {
    X509* certificate = SSL_get1_peer_certificate(ssl_);
    std::array<char, 64> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                              name.size());
    X509_free(certificate);
    return name.data();
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  BIO* in_ = BIO_new(BIO_s_mem());
  BIO* out_ = BIO_new(BIO_s_mem());
};

std::string read_all(TlsSession& session) {
  std::string out;
  std::array<char, 1'000> piece{};
  while (const size_t size = session.read(piece.data(), piece.size()))
    out.append(piece.data(), size);
  return out;
}

struct TlsPair {
  explicit TlsPair(int version_max = 0, const char* ciphers = nullptr)
      : peer(version_max, ciphers) {}

  // Passes bytes on until both sides are silent. Returns what the server read.
  std::string exchange(size_t piece = SIZE_MAX) {
    std::string read;
    for (bool any = true; any;) {
      any = false;
      const std::string sent = peer.take_output();
      for (size_t at = 0; at < sent.size(); at += std::min(piece, sent.size() - at)) {
        session.receive(std::string_view(sent).substr(at, piece));
        read += read_all(session);
        any = true;
      }
      const std::string answer = session.take_output();
      for (size_t at = 0; at < answer.size(); at += std::min(piece, answer.size() - at)) {
        peer.receive(std::string_view(answer).substr(at, piece));
        if (!peer.is_open()) peer.shake_hands();
        any = true;
      }
    }
    return read;
  }
  std::string open(size_t piece = SIZE_MAX) {
    peer.shake_hands();
    return exchange(piece);
  }

  test::TemporaryFolder folder;
  std::shared_ptr<const TlsContext> context = *TlsContext::load(make_pem(folder, "localhost"));
  TlsSession session{*context};
  TlsPeer peer;
};

TEST_CASE("tls: the handshake and data may arrive in single bytes", "[net]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  TlsPair pair(version);
  pair.open(1);
  REQUIRE(pair.session.is_open());
  REQUIRE(pair.peer.is_open());
  CHECK(pair.peer.certificate_name() == "localhost");
  CHECK(pair.peer.write("to the server"));
  CHECK(pair.exchange(1) == "to the server");
  pair.session.write("to the client");
  pair.exchange(1);
  CHECK(pair.peer.read() == "to the client");
  CHECK(pair.session.error().empty());
}

TEST_CASE("tls: large data pass both ways", "[net]") {
  TlsPair pair;
  pair.open();
  std::string large(5'000'000, 'x');
  for (size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>('a' + i % 26);
  CHECK(pair.peer.write(large));
  CHECK(pair.exchange(10'007) == large);
  pair.session.write(large);
  pair.peer.receive(pair.session.take_output());
  CHECK(pair.peer.read() == large);
}

TEST_CASE("tls: after the client's end the server may still answer", "[net]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  TlsPair pair(version);
  pair.open();
  CHECK(pair.peer.write("last"));
  pair.peer.end();
  CHECK(pair.exchange() == "last");
  CHECK(pair.session.peer_ended());
  CHECK(pair.session.error().empty());
  pair.session.write("answer");
  pair.session.end();
  pair.peer.receive(pair.session.take_output());
  CHECK(pair.peer.read() == "answer");
  CHECK(pair.peer.server_ended());
}

TEST_CASE("tls: old versions are refused", "[net]") {
  TlsPair pair(TLS1_1_VERSION, "ALL:@SECLEVEL=0");
  pair.open();
  CHECK_FALSE(pair.session.is_open());
  CHECK_FALSE(pair.peer.is_open());
  CHECK(contains(pair.session.error(), "unsupported protocol"));
}

TEST_CASE("tls: renegotiation is refused", "[net]") {
  TlsPair pair(TLS1_2_VERSION);
  pair.open();
  CHECK_FALSE(pair.peer.renegotiate());
  pair.exchange();  // OpenSSL's client gives up when it is refused
  CHECK(contains(pair.session.error(), "handshake failure"));
}

TEST_CASE("tls: a changed byte ends the session", "[net]") {
  TlsPair pair;
  pair.open();
  CHECK(pair.peer.write("first"));
  std::string bytes = pair.peer.take_output();
  bytes.back() ^= 1;
  pair.session.receive(bytes);
  CHECK(read_all(pair.session).empty());
  CHECK_FALSE(pair.session.error().empty());
  CHECK_FALSE(pair.session.is_open());
  pair.session.write("ignored");
  pair.session.end();
}

TEST_CASE("tls: random bytes fail and are never data", "[net]") {
  test::TemporaryFolder folder;
  const auto context = *TlsContext::load(make_pem(folder, "a"));
  uint32_t random = 1;
  for (int round = 0; round < 500; ++round) {
    TlsSession session(*context);
    std::string bytes = "\x16\x03\x01";
    for (int i = 0; i < 300; ++i)
      bytes += static_cast<char>((random = random * 1'664'525 + 1) >> 24);
    session.receive(bytes);
    CHECK(read_all(session).empty());
    CHECK_FALSE(session.is_open());
  }
}

TEST_CASE("tls: files that cannot be used are named", "[net]") {
  test::TemporaryFolder folder;
  const TlsOptions good = make_pem(folder, "good"), other = make_pem(folder, "other");
  const auto message = [](const TlsOptions& options) {
    const auto loaded = TlsContext::load(options);
    return loaded ? "" : loaded.error().message;
  };
  CHECK(message(good).empty());
  const std::string half = folder.path("half");
  {
    std::ifstream in(good.certificate);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    std::ofstream(half) << text.substr(0, text.size() - 100);  // cut inside the key
  }
  CHECK(contains(message({good.certificate, half, ""}), "the key " + half));
  CHECK(contains(message({good.certificate, other.key, ""}), "key values mismatch"));
  CHECK(contains(message({folder.path("none"), good.key, ""}),
                 "the certificate " + folder.path("none")));
  CHECK(contains(message({good.certificate, good.key, folder.path("none")}), "the client_ca"));
}

// A client on a port of the server.
class TlsClient {
 public:
  explicit TlsClient(uint16_t port) : client_(port) {
    peer_.shake_hands();
    flush();
    while (!peer_.is_open() && receive()) peer_.shake_hands();
    flush();
  }
  bool is_open() const { return peer_.is_open(); }
  std::string certificate_name() const { return peer_.certificate_name(); }
  void send(std::string_view data) {
    CHECK(peer_.write(data));
    flush();
  }
  void end() {
    peer_.end();
    flush();
  }
  void cut() { client_.end(); }  // without TLS's own end
  std::string read_until(std::string_view mark) {
    do text_ += peer_.read();
    while (text_.find(mark) == text_.npos && receive());
    return std::exchange(text_, "");
  }
  std::string read_all() {
    do text_ += peer_.read();
    while (receive());
    return std::exchange(text_, "");
  }
  bool server_ended() const { return peer_.server_ended(); }

 private:
  void flush() { client_.send(peer_.take_output()); }
  bool receive() {
    const std::string bytes = client_.receive_bytes();
    peer_.receive(bytes);
    return !bytes.empty();
  }

  Client client_;
  TlsPeer peer_;
  std::string text_;
};

// Failed handshakes are logged.
struct QuietLog {
  QuietLog() {
    set_log_sink([](LogLevel, const std::string&) {});
  }
  ~QuietLog() { set_log_sink(nullptr); }
};

ServerOptions tls_options(const test::TemporaryFolder& folder) {
  ServerOptions options;
  options.tls = make_pem(folder, "localhost");
  return options;
}

TEST_CASE("tls server: the last line of the line port counts only after a whole end", "[net]") {
  const QuietLog quiet;
  test::TemporaryFolder folder;
  TestServer server(tls_options(folder));
  {
    TlsClient client(server.tcp());
    REQUIRE(client.is_open());
    client.send("m f=1i 1\nm f=2");
    client.send("2i 2");
    client.end();
    CHECK(client.read_all().empty());
    CHECK(client.server_ended());
  }
  CHECK(server.query("from m | keep f") == "f\n1\n22\n");
  {
    TlsClient client(server.tcp());
    client.send("n f=1i 1\nn f=2i");
    client.cut();
    CHECK(client.read_all().empty());
  }
  CHECK(server.query("from n | keep f") == "f\n1\n");
  CHECK_FALSE(contains(server.query("from rejected | keep line"), "n f=2i"));
}

TEST_CASE("tls server: a request that is cut off is not done", "[net]") {
  const QuietLog quiet;
  test::TemporaryFolder folder;
  TestServer server(tls_options(folder));
  {
    TlsClient client(server.http());
    client.send("POST /write HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nm f=1i 1\n");
    client.cut();
    CHECK(client.read_all().empty());
  }
  {
    TlsClient client(server.http());
    client.send(TestServer::request_text("POST", "/write", "n f=1i 1\n"));
    client.end();  // and the answer still comes
    CHECK(contains(client.read_until("\r\n\r\n"), "HTTP/1.1 204"));
  }
  CHECK(contains(server.query("from m"), "no measurement"));
  CHECK(server.query("from n | keep f") == "f\n1\n");
}

TEST_CASE("tls server: an answer larger than the sockets' buffers arrives whole", "[net]") {
  const QuietLog quiet;
  test::TemporaryFolder folder;
  TestServer server(tls_options(folder));
  std::string lines;
  constexpr int kRows = 30'000;
  for (int i = 0; i < kRows; ++i)
    lines += "m text=\"" + std::string(300, static_cast<char>('a' + i % 26)) + "\" " +
             std::to_string(1'700'000'000 + i) + "\n";
  TlsClient client(server.http());
  client.send(TestServer::request_text("POST", "/write?precision=s", lines));
  CHECK(contains(client.read_until("\r\n\r\n"), "HTTP/1.1 204"));
  client.send(TestServer::request_text("POST", "/api/query?format=csv", "from m | keep text",
                                       "Connection: close\r\n"));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the buffers fill
  const std::string answer = client.read_all();
  CHECK(contains(answer, "HTTP/1.1 200"));
  CHECK(answer.size() > size_t{kRows} * 300);
  CHECK(contains(answer, std::string(300, static_cast<char>('a' + (kRows - 1) % 26))));
  CHECK(client.server_ended());
}

TEST_CASE("tls server: a client that stalls in the handshake is closed", "[net][slow]") {
  const QuietLog quiet;
  test::TemporaryFolder folder;
  TestServer server(tls_options(folder));
  Client silent(server.http());
  Client stalled(server.tcp());
  stalled.send("\x16\x03\x01\x02");
  const auto start = std::chrono::steady_clock::now();
  CHECK(silent.receive_end(2 * kTlsHandshakeTimeout));
  CHECK(stalled.receive_end(2 * kTlsHandshakeTimeout));
  const auto waited = std::chrono::steady_clock::now() - start;
  CHECK(waited >= std::chrono::nanoseconds(kTlsHandshakeTimeout - kSecond));
  CHECK(waited < std::chrono::nanoseconds(kTlsHandshakeTimeout + 5 * kSecond));
}

TEST_CASE("tls server: new connections use a new certificate, open ones go on", "[net]") {
  const QuietLog quiet;
  test::TemporaryFolder folder;
  ServerOptions options = tls_options(folder);
  TestServer server(options);
  TlsClient first(server.http());
  CHECK(first.certificate_name() == "localhost");
  options.tls = make_pem(folder, "renewed");
  REQUIRE(server.server().change_options(options));
  TlsClient second(server.http());
  CHECK(second.certificate_name() == "renewed");
  for (TlsClient* client : {&first, &second}) {
    client->send(TestServer::request_text("GET", "/ping"));
    CHECK(contains(client->read_until("\r\n\r\n"), "HTTP/1.1 204"));
  }
  options.tls.key = folder.path("none");
  CHECK_FALSE(server.server().change_options(options));
  CHECK(TlsClient(server.http()).certificate_name() == "renewed");
}

}  // namespace
}  // namespace tocsin
