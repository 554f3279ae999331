// Delivers the alerts in the outbox at least once, in order per forwarder. Forwarders do not delay
// each other.
#pragma once

#include <cstdint>
#include <functional>
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
  /// Returns the alerts that fire, for receivers that must hear of them again and again; called on
  /// another thread. Empty: nothing is repeated.
  std::function<std::vector<AlertEvent>()> active_alerts;
  Duration repeat_interval = kMinute;
  Duration poll_interval = kMinute;       ///< how often the outbox is read without calls of wake()
  Duration unconfigured_kept = 3 * kDay;  ///< how long entries of a removed forwarder are kept
  Duration retry_delay = 500 * kMillisecond;  ///< after the store was busy or could not be read
  uint64_t seed = 1;                          ///< of the back-off's jitter
  std::string version = "0";                  ///< sent as `User-Agent: Tocsin/VERSION`
  std::string external_url;                   ///< where users reach this server; may be empty
};

struct DeliverCounters {
  uint64_t delivered = 0;  ///< alerts, since start
  uint64_t failed = 0;     ///< refused or given up
  uint64_t retries = 0;    ///< failed requests that are retried
  uint64_t waiting = 0;    ///< alerts loaded and not yet delivered
};

/// kInvalid names the forwarder and what is wrong with it.
Status check_forwarders(const std::vector<ForwarderOptions>& forwarders);

/// All functions except wake() must be called on the loop's thread. `loop`, `database` and `clock`
/// must outlive it. Destruction abandons pending requests; their alerts are sent again after the
/// next start. The loop must continue to run until the background work has ended, and `database`
/// must exist until then.
class Deliverer {
 public:
  /// Errors: those of check_forwarders().
  static Result<std::unique_ptr<Deliverer>> create(uv_loop_t* loop, Database& database,
                                                   const Clock& clock,
                                                   std::vector<ForwarderOptions> forwarders,
                                                   DeliverOptions options = {});
  ~Deliverer();

  void start();
  /// Reads the outbox soon. May be called on any thread.
  void wake();
  DeliverCounters counters() const;

 private:
  class Impl;
  explicit Deliverer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with background work
};

}  // namespace tocsin
