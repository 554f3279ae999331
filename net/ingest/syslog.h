// The syslog listeners: connections and datagrams become texts of frames. Nothing is ever answered.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "db/limits.h"
#include "net/event_loop/socket.h"
#include "net/ingest/ingest.h"
#include "net/parse/syslog_frames.h"

namespace tocsin {

struct SyslogInputOptions {
  TimeZone zone;  ///< of times without one
  bool unpack_json = false;
  bool unpack_logfmt = false;
  /// Datagrams that are not durable yet. Beyond that, new ones are dropped: UDP knows no pause.
  size_t pending_bytes_max = 16 * kMiB;
};

struct SyslogCounters {
  uint64_t udp_messages = 0;  ///< durable, as rows or in `rejected`
  uint64_t tcp_messages = 0;  ///< likewise
  uint64_t dropped_busy = 0;  ///< datagrams beyond pending_bytes_max
  uint64_t refused = 0;       ///< datagrams from addresses that may not send
};

/// One connection. It stops reading while too much is in flight. All functions must be called on
/// the loop's thread; what is referred to must outlive it.
class SyslogConnection : public std::enable_shared_from_this<SyslogConnection> {
 public:
  /// Calls `gone` once, when everything received is durable or lost and the socket is being closed.
  SyslogConnection(std::unique_ptr<Socket> socket, Ingest& ingest, const Clock& clock,
                   const SyslogInputOptions& options, SyslogCounters& counters,
                   std::function<void()> gone);

  void start();
  /// Ends the input.
  void drain();

 private:
  void on_data(std::string_view data);
  void on_end(bool clean);
  void pump();
  void on_report(const IngestReport& report, size_t bytes);
  void update_reading();
  void finish_if_done();

  std::unique_ptr<Socket> socket_;
  Ingest& ingest_;
  const Clock& clock_;
  const SyslogInputOptions& options_;
  SyslogCounters& counters_;
  std::function<void()> gone_;
  const std::string host_;

  SyslogFramer framer_;
  std::string body_;  // whole messages that are not submitted
  size_t in_flight_bytes_ = 0;
  bool started_ = false;
  bool submitting_ = false;  // a body is not in the store's queue yet, so the next one must wait
  bool reading_ = false;
  bool ended_ = false;
  bool rejection_logged_ = false;
};

/// Gathers datagrams by sender for a moment. Used on the loop's thread; what is referred to must
/// outlive it and its texts in `ingest`.
class SyslogDatagrams {
 public:
  SyslogDatagrams(uv_loop_t* loop, Ingest& ingest, const Clock& clock,
                  const SyslogInputOptions& options, SyslogCounters& counters);

  void add(std::string_view message, const std::string& peer);
  /// Submits what is gathered.
  void flush();

 private:
  void submit(const std::string& host, std::string body);

  Ingest& ingest_;
  const Clock& clock_;
  const SyslogInputOptions& options_;
  SyslogCounters& counters_;
  LoopTimer timer_;
  std::map<std::string, std::string, std::less<>> bodies_;  // by host
  // Of gathered and submitted texts; shared with their callbacks, which may run after this is gone.
  std::shared_ptr<size_t> pending_bytes_ = std::make_shared<size_t>(0);
  bool drop_logged_ = false;
};

}  // namespace tocsin
