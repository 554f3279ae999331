#include "net/ingest/syslog.h"

#include <utility>

#include <fmt/format.h>

#include "db/base/log.h"
#include "net/event_loop/address.h"
#include "net/ingest/foreign_protocol.h"
#include "net/parse/syslog.h"

namespace tocsin {
namespace {

constexpr size_t kSyslogChunkBytes = 512 * kKiB;      // one text for the parser
constexpr size_t kSyslogReadAheadBytes = 2 * kMiB;    // of a connection, not submitted
constexpr size_t kSyslogInFlightBytesMax = 8 * kMiB;  // of a connection, submitted and not durable
constexpr Duration kGatherTime = 20 * kMillisecond;   // commits take longer
constexpr size_t kSenderBytes = 512;  // roughly, of a sender with gathered datagrams

// A socket for both families shows IPv4 addresses as ::ffff:10.0.0.1.
std::string plain_host(std::string host) {
  constexpr std::string_view kMapped = "::ffff:";
  if (host.starts_with(kMapped) && host.find('.') != host.npos) host.erase(0, kMapped.size());
  return host;
}

IngestText syslog_text(std::string body, const std::string& host, const SyslogInputOptions& options,
                       Timestamp now) {
  IngestText text;
  text.text = std::move(body);
  text.records = &parse_syslog;
  text.origin = &syslog_origin;
  text.options.measurement = kSyslogMeasurement;
  text.options.now = now;
  text.options.time.zone = options.zone;
  text.options.syslog = {host, options.unpack_json, options.unpack_logfmt};
  text.source = "syslog " + host;
  text.patience = kTimeMax;
  text.problems_max = 1;
  return text;
}

uint64_t message_count(const IngestReport& report) {
  return report.rows_written + report.rows_rejected;
}

}  // namespace

SyslogConnection::SyslogConnection(std::unique_ptr<Socket> socket, Ingest& ingest,
                                   const Clock& clock, const SyslogInputOptions& options,
                                   SyslogCounters& counters, std::function<void()> gone)
    : socket_(std::move(socket)),
      ingest_(ingest),
      clock_(clock),
      options_(options),
      counters_(counters),
      gone_(std::move(gone)),
      host_(plain_host(host_of_peer(socket_->peer()))) {}

void SyslogConnection::start() {
  socket_->set_callbacks(
      {[this](std::string_view data) { on_data(data); }, [this](bool clean) { on_end(clean); }});
  update_reading();
}

void SyslogConnection::drain() {
  if (!ended_) on_end(false);
}

void SyslogConnection::on_data(std::string_view data) {
  if (!std::exchange(started_, true) && !data.starts_with('<')) {
    const std::string hint = foreign_protocol(data);
    if (!hint.empty()) log(LogLevel::kWarning, fmt::format("syslog {}: {}", host_, hint));
  }
  framer_.add(data, body_);
  pump();
}

void SyslogConnection::on_end(bool clean) {
  if (std::exchange(ended_, true)) return;
  framer_.end(clean, body_);
  pump();
}

void SyslogConnection::pump() {
  const auto self = shared_from_this();  // finish_if_done may release the last reference
  if (!submitting_ && !body_.empty()) {
    submitting_ = true;
    const size_t bytes = body_.size();
    in_flight_bytes_ += bytes;
    IngestText text = syslog_text(std::exchange(body_, {}), host_, options_, clock_.now());
    text.alone = true;
    ingest_.add(
        std::move(text),
        [self] {
          self->submitting_ = false;
          self->pump();
        },
        [self, bytes](const IngestReport& report) { self->on_report(report, bytes); });
  }
  update_reading();
  finish_if_done();
}

void SyslogConnection::on_report(const IngestReport& report, size_t bytes) {
  in_flight_bytes_ -= bytes;
  counters_.tcp_messages += message_count(report);
  if (!report.status) {
    log(LogLevel::kError, fmt::format("syslog {}: {} bytes of messages are lost: {}", host_, bytes,
                                      report.status.error().message));
  } else if (report.rows_rejected > 0 && !std::exchange(rejection_logged_, true)) {
    log(LogLevel::kWarning,
        fmt::format("syslog {}: {} (further rejected messages of this connection are not logged; "
                    "see `from rejected`)",
                    host_, report.problems.front().reason));
  }
  pump();
}

void SyslogConnection::update_reading() {
  if (socket_ == nullptr) return;
  const bool wanted =
      !ended_ && body_.size() < kSyslogReadAheadBytes && in_flight_bytes_ < kSyslogInFlightBytesMax;
  if (wanted == reading_) return;
  reading_ = wanted;
  if (wanted) return socket_->start_reading();
  socket_->stop_reading();
}

void SyslogConnection::finish_if_done() {
  if (!ended_ || submitting_ || in_flight_bytes_ > 0 || socket_ == nullptr) return;
  Socket::finish(std::move(socket_));
  gone_();
}

SyslogDatagrams::SyslogDatagrams(uv_loop_t* loop, Ingest& ingest, const Clock& clock,
                                 const SyslogInputOptions& options, SyslogCounters& counters)
    : ingest_(ingest), clock_(clock), options_(options), counters_(counters), timer_(loop, [this] {
        flush();
      }) {}

void SyslogDatagrams::add(std::string_view message, const std::string& peer) {
  if (message.empty()) return;
  if (*pending_bytes_ + message.size() > options_.pending_bytes_max) {
    ++counters_.dropped_busy;
    if (!std::exchange(drop_logged_, true)) {
      log(LogLevel::kWarning,
          "syslog: datagrams are dropped, because the store is busy; the metric "
          "tocsin_syslog_dropped_total counts them, and TCP would make the senders wait");
    }
    return;
  }
  auto place = bodies_.find(peer);
  if (place == bodies_.end()) {
    place = bodies_.emplace(peer, std::string()).first;
    *pending_bytes_ += kSenderBytes;
  }
  std::string& body = place->second;
  const size_t before = body.size();
  append_frame(body, SyslogFrame::Kind::kMessage, message);
  *pending_bytes_ += body.size() - before;
  if (body.size() >= kSyslogChunkBytes) {
    submit(peer, std::move(body));
    bodies_.erase(place);
  } else if (!timer_.active()) {
    timer_.start(kGatherTime);
  }
}

void SyslogDatagrams::flush() {
  timer_.stop();
  for (auto& [host, body] : std::exchange(bodies_, {})) submit(host, std::move(body));
}

void SyslogDatagrams::submit(const std::string& host, std::string body) {
  const size_t bytes = body.size() + kSenderBytes;
  IngestText text = syslog_text(std::move(body), plain_host(host), options_, clock_.now());
  text.alone = true;
  ingest_.add(
      std::move(text), [] {},
      [pending = pending_bytes_, &counters = counters_, bytes, host](const IngestReport& report) {
        *pending -= bytes;
        counters.udp_messages += message_count(report);
        if (report.status) return;
        log(LogLevel::kError, fmt::format("syslog {}: {} bytes of datagrams are lost: {}", host,
                                          bytes, report.status.error().message));
      });
}

}  // namespace tocsin
