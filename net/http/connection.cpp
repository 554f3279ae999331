// Beast parses the messages, which needs no Asio loop. Everything else about a connection is here.
#include "net/http/connection.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <optional>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/log.h"
#include "db/limits.h"
#include "net/http/gzip.h"

namespace tocsin::http {
namespace {

namespace beast = boost::beast::http;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
// A body that is refused by its header is read if it is small, so that the connection survives.
constexpr size_t kRefusedBodyBytesMax = 64 * kKiB;
constexpr size_t kReadAheadMax = 256 * kKiB;  // of further requests, while one is being handled

// RFC 9110, section 5.6.7.
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return text.data();
}

// RFC 9112, section 7.1.
std::string as_chunk(std::string_view bytes, bool last) {
  std::string out;
  if (!bytes.empty()) out = fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
  if (last) out += "0\r\n\r\n";
  return out;
}

std::string render(const Response& response, bool head, bool chunks, bool close) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                                reason_of(response.status), http_date());
  if (!response.content_type.empty())
    out += fmt::format("Content-Type: {}\r\n", response.content_type);
  if (response.more) {
    if (chunks) out += "Transfer-Encoding: chunked\r\n";
  } else if (response.status != 204) {
    out += fmt::format("Content-Length: {}\r\n", response.body.size());
  }
  for (const auto& [name, value] : response.headers) out += fmt::format("{}: {}\r\n", name, value);
  out += "X-Content-Type-Options: nosniff\r\n";
  out += close ? "Connection: close\r\n\r\n" : "\r\n";
  if (head || response.status == 204) return out;
  out += response.more && chunks ? as_chunk(response.body, false) : response.body;
  return out;
}

struct Refusal {
  int status;
  std::string message;
};

Refusal refusal_of(const boost::system::error_code& error, bool in_body, size_t body_bytes_max) {
  if (error == beast::error::body_limit) {
    return {413, fmt::format("the body exceeds {} bytes; send it in parts", body_bytes_max)};
  }
  if (error == beast::error::header_limit) {
    return {431, fmt::format("the {} exceed {} bytes",
                             in_body ? "chunk extensions or trailers" : "request line and headers",
                             kHeaderBytesMax)};
  }
  return {400, fmt::format("not a valid HTTP/1.1 request: {}", error.message())};
}

std::optional<Refusal> refusal_of(const beast::request_header<>& header) {
  const size_t host_count = header.count(beast::field::host);
  if (host_count > 1)
    return Refusal{400, fmt::format("expected one Host header, found {}", host_count)};
  if (host_count == 0 && header.version() >= 11) return Refusal{400, "the Host header is missing"};
  // RFC 9112, section 6.1: the end of the body is known only if `chunked` is the only coding.
  const auto [first, end] = header.equal_range(beast::field::transfer_encoding);
  for (auto field = first; field != end; ++field) {
    const std::string coding(field->value());
    if (!equals_ignoring_case(coding, "chunked")) {
      return Refusal{501, fmt::format("unsupported Transfer-Encoding `{}`; use chunked", coding)};
    }
    if (header.version() < 11) return Refusal{400, "Transfer-Encoding requires HTTP/1.1"};
  }
  return std::nullopt;
}

bool keep_alive(const Request& request, unsigned version) {
  const std::string value = request.header("connection");
  beast::token_list options(value);
  return !options.exists("close") && (version >= 11 || options.exists("keep-alive"));
}

std::map<std::string, std::string> headers_of(const beast::request_header<>& header) {
  std::map<std::string, std::string> out;
  for (const auto& field : header) {
    const std::string value(field.value());
    const auto [it, added] =
        out.emplace(lower_case({field.name_string().data(), field.name_string().size()}), value);
    if (!added) it->second += ", " + value;  // RFC 9110, section 5.3
  }
  return out;
}

}  // namespace

struct Connection::Parser {
  explicit Parser(size_t body_bytes_max) {
    message.header_limit(kHeaderBytesMax);
    message.body_limit(body_bytes_max);
  }

  beast::request_parser<beast::string_body> message;
  Request request;               // without the body; trailers are not added
  bool started = false;          // the first byte of the request has arrived
  bool header_accepted = false;  // the header is in `request`
};

