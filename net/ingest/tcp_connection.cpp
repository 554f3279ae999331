// Cuts the stream into chunks, submits them in order, pauses reading while too much is in flight,
// and closes when everything is durable.
#include "net/ingest/tcp_connection.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/log.h"
#include "db/limits.h"
#include "net/event_loop/address.h"
#include "net/ingest/foreign_protocol.h"

namespace tocsin {
namespace {

constexpr size_t kChunkBytesMax = 512 * kKiB;   // one text for the parser, unless a line is longer
constexpr size_t kPendingBytesMax = 2 * kMiB;   // read ahead of the parser, unless a line is longer
constexpr size_t kInFlightBytesMax = 8 * kMiB;  // submitted and not yet durable
constexpr size_t kUnsentBytesMax = 64 * kKiB;   // acknowledgements that the client has not read
constexpr std::string_view kGreeting = "# tocsin ";
constexpr size_t kShownGreetingBytes = 80;
constexpr size_t kGreetingBytesMax = 1'024;

struct Greeting {
  bool acknowledges = false;
  std::optional<std::string> token;
  bool is_known = true;
};

// Of a line like `# tocsin token=… ack=on`. Any other line has neither.
Greeting parse_greeting(std::string_view line) {
  Greeting greeting;
  if (!line.starts_with(kGreeting)) return greeting;
  std::string_view rest = trimmed(line.substr(kGreeting.size()));
  greeting.is_known = !rest.empty();
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest = trimmed_start(rest.substr(word.size()));
    if (word == "ack=on") {
      greeting.acknowledges = true;
    } else if (word.starts_with("token=")) {
      greeting.token = std::string(word.substr(word.find('=') + 1));
    } else {
      greeting.is_known = false;
    }
  }
  return greeting;
}

// Also finds a token after a misspelt word.
bool contains_secret(std::string_view line) {
  return line.find("tocsin_") != std::string_view::npos;
}

std::string answer_to(const IngestReport& report, uint64_t first_line, uint64_t last_line) {
  if (!report.status) {
    return fmt::format("-ERR lines {} to {}: {}\n", first_line, last_line,
                       report.status.error().message);
  }
  if (report.problems.empty()) return fmt::format("+OK {}\n", last_line);
  const IngestProblem& first = report.problems.front();
  const std::string more =
      report.rows_rejected > 1 ? fmt::format(" (and {} more)", report.rows_rejected - 1) : "";
  std::string reason = first.reason;
  std::replace(reason.begin(), reason.end(), '\n', ' ');
  return fmt::format("-ERR line {}: {}{}; {} lines done\n", first_line + first.line - 1, reason,
                     more, last_line);
}

}  // namespace

TcpConnection::TcpConnection(uv_loop_t* loop, std::unique_ptr<Socket> socket, Ingest& ingest,
                             const Clock& clock, TcpConnectionOptions options,
                             std::function<void()> gone)
    : socket_(std::move(socket)),
      ingest_(ingest),
      clock_(clock),
      options_(std::move(options)),
      gone_(std::move(gone)),
      name_("tcp " + socket_->peer()),
      source_("tcp " + host_of_peer(socket_->peer())),
      quote_timer_(loop,
                   [this] {
                     quote_overdue_ = true;
                     pump();
                   }),
      token_timer_(loop, [this] { refuse("the line with the token did not arrive in time"); }),
      authorized_(!options_.refuse) {}

void TcpConnection::start() {
  socket_->set_callbacks({[this](std::string_view data) { on_data(data); },
                          [this](bool clean) { on_end(clean); },
                          [this](std::string_view data) { on_not_tls(data); }});
  if (!authorized_) token_timer_.start(options_.token_timeout);
  update_reading();
}

void TcpConnection::drain() {
  if (ended_) return;
  whole_only_ = true;
  on_end(true);
}

void TcpConnection::on_data(std::string_view data) {
  buffer_.append(data);
  pump();
}

void TcpConnection::on_end(bool clean) {
  ended_ = true;
  whole_only_ |= !clean;  // a broken connection may have cut the last line
  update_reading();
  pump();
}

void TcpConnection::pump() {
  const auto self = shared_from_this();  // finish_if_done may release the last reference
  if (refused_) return finish_if_done();
  if (!authorized_ && !authenticate()) return;
  if (!submitting_) {
    if (const size_t size = next_chunk(); size > 0) {
      if (refuse_without_token()) return;
      consume(size);
    }
  }
  update_reading();
  watch_quote();
  finish_if_done();
}

