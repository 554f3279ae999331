// One client of the line port. Each line is recognised as line protocol or JSON.
//
// By default nothing is sent, because shippers do not read: unread answers would fill their buffers
// and turn our close into a reset. A client that wants answers sends `# tocsin ack=on` as its first
// line. It then gets one line per committed text:
//
//     +OK 120                                       all lines up to number 120 are durable
//     -ERR line 7: missing fields at byte 2 (and 1 more); 120 lines done
//
// Where a token is needed, the first line is `# tocsin token=TOKEN`, or with both words. A client
// without a valid one gets a line with -ERR, and is closed; nothing that it sent is stored. So is
// one whose token expires or is revoked, at its next lines.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "db/base/time.h"
#include "net/event_loop/socket.h"
#include "net/ingest/ingest.h"

namespace tocsin {

struct TcpConnectionOptions {
  std::string measurement;                ///< for JSON events that do not name one
  TimeOptions time;                       ///< of JSON events
  Duration open_quote_max = 5 * kSecond;  ///< see ServerOptions
  /// Why a client that sent this token, or none, may not write; empty text: it may. If there is no
  /// such function, all may. Asked before each text that is stored.
  std::function<std::string(const std::optional<std::string>& token)> refuse = {};
  Duration token_timeout = kMinute;  ///< for the line with the token
};

/// All functions must be called on the loop's thread. `ingest` and `clock` must outlive it.
class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  /// Calls `gone` once, when everything received is durable or lost and the socket is being closed.
  TcpConnection(uv_loop_t* loop, std::unique_ptr<Socket> socket, Ingest& ingest, const Clock& clock,
                TcpConnectionOptions options, std::function<void()> gone);

  void start();
  /// Ends the input. Of the received data only whole lines are stored, because the sender was cut
  /// off inside the rest.
  void drain();

 private:
  void on_data(std::string_view data);
  void on_end(bool clean);
  void pump();
  std::string_view pending() const { return std::string_view(buffer_).substr(start_); }
  void drop(size_t size);
  bool skip_byte_order_mark();
  size_t next_chunk();
  size_t find_whole_lines();
  bool is_overlong() const;
  size_t find_nul_block();
  bool skip_overlong_line();
  void consume(size_t size);
  void submit(IngestText text, uint64_t first_line, std::function<void()> accepted);
  void on_report(const IngestReport& report, size_t bytes, uint64_t first_line, uint64_t last_line);
  void acknowledge(uint64_t first_line, std::string answer);
  void read_greeting(std::string_view text);
  bool authenticate();
  bool refuse_without_token();
  void refuse(const std::string& reason);
  void on_not_tls(std::string_view data);
  void update_reading();
  void watch_quote();
  void finish_if_done();

  std::unique_ptr<Socket> socket_;
  Ingest& ingest_;
  const Clock& clock_;
  const TcpConnectionOptions options_;
  std::function<void()> gone_;
  const std::string name_;  // for the log
  const std::string source_;

  StreamFramer framer_;
  LoopTimer quote_timer_;  // runs while an open quote holds lines back and could still be closed
  LoopTimer token_timer_;  // runs until the client may write
  bool authorized_;
  std::optional<std::string> token_;    // that the client sent
  std::optional<std::string> refused_;  // why; no text: the client gets no answer
  bool quote_overdue_ = false;
  std::string buffer_;  // received; consumed up to start_
  size_t start_ = 0;
  size_t whole_bytes_ = 0;      // pending bytes that are known to be whole lines
  size_t in_flight_bytes_ = 0;  // consumed, not yet durable
  uint64_t line_count_ = 0;     // consumed since the connection began
  // Answers to submitted texts, by the text's first line; empty while the commit is pending.
  std::map<uint64_t, std::string> answers_;
  bool submitting_ = false;  // a chunk is not yet in the store's queue, so the next one must wait
  bool started_ = false;     // past the byte order mark, if there is one
  bool reading_ = false;
  bool ended_ = false;       // nothing more will be read
  bool whole_only_ = false;  // a last line without newline is dropped
  bool skipping_ = false;    // inside a line that exceeds the limit
  bool acknowledges_ = false;
  bool rejection_logged_ = false;
};

}  // namespace tocsin