Connection::Connection(uv_loop_t* loop, std::unique_ptr<Socket> socket, ConnectionOptions options,
                       Events events)
    : socket_(std::move(socket)),
      options_(options),
      events_(std::move(events)),
      timer_(loop, [this] { on_timeout(); }),
      parser_(std::make_unique<Parser>(options.body_bytes_max)) {}

Connection::~Connection() = default;

void Connection::start() {
  socket_->set_callbacks({[this](std::string_view data) { on_data(data); },
                          [this](bool clean) { on_end(clean); },
                          [this](std::string_view) {
                            const auto self = shared_from_this();
                            reject(400, "this port expects TLS; use https:// instead of http://");
                          }});
  socket_->start_reading();
  reading_ = true;
  restart_timer();
}

void Connection::drain() {
  draining_ = true;
  if (handling_ || sending_) {
    close_after_ = true;
  } else {
    close(true);
  }
}

void Connection::abort() { close(false); }

void Connection::refuse(Response response) {
  handling_ = true;
  answer(std::move(response), true);
}

void Connection::on_data(std::string_view data) {
  const auto self = shared_from_this();
  input_.append(data);
  if (!handling_ && !sending_) {
    parse();
    if (socket_ != nullptr && !handling_ && !sending_) restart_timer();
    return;
  }
  if (input_.size() > kReadAheadMax) {
    socket_->stop_reading();
    reading_ = false;
  }
}

void Connection::on_end(bool clean) {
  const auto self = shared_from_this();
  peer_ended_ = true;
  if (!clean || (!handling_ && !sending_)) return close(clean);
  if (handling_) schedule_probe();
}

// A client that has ended its side may be gone or still waiting for its answers. A probe shows
// which: if the client is gone, sending something resets the connection. HTTP/1.1 clients skip
// interim responses (RFC 9110, section 15.2). HTTP/1.0 clients cannot be probed and are treated as
// gone.
void Connection::probe() {
  if (!cancelled_ || cancelled_.use_count() == 1) return;  // the handler ignores cancellation
  if (!chunks_) return cancelled_->store(true);
  socket_->write(std::string(kContinue));
  probe_delay_ *= 2;
  timer_.start(probe_delay_);
}

void Connection::schedule_probe() {
  probe_delay_ = options_.probe_delay;
  timer_.start(probe_delay_);
}

void Connection::on_timeout() {
  const auto self = shared_from_this();
  if (handling_) return probe();
  if (sending_) {
    if (socket_->unsent_bytes() == unsent_at_timer_) return close(false);
    return restart_timer();
  }
  if (parser_->started) return reject(408, "timed out waiting for the rest of the request");
  close(true);
}

void Connection::restart_timer() {
  unsent_at_timer_ = socket_->unsent_bytes();
  timer_.start(sending_           ? options_.send_timeout
               : parser_->started ? options_.receive_timeout
                                  : options_.idle_timeout);
}

// Parses until a request is complete and dispatched, or more bytes are needed. If the client has
// ended its side, none will come, so the connection closes.
void Connection::parse() {
  while (!handling_ && !sending_ && socket_ != nullptr) {
    if (!feed_parser()) break;
    if (parser_->message.is_done()) dispatch();
  }
  if (peer_ended_ && !handling_ && !sending_) close(true);
}

// Returns false if more bytes are needed or the connection is closing.
bool Connection::feed_parser() {
  Parser& parser = *parser_;
  if (input_.empty()) return false;
  parser.started = true;
  boost::system::error_code error;
  // Beast consumes the size line of a chunk, and the trailers, only as a whole. Offering at most
  // kHeaderBytesMax at a time limits them too.
  const size_t offered = std::min(input_.size(), kHeaderBytesMax);
  const size_t used = parser.message.put(boost::asio::buffer(input_.data(), offered), error);
  input_.erase(0, used);
  if (error == beast::error::need_more) {
    error = {};
    if (used == 0 && offered == kHeaderBytesMax) error = beast::error::header_limit;
  }
  if (error) {
    const Refusal refusal = refusal_of(error, parser.header_accepted, options_.body_bytes_max);
    reject(refusal.status, refusal.message);
    return false;
  }
  if (parser.message.is_header_done() && !parser.header_accepted && !accept_header()) return false;
  return parser.message.is_done() || used > 0;
}