// Nothing is parsed before the client has shown that it may write. False: it has not yet, or is
// refused.
bool TcpConnection::authenticate() {
  if (ended_ && pending().empty()) return authorized_ = true;  // nothing was sent
  if (!skip_byte_order_mark()) return false;
  const size_t end = pending().find('\n');
  if (end == std::string_view::npos && !ended_ && pending().size() <= kGreetingBytesMax)
    return false;
  token_ = parse_greeting(pending().substr(0, end)).token;
  if (refuse_without_token()) return false;
  token_timer_.stop();
  return authorized_ = true;
}

// Asked again for each text, as tokens expire and are revoked. True: the connection ends.
bool TcpConnection::refuse_without_token() {
  if (!options_.refuse) return false;
  const std::string reason = options_.refuse(token_);
  if (!reason.empty()) refuse(reason);
  return !reason.empty();
}

// Drops what is not submitted, and ends the connection when the rest is durable. Sends the reason,
// if there is one.
void TcpConnection::refuse(const std::string& reason) {
  const auto self = shared_from_this();
  token_timer_.stop();
  refused_ = reason;
  ended_ = true;
  buffer_.clear();
  start_ = 0;
  update_reading();
  watch_quote();
  finish_if_done();
}

// The log names the fault already. Only who asked for answers reads them.
void TcpConnection::on_not_tls(std::string_view data) {
  refuse(data.starts_with(kGreeting) ? "this port expects TLS" : "");
}

void TcpConnection::drop(size_t size) {
  start_ += size;
  if (start_ < buffer_.size() && start_ < kChunkBytesMax) return;
  buffer_.erase(0, start_);
  start_ = 0;
}

// Drops a byte order mark. False: more bytes are needed to recognise one.
bool TcpConnection::skip_byte_order_mark() {
  if (started_) return true;
  if (!ended_ && kByteOrderMark.starts_with(pending()) && pending() != kByteOrderMark) return false;
  started_ = true;
  drop(pending().size() - without_byte_order_mark(pending()).size());
  return true;
}

// The size of the next text, which is whole lines of one format; 0 if there is none yet.
size_t TcpConnection::next_chunk() {
  if (!skip_byte_order_mark()) return 0;
  if (whole_bytes_ == 0) {
    if (!skip_overlong_line()) return 0;
    whole_bytes_ = find_whole_lines();
    if (whole_bytes_ == 0) whole_bytes_ = find_nul_block();
    if (whole_bytes_ == 0) return 0;
  }
  std::string_view rest = pending().substr(0, whole_bytes_);
  const LineFormat format = format_of_line(next_line(rest));
  size_t size = whole_bytes_ - rest.size();
  while (!rest.empty() && size < kChunkBytesMax) {
    if (format_of_line(next_line(rest)) != format) break;
    size = whole_bytes_ - rest.size();
  }
  return size;
}

// At the end of the stream, or when it is overdue, an open quote is given up: the line on which it
// opens is rejected, and the lines after it count as whole.
size_t TcpConnection::find_whole_lines() {
  const bool overdue = std::exchange(quote_overdue_, false);
  const size_t whole = framer_.whole_lines(pending());
  if (whole > 0) return whole;
  if (ended_ && !whole_only_) return pending().size();
  return ended_ || overdue ? framer_.give_up_quote() : 0;
}

// Whether the pending bytes begin a line that exceeds the limit.
bool TcpConnection::is_overlong() const {
  return pending().size() > kLineBytesMax && pending().find('\n') == std::string_view::npos;
}

// NUL bytes in a line that exceeds the limit end it: what follows them may be a line.
size_t TcpConnection::find_nul_block() {
  if (!is_overlong()) return 0;
  framer_ = StreamFramer();
  return pending().rfind('\0') + 1;  // npos + 1 is 0
}

// Rejects a line that exceeds the limit, recording its beginning, and drops it up to its end.
// False: its end has not arrived.
bool TcpConnection::skip_overlong_line() {
  if (!skipping_) {
    if (!is_overlong() || pending().find('\0') != std::string_view::npos) return true;
    IngestText text;
    text.rejected =
        rejected_line(fmt::format("line is longer than {} bytes", kLineBytesMax), pending());
    ++line_count_;
    submit(std::move(text), line_count_, [] {});
    framer_ = StreamFramer();
  }
  const size_t end = pending().find_first_of(kLongLineEnds);
  skipping_ = end == std::string::npos;
  drop(skipping_ ? pending().size() : end + 1);
  return !skipping_;
}

