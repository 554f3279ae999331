// Delivers the alerts of the outbox: at least once, in order per forwarder, each forwarder on its
// own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "net/deliver/options.h"
#include "net/deliver/queue.h"
#include "net/event_loop/loop.h"

namespace tocsin {

struct DeliverOptions {
  DeliveryPolicy policy;
  Duration request_timeout = 10 * kSecond;
  Duration poll_interval =
      kMinute;  ///< the outbox is looked into so often when nobody calls wake()
  Duration unconfigured_kept =
      3 * kDay;  ///< entries for a forwarder that is in no setting any more
  Duration retry_delay = 500 * kMillisecond;  ///< after the store was busy or could not be read
  uint64_t seed = 1;                          ///< of the back-off's jitter
  std::string version = "0";                  ///< sent as `User-Agent: Tocsin/VERSION`
  std::string external_url;                   ///< where people reach this server; may be empty
};

struct DeliverCounters {
  uint64_t delivered = 0;  ///< alerts, since start
  uint64_t failed = 0;     ///< refused or given up
  uint64_t retries = 0;    ///< requests that will be repeated
  uint64_t waiting = 0;    ///< alerts that are known to wait
};

/// All functions on the loop's thread, except wake(). `loop`, `database` and `clock` must outlive
/// it. Its destruction abandons requests under way; their alerts are sent again after the next
/// start. The loop must run on until what it had in the background has ended, and only then may
/// `database` go.
class Deliverer {
 public:
  /// kInvalid names the forwarder and what is wrong with it.
  static Result<std::unique_ptr<Deliverer>> create(uv_loop_t* loop, Database& database,
                                                   const Clock& clock,
                                                   std::vector<ForwarderOptions> forwarders,
                                                   DeliverOptions options = {});
  ~Deliverer();

  void start();
  /// Looks into the outbox soon. Any thread.
  void wake();
  DeliverCounters counters() const;

 private:
  class Impl;
  explicit Deliverer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with its work in the background
};

}  // namespace tocsin
