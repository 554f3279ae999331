#include "tools/serve/settings_reload.h"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/base/log.h"
#include "net/deliver/deliver.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

// Finds out which settings differ, and which of them a running server can change.
class SettingsComparison {
 public:
  SettingsComparison(Settings running, const Settings& wanted) : running_(std::move(running)) {
    StoreSettings& store = running_.store;
    changes("store.retention", store.retention, wanted.store.retention);
    changes("store.measurement_retention", store.measurement_retention,
            wanted.store.measurement_retention);
    changes("store.future_max", store.future_max, wanted.store.future_max);
    ListenSettings& listen = running_.listen;
    changes("listen.connection_count_max", listen.connection_count_max,
            wanted.listen.connection_count_max);
    changes("listen.http_body_bytes_max", listen.http_body_bytes_max,
            wanted.listen.http_body_bytes_max);
    changes("listen.query_timeout", listen.query_timeout, wanted.listen.query_timeout);
    // Files with other names are read at once; whether there is TLS is fixed.
    if (!listen.tls.certificate.empty() && !wanted.listen.tls.certificate.empty() &&
        listen.tls.client_ca.empty() == wanted.listen.tls.client_ca.empty()) {
      changes("listen.tls", listen.tls, wanted.listen.tls);
    }
    changes("tail", running_.tail, wanted.tail);
    changes("forwarders", running_.forwarders, wanted.forwarders);
    RuleSettings rules = wanted.rules;
    rules.catchup_wait = running_.rules.catchup_wait;  // matters at start only
    changes("rules", running_.rules, rules);
    changes("the parameters of rules", running_.parameters, wanted.parameters);
    running_.generate = wanted.generate;  // not used by a server

    // The rest is fixed, with names for the settings that are likely to be changed.
    Settings rest = running_;
    is_fixed("store.directory", rest.store.directory, wanted.store.directory);
    is_fixed("store.commit_interval", rest.store.commit_interval, wanted.store.commit_interval);
    is_fixed("store.commit_bytes", rest.store.commit_bytes, wanted.store.commit_bytes);
    is_fixed("store.pending_bytes_max", rest.store.pending_bytes_max,
             wanted.store.pending_bytes_max);
    is_fixed("store.event_lag", rest.store.event_lag, wanted.store.event_lag);
    is_fixed("listen.tcp", rest.listen.tcp, wanted.listen.tcp);
    is_fixed("listen.http", rest.listen.http, wanted.listen.http);
    is_fixed("listen.dedupe_window", rest.listen.dedupe_window, wanted.listen.dedupe_window);
    is_fixed("listen.syslog_udp", rest.listen.syslog_udp, wanted.listen.syslog_udp);
    is_fixed("listen.syslog_tcp", rest.listen.syslog_tcp, wanted.listen.syslog_tcp);
    is_fixed("listen.syslog", rest.listen.syslog, wanted.listen.syslog);
    is_fixed("listen.query_thread_count", rest.listen.query_thread_count,
             wanted.listen.query_thread_count);
    is_fixed("store.retention_grace", rest.store.retention_grace, wanted.store.retention_grace);
    is_fixed("listen.insecure", rest.listen.insecure, wanted.listen.insecure);
    is_fixed("listen.tokens", rest.listen.tokens, wanted.listen.tokens);
    is_fixed("listen.tls", rest.listen.tls, wanted.listen.tls);
    is_fixed("listen.allow", rest.listen.allow, wanted.listen.allow);
    is_fixed("listen.allowed_hosts", rest.listen.allowed_hosts, wanted.listen.allowed_hosts);
    is_fixed("listen.external_url", rest.listen.external_url, wanted.listen.external_url);
    is_fixed("listen.time", rest.listen.time, wanted.listen.time);
    is_fixed("other settings of store", rest.store, wanted.store);
    is_fixed("other settings of listen", rest.listen, wanted.listen);
    is_fixed("rules.catchup_wait", rest.rules, wanted.rules);
  }

  /// The settings that a running server has after it has applied what it can.
  const Settings& running() const { return running_; }

  /// `changed: tail, forwarders; restart the server to change listen.tcp`, or an empty text.
  std::string describe() const {
    std::string out;
    if (!changed_.empty()) out = fmt::format("changed: {}", fmt::join(changed_, ", "));
    if (fixed_.empty()) return out;
    return fmt::format("{}{}restart the server to change {}", out, out.empty() ? "" : "; ",
                       fmt::join(fixed_, ", "));
  }

 private:
  template <class T>
  void changes(const char* name, T& running, const T& wanted) {
    if (running == wanted) return;
    running = wanted;
    changed_.push_back(name);
  }

  template <class T>
  void is_fixed(const char* name, T& rest, const T& wanted) {
    if (rest == wanted) return;
    rest = wanted;  // so that it is not named again with its section
    fixed_.push_back(name);
  }

  Settings running_;
  std::vector<const char*> changed_, fixed_;
};

}  // namespace

Result<std::string> SettingsReload::run(Server& server) {
  const MutexLock lock(mutex_);
  TOCSIN_TRY(const Settings wanted, read_());
  for (const std::string& warning : wanted.warnings) log(LogLevel::kWarning, warning);
  const SettingsComparison comparison(running_, wanted);
  const Settings& settings = comparison.running();
  ServerOptions options = server_options(settings);
  TOCSIN_RETURN_IF_ERROR(check_forwarders(options.forwarders));
  if (options.tls.enabled()) {
    TOCSIN_RETURN_IF_ERROR(TlsContext::load(options.tls));
  }
  TOCSIN_TRY(const RuleEngineOptions rule_options, rule_engine_options(settings, clock_.now()));
  TOCSIN_TRY(const std::string rules, rules_.change(settings.rules, rule_options));
  running_ = settings;
  TOCSIN_RETURN_IF_ERROR(database_.change_options(database_options(settings)));
  TOCSIN_RETURN_IF_ERROR(server.change_options(std::move(options)));
  const std::string changes = comparison.describe();
  return changes.empty() ? rules : fmt::format("settings: {}; {}", changes, rules);
}

}  // namespace tocsin