void TcpConnection::consume(size_t size) {
  IngestText text;
  text.text = pending().substr(0, size);
  drop(size);
  whole_bytes_ -= size;
  if (line_count_ == 0) read_greeting(text.text);
  text.format = format_of_line(text.text);
  text.options.now = clock_.now();
  text.options.measurement = options_.measurement;
  text.options.time = options_.time;
  text.time_advice = "; set `listen.time.key` to name the right key";
  const uint64_t first_line = line_count_ + 1;
  line_count_ += static_cast<uint64_t>(std::count(text.text.begin(), text.text.end(), '\n'));
  if (text.text.back() != '\n') ++line_count_;
  submitting_ = true;
  submit(std::move(text), first_line, [self = shared_from_this()] {
    self->submitting_ = false;
    self->pump();
  });
}

void TcpConnection::submit(IngestText text, uint64_t first_line, std::function<void()> accepted) {
  text.source = source_;
  text.patience = kTimeMax;
  text.urgent = acknowledges_;  // such a client may wait for the answer before it continues
  text.alone = pending().empty();
  const size_t bytes = text.text.size() + (text.rejected ? text.rejected->line.size() : 0);
  in_flight_bytes_ += bytes;
  if (acknowledges_) answers_[first_line];
  ingest_.add(
      std::move(text), std::move(accepted),
      [self = shared_from_this(), bytes, first_line, last_line = line_count_](
          const IngestReport& report) { self->on_report(report, bytes, first_line, last_line); });
}

void TcpConnection::read_greeting(std::string_view text) {
  const std::string_view first = text.substr(0, text.find('\n'));
  if (first.starts_with(kGreeting)) {
    const Greeting greeting = parse_greeting(first);
    acknowledges_ = greeting.acknowledges;
    if (!greeting.is_known) {
      const bool secret = greeting.token || contains_secret(first);  // which must not be logged
      log(LogLevel::kWarning,
          fmt::format("{}: `{}` is not known, so {}; expected `# tocsin ack=on`", name_,
                      secret ? "# tocsin …" : first.substr(0, kShownGreetingBytes),
                      greeting.acknowledges ? "some of it is ignored" : "nothing is confirmed"));
    }
  }
  const std::string hint = foreign_protocol(text);
  if (!hint.empty()) log(LogLevel::kWarning, fmt::format("{}: {}", name_, hint));
}

void TcpConnection::on_report(const IngestReport& report, size_t bytes, uint64_t first_line,
                              uint64_t last_line) {
  in_flight_bytes_ -= bytes;
  if (!report.status) {
    log(LogLevel::kError, fmt::format("{}: lines {} to {} are lost: {}", name_, first_line,
                                      last_line, report.status.error().message));
  } else if (report.rows_rejected > 0 && !std::exchange(rejection_logged_, true)) {
    const IngestProblem& first = report.problems.front();
    log(LogLevel::kWarning, fmt::format("{}: line {}: {} (further rejected lines of this "
                                        "connection are not logged; see `from rejected`)",
                                        name_, first_line + first.line - 1, first.reason));
  }
  if (acknowledges_) acknowledge(first_line, answer_to(report, first_line, last_line));
  pump();
}

// An answer covers all earlier lines too, but a text that was retried may be done after later ones.
// So answers wait until those before them can be sent.
void TcpConnection::acknowledge(uint64_t first_line, std::string answer) {
  answers_[first_line] = std::move(answer);
  for (; !answers_.empty() && !answers_.begin()->second.empty(); answers_.erase(answers_.begin())) {
    // Skipping one is harmless: answers are cumulative.
    if (socket_->unsent_bytes() > kUnsentBytesMax) continue;
    socket_->write(std::move(answers_.begin()->second));
  }
}

void TcpConnection::update_reading() {
  // While nothing is being submitted, the pending bytes are part of a single line.
  const bool room = pending().size() < (submitting_ ? kPendingBytesMax : kLineBytesMax + kMiB);
  const bool wanted = !ended_ && room && in_flight_bytes_ < kInFlightBytesMax;
  if (wanted == reading_) return;
  reading_ = wanted;
  if (wanted) return socket_->start_reading();
  socket_->stop_reading();
}

// A quote's time passes only while its closing quote could be read.
void TcpConnection::watch_quote() {
  const bool waiting = reading_ && !submitting_ && framer_.holds_lines_back();
  if (!waiting) return quote_timer_.stop();
  if (!quote_timer_.active()) quote_timer_.start(options_.open_quote_max);
}

void TcpConnection::finish_if_done() {
  if (!ended_ || submitting_ || in_flight_bytes_ > 0 || socket_ == nullptr) return;
  if (refused_ && !refused_->empty()) socket_->write(fmt::format("-ERR {}\n", *refused_));
  if (!pending().empty()) {
    log(LogLevel::kWarning,
        fmt::format("{}: the connection ended inside a line; dropped its {} bytes", name_,
                    pending().size()));
  }
  Socket::finish(std::move(socket_));
  gone_();
}

}  // namespace tocsin