// Returns false if the request is refused before its body is read.
bool Connection::accept_header() {
  Parser& parser = *parser_;
  parser.header_accepted = true;
  parser.message.eager(true);
  const beast::request_header<>& header = parser.message.get();
  if (const auto refusal = refusal_of(header)) {
    reject(refusal->status, refusal->message);
    return false;
  }
  parser.request.method = std::string(header.method_string());
  parser.request.headers = headers_of(header);
  parser.request.read_target(std::string(header.target()));
  parser.request.peer = socket_->peer();
  const bool small = !parser.message.chunked() &&
                     parser.message.content_length().value_or(0) <= kRefusedBodyBytesMax;
  if (!small && events_.refuse) {
    if (auto refusal = events_.refuse(parser.request)) {
      reject(*std::move(refusal));
      return false;
    }
  }
  const bool waits = equals_ignoring_case(parser.request.header("expect"), "100-continue");
  if (waits && !parser.message.is_done() && input_.empty()) socket_->write(std::string(kContinue));
  return true;
}

void Connection::dispatch() {
  auto message = parser_->message.release();
  Request request = std::move(parser_->request);
  parser_ = std::make_unique<Parser>(options_.body_bytes_max);
  request.body = std::move(message.body());
  request.cancelled = cancelled_ = std::make_shared<std::atomic<bool>>(false);
  head_ = request.method == "HEAD";
  chunks_ = message.version() >= 11;
  close_after_ = !keep_alive(request, message.version()) || draining_;
  handling_ = true;
  timer_.stop();
  if (peer_ended_) schedule_probe();
  const bool gzip = accepts_gzip(request.header("accept-encoding"));
  events_.handle(std::move(request), [weak = weak_from_this(), gzip](Response response) {
    const auto self = weak.lock();
    if (!self) return;
    if (gzip) compress(response);
    self->answer(std::move(response), false);
  });
}

void Connection::answer(Response response, bool close) {
  if (!handling_ || socket_ == nullptr) return;
  const auto self = shared_from_this();
  handling_ = false;
  sending_ = true;
  if (!chunks_ && !close && !close_after_ && !response.more)  // not the default in HTTP/1.0
    response.headers.emplace_back("Connection", "keep-alive");
  cancelled_.reset();
  close_after_ |= close;
  events_.answered(response.status);
  // A body without length and chunks ends with the connection (RFC 9112, section 6.3).
  if (response.more && !chunks_) close_after_ = true;
  if (!head_) more_ = response.more;
  socket_->write(render(response, head_, chunks_, close_after_), [this] { sent(); });
  restart_timer();
}

void Connection::send_more() {
  std::string piece;
  const bool last = !more_(piece);
  if (last) more_ = nullptr;
  socket_->write(chunks_ ? as_chunk(std::move(piece), last) : std::move(piece), [this] { sent(); });
  restart_timer();
}

void Connection::sent() {
  const auto self = shared_from_this();
  if (more_) return send_more();
  sending_ = false;
  if (close_after_) return close(true);
  if (!reading_) {
    reading_ = true;
    socket_->start_reading();
  }
  restart_timer();
  parse();
}

void Connection::reject(int status, const std::string& message) {
  reject(error_response(status, message));
}

void Connection::reject(Response response) {
  head_ = false;
  chunks_ = false;
  handling_ = true;
  input_.clear();
  answer(std::move(response), true);
}

void Connection::close(bool gracefully) {
  if (socket_ == nullptr) return;
  const auto self = shared_from_this();
  if (cancelled_) cancelled_->store(true);
  timer_.stop();
  if (gracefully) {
    Socket::finish(std::move(socket_));
  } else if (more_ && !chunks_) {
    Socket::abort(std::move(socket_));
  } else {
    socket_.reset();
  }
  events_.gone();
}

}  // namespace tocsin::http
