// Beast parses the messages (it needs no Asio loop for that); everything else about a connection is
// here.
#include "net/http_connection.h"

#include <algorithm>
#include <ctime>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include "db/base/log.h"
#include "db/limits.h"

namespace tocsin::http {
namespace {

namespace beast = boost::beast::http;
constexpr size_t kReadAheadMax = 256 * kKiB;  // of further requests, while one is with its handler

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

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

}  // namespace

struct Connection::Parser {
  explicit Parser(size_t body_bytes_max) {
    message.header_limit(kHeaderBytesMax);
    message.body_limit(body_bytes_max);
    message.eager(true);
  }

  beast::request_parser<beast::string_body> message;
  bool started = false;    // some byte of the request has arrived
  bool continued = false;  // `100 Continue` was considered
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
  socket_->on(
      {[this](std::string_view data) { on_data(data); }, [this](bool clean) { on_end(clean); }});
  socket_->start_reading();
  reading_ = true;
  restart_timer();
}

void Connection::drain() {
  draining_ = true;
  if (handling_ || sending_) {
    close_after_ = true;
  } else {
    leave(true);
  }
}

void Connection::abort() { leave(false); }

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
  if (cancelled_)
    cancelled_->store(true);  // a write goes on, but nobody waits for a query any more
  if (!clean || (!handling_ && !sending_)) return leave(clean);
  close_after_ = true;
}

void Connection::on_timeout() {
  const auto self = shared_from_this();
  if (handling_) return;
  if (sending_) {
    if (socket_->unsent_bytes() == unsent_at_timer_) return leave(false);
    return restart_timer();
  }
  if (parser_->started) return reject(408, "the request did not arrive in time");
  leave(true);
}

void Connection::restart_timer() {
  unsent_at_timer_ = socket_->unsent_bytes();
  timer_.start(sending_           ? options_.send_timeout
               : parser_->started ? options_.receive_timeout
                                  : options_.idle_timeout);
}

// Parses until a request is complete and with its handler, or more bytes are needed.
void Connection::parse() {
  while (!handling_ && !sending_ && socket_ != nullptr) {
    if (!feed_parser()) return;
    if (parser_->message.is_done()) dispatch();
  }
}

// Returns false when more bytes are needed, or the connection has ended.
bool Connection::feed_parser() {
  Parser& parser = *parser_;
  if (input_.empty()) return false;
  parser.started = true;
  boost::system::error_code error;
  const size_t used = parser.message.put(boost::asio::buffer(input_), error);
  input_.erase(0, used);
  if (error == beast::error::need_more) error = {};
  if (error) {
    const bool body_too_large = error == beast::error::body_limit;
    const bool header_too_large = error == beast::error::header_limit;
    if (body_too_large) {
      reject(413, fmt::format("the body has more than {} bytes; send it in parts",
                              options_.body_bytes_max));
    } else if (header_too_large) {
      reject(431, fmt::format("the request's line and headers have more than {} bytes",
                              kHeaderBytesMax));
    } else {
      reject(400, fmt::format("this is no HTTP/1.1 request: {}", error.message()));
    }
    return false;
  }
  if (parser.message.is_header_done() && !parser.continued && !parser.message.is_done()) {
    parser.continued = true;
    const std::string expect = lower_case(std::string(parser.message.get()[beast::field::expect]));
    if (expect == "100-continue") socket_->write("HTTP/1.1 100 Continue\r\n\r\n");
  }
  return parser.message.is_done() || used > 0;
}

void Connection::dispatch() {
  auto message = parser_->message.release();
  parser_ = std::make_unique<Parser>(options_.body_bytes_max);
  Request request;
  request.method = std::string(message.method_string());
  const std::string target(message.target());
  const size_t question = std::min(target.find('?'), target.size());
  request.path = url_decode(std::string_view(target).substr(0, question), false);
  if (question < target.size())
    request.parameters = parse_parameters(std::string_view(target).substr(question + 1));
  for (const auto& field : message) {
    const std::string name = lower_case(std::string(field.name_string()));
    const auto [it, added] = request.headers.emplace(name, std::string(field.value()));
    if (!added && name == "host") it->second = "";  // two hosts are none that can be trusted
  }
  if (message.version() >= 11 && request.headers.count("host") == 0) {
    return reject(400, "the header Host is missing");
  }
  request.body = std::move(message.body());
  request.peer = socket_->peer();
  request.cancelled = cancelled_ = std::make_shared<std::atomic<bool>>(peer_ended_);
  head_ = request.method == "HEAD";
  chunks_ = message.version() >= 11;
  close_after_ = !message.keep_alive() || draining_ || peer_ended_;
  handling_ = true;
  timer_.stop();
  events_.handle(std::move(request), [weak = weak_from_this()](Response response) {
    if (const auto self = weak.lock()) self->answer(std::move(response), false);
  });
}

void Connection::answer(Response response, bool close) {
  if (!handling_ || socket_ == nullptr) return;
  const auto self = shared_from_this();
  handling_ = false;
  sending_ = true;
  cancelled_.reset();
  close_after_ |= close;
  events_.answered(response.status);
  // A body without a length and without chunks ends with its connection (RFC 9112, section 6.3).
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
  if (close_after_) return leave(true);
  if (!reading_) {
    reading_ = true;
    socket_->start_reading();
  }
  restart_timer();
  parse();
}

void Connection::reject(int status, const std::string& message) {
  head_ = false;
  chunks_ = false;
  handling_ = true;
  input_.clear();
  answer(error_response(status, message), true);
}

void Connection::leave(bool politely) {
  if (socket_ == nullptr) return;
  const auto self = shared_from_this();
  if (cancelled_) cancelled_->store(true);
  timer_.stop();
  if (politely) {
    Socket::finish(std::move(socket_));
  } else if (more_ && !chunks_) {
    Socket::break_off(std::move(socket_));
  } else {
    socket_.reset();
  }
  events_.gone();
}

}  // namespace tocsin::http
