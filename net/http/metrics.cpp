// /metrics in the Prometheus text format, version 0.0.4.
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "net/http/api.h"

namespace tocsin::http {
namespace {

// Resident memory of this process; 0 if the system does not say.
uint64_t resident_bytes() {
  const std::unique_ptr<std::FILE, decltype(&std::fclose)> file(
      std::fopen("/proc/self/statm", "re"), &std::fclose);
  unsigned long long total = 0, resident = 0;
  if (!file || std::fscanf(file.get(), "%llu %llu", &total, &resident) != 2) return 0;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Disk space of all files in a folder. Files may vanish while they are counted.
uint64_t disk_bytes(const std::string& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  std::filesystem::recursive_directory_iterator it(folder, error);
  for (; !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
    struct stat status {};
    if (::lstat(it->path().c_str(), &status) == 0) {
      bytes += static_cast<uint64_t>(status.st_blocks) * 512;
    }
  }
  return bytes;
}

class MetricsText {
 public:
  void counter(const char* name, const char* help, uint64_t value) {
    single(name, "counter", help, value);
  }
  void gauge(const char* name, const char* help, uint64_t value) {
    single(name, "gauge", help, value);
  }
  void gauge_seconds(const char* name, const char* help, Duration value) {
    head(name, "gauge", help);
    text_ += fmt::format("{} {:.3f}\n", name, static_cast<double>(value) / 1e9);
  }
  void head(const char* name, const char* type, const char* help) {
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void sample(const char* name, const std::string& labels, uint64_t value) {
    text_ += fmt::format("{}{{{}}} {}\n", name, labels, value);
  }
  std::string release() { return std::move(text_); }

 private:
  void single(const char* name, const char* type, const char* help, uint64_t value) {
    head(name, type, help);
    text_ += fmt::format("{} {}\n", name, value);
  }

  std::string text_;
};

std::string label(const char* name, std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '\\' || c == '"') escaped += '\\';
    if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return fmt::format("{}=\"{}\"", name, escaped);
}

void add_process(const std::string& version, const std::string& commit, MetricsText& out) {
  out.head("tocsin_build_info", "gauge", "1, with version and commit of the program as labels.");
  out.sample("tocsin_build_info", label("version", version) + "," + label("commit", commit), 1);
  if (const uint64_t bytes = resident_bytes(); bytes != 0) {
    out.gauge("process_resident_memory_bytes", "Memory of the process in RAM.", bytes);
  }
}

void add_disk(const std::string& directory, MetricsText& out) {
  out.gauge("tocsin_disk_used_bytes", "Disk space of the database's folder.",
            disk_bytes(directory));
  struct statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) != 0) return;
  out.gauge("tocsin_disk_free_bytes", "Disk space that is left for the database.",
            static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize);
}

void add_store(const DatabaseCounters& store, MetricsText& out) {
  out.counter("tocsin_rows_written_total", "Durable rows.", store.rows_written);
  out.counter("tocsin_rows_rejected_total", "Rejected lines and rows.", store.rows_rejected);
  out.counter("tocsin_commits_total", "Commits of the store.", store.commits);
  out.gauge("tocsin_pending_bytes", "Bytes of rows waiting for their commit.", store.pending_bytes);
  out.gauge_seconds("tocsin_ingest_lag_seconds",
                    "How long the oldest write that waits for its commit has waited.",
                    store.longest_wait);
  if (store.last_commit != 0) {
    out.gauge_seconds("tocsin_last_commit_timestamp_seconds",
                      "When the last commit ended, by the clock.", store.last_commit);
  }
  out.gauge("tocsin_hot_bytes", "Bytes of segments that are not yet sealed.", store.hot_bytes);
  out.gauge("tocsin_writable", "1 while the store accepts writes.", store.writable ? 1 : 0);
}

void add_server(const ServerNumbers& server, MetricsText& out) {
  out.head("tocsin_connections", "gauge", "Open connections.");
  out.sample("tocsin_connections", "kind=\"tcp\"", server.tcp_connections);
  out.sample("tocsin_connections", "kind=\"http\"", server.http_connections);
  out.sample("tocsin_connections", "kind=\"syslog\"", server.syslog_connections);
  out.head("tocsin_syslog_messages_total", "counter",
           "Messages that are durable as rows or in `rejected`.");
  out.sample("tocsin_syslog_messages_total", "transport=\"udp\"", server.syslog.udp_messages);
  out.sample("tocsin_syslog_messages_total", "transport=\"tcp\"", server.syslog.tcp_messages);
  out.head("tocsin_syslog_dropped_total", "counter",
           "Datagrams that are lost: the store was busy, the system's buffer was full, or "
           "`listen.allow` does not contain the sender.");
  out.sample("tocsin_syslog_dropped_total", "reason=\"busy\"", server.syslog.dropped_busy);
  out.sample("tocsin_syslog_dropped_total", "reason=\"system\"", server.syslog_system_drops);
  out.sample("tocsin_syslog_dropped_total", "reason=\"refused\"", server.syslog.refused);
  out.head("tocsin_http_requests_total", "counter", "Answered requests, by status.");
  for (const auto& [status, count] : server.http_requests) {
    out.sample("tocsin_http_requests_total", fmt::format("code=\"{}\"", status), count);
  }
  out.gauge("tocsin_tail_files", "Followed files.", server.tail_files);
  out.gauge("tocsin_tail_behind_bytes", "Bytes of followed files that are not stored yet.",
            server.tail_behind);
  out.counter("tocsin_tail_rows_total", "Rows from followed files.", server.tail_rows);
  out.counter("tocsin_tail_bytes_total", "Bytes of followed files that are durable.",
              server.tail_bytes);
  out.counter("tocsin_tail_rejected_total", "Rejected lines of followed files.",
              server.tail_rejected);
  out.counter("tocsin_events_untimed_total",
              "JSON events and followed text without a recognisable time, stored with their time "
              "of arrival.",
              server.events_untimed);
  out.counter("tocsin_duplicate_texts_total",
              "Texts of HTTP requests that were stored before, and not stored again.",
              server.duplicate_texts);
  out.gauge("tocsin_outbox_alerts", "Alerts waiting for delivery.", server.alerts_waiting);
  out.counter("tocsin_alerts_delivered_total", "Alerts accepted by a receiver.",
              server.alerts_delivered);
  out.counter("tocsin_alerts_failed_total", "Alerts that were refused or given up.",
              server.alerts_failed);
  out.counter("tocsin_delivery_retries_total", "Failed requests to receivers that are retried.",
              server.alert_retries);
}

void add_queries(const WorkerPool::Load& queries, MetricsText& out) {
  out.gauge("tocsin_queries_running", "Queries and completions that run.",
            uint64_t{queries.running});
  out.gauge("tocsin_queries_waiting", "Queries and completions that wait for a thread.",
            uint64_t{queries.waiting});
}

void add_rules(const std::vector<RuleStatus>& rules, MetricsText& out) {
  out.head("tocsin_rule_evaluations_total", "counter", "Evaluated windows, by rule.");
  for (const RuleStatus& rule : rules) {
    out.sample("tocsin_rule_evaluations_total", label("rule", rule.name), rule.evaluations);
  }
  out.head("tocsin_rule_health", "gauge", "1 for the current health of the rule.");
  for (const RuleStatus& rule : rules) {
    out.sample("tocsin_rule_health",
               label("rule", rule.name) + "," + label("health", name_of(rule.health)), 1);
  }
  out.head("tocsin_rule_active_alerts", "gauge", "Pending and firing instances, by rule.");
  for (const RuleStatus& rule : rules) {
    out.sample("tocsin_rule_active_alerts", label("rule", rule.name), rule.active.size());
  }
}

}  // namespace

void handle_metrics(const Context& context, Request, Reply reply) {
  auto text = std::make_shared<std::string>();
  run_in_background(
      context.loop,
      [text, &database = context.database, rules = context.rules, numbers = context.numbers(),
       queries = context.workers.load(), version = context.version, commit = context.commit] {
        MetricsText out;
        add_process(version, commit, out);
        add_store(database.counters(), out);
        add_disk(database.directory(), out);
        add_queries(queries, out);
        add_server(numbers, out);
        if (rules != nullptr) add_rules(rules->status(), out);
        *text = out.release();
      },
      [text, reply] {
        reply({200, "text/plain; version=0.0.4; charset=utf-8", *text});
      });
}

}  // namespace tocsin::http
