// One shipper on the line port: line protocol and JSON lines, told apart by each line.
//
// Nothing is ever sent, because shippers do not read: unread answers would fill their buffers and
// turn our close into a reset. A client that wants answers begins with the comment `# tocsin
// ack=on` and gets one line per commit:
//
//     +OK 120                                       all lines up to number 120 are durable
//     -ERR line 7: missing fields at byte 2 (and 1 more); 120 lines done
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "db/base/time.h"
#include "net/event_loop/socket.h"
#include "net/ingest/ingest.h"

namespace tocsin {

struct TcpConnectionOptions {
  std::string measurement;                ///< of JSON events which name none
  Duration open_quote_max = 5 * kSecond;  ///< see ServerOptions
};

/// All functions on the loop's thread. `ingest` and `clock` must outlive it.
class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  /// `gone` runs once, when everything that arrived is durable or lost and the socket is on its way
  /// out.
  TcpConnection(uv_loop_t* loop, std::unique_ptr<Socket> socket, Ingest& ingest, const Clock& clock,
                TcpConnectionOptions options, std::function<void()> gone);

  void start();
  /// Takes what has arrived as the last: whole lines only, since the sender was cut off inside the
  /// rest.
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
  bool skip_overlong_line();
  void consume(size_t size);
  void submit(IngestText text, uint64_t first_line, std::function<void()> accepted);
  void on_report(const IngestReport& report, size_t bytes, uint64_t first_line, uint64_t last_line);
  void acknowledge(uint64_t first_line, std::string answer);
  void read_greeting(std::string_view text);
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
  LoopTimer quote_timer_;  // runs while an open quote holds lines back and its close may arrive
  bool quote_overdue_ = false;
  std::string buffer_;  // read; from start_ on not yet taken
  size_t start_ = 0;
  size_t whole_bytes_ = 0;      // pending bytes that are known to be whole lines
  size_t in_flight_bytes_ = 0;  // taken, not yet durable
  uint64_t line_count_ = 0;     // taken since the connection began
  std::map<uint64_t, std::string>
      answers_;              // to the texts under way, by their first line; empty: none yet
  bool submitting_ = false;  // a chunk is on its way to the store's queue: the next must wait
  bool started_ = false;     // what stands before the first line is dropped
  bool reading_ = false;
  bool ended_ = false;       // no more will be read
  bool whole_only_ = false;  // what was cut off inside a line is not taken
  bool skipping_ = false;    // inside a line that is longer than possible
  bool acknowledges_ = false;
  bool rejection_logged_ = false;  // lost data was logged
};

}  // namespace tocsin
