#include "net/deliver/deliver.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "db/base/ascii.h"
#include "db/base/http_header.h"
#include "db/base/log.h"
#include "db/base/system_error.h"
#include "net/deliver/command_runner.h"
#include "net/deliver/http.h"
#include "net/deliver/payload.h"
#include "net/deliver/receiver.h"

namespace tocsin {
namespace {

constexpr size_t kLoadedMax = 1'000;  // entries of one forwarder in memory; the others stay stored
constexpr size_t kRepeatedMax = 500;  // alerts that one request repeats
constexpr size_t kLoggedMax = 10;     // undelivered alerts of one answer that are logged
constexpr Duration kUnconfiguredInterval = 10 * kMinute;  // between searches for removed forwarders

// One forwarder's entries in the outbox.
struct OutboxEntries {
  std::vector<OutboxEntry> entries;
  std::vector<DeliveryOutcome> damaged;  // entries that cannot be read
};

// Reads the entries under `prefix`. Blocking.
Result<OutboxEntries> read_outbox(const Database& database, const std::string& prefix) {
  TOCSIN_TRY(auto stored, database.list(SmallTable::kOutbox, prefix, {.count_max = kLoadedMax}));
  OutboxEntries found;
  for (SmallEntry& entry : stored) {
    auto event = decode_alert(entry.value);
    if (event) {
      found.entries.push_back({std::move(entry.key), *std::move(event)});
    } else {
      found.damaged.push_back({{std::move(entry.key), {}}, false, 0, 0, 0, event.error().message});
    }
  }
  return found;
}

std::string forwarder_of(const std::string& key) { return key.substr(0, key.find('/')); }

// The next key after `key` that can belong to an unknown forwarder: skips all keys `name/...` of a
// known one.
std::string next_unknown_key(const std::string& key, const std::set<std::string>& known) {
  const std::string forwarder = forwarder_of(key);
  return known.contains(forwarder) ? forwarder + static_cast<char>('/' + 1) : key + '\0';
}

void add_text(RowBatch& rows, Batch& batch, std::string_view name, ColumnKind kind, size_t hint,
              std::string_view text) {
  if (text.empty()) return;
  rows.set_string(rows.lane(name, ColumnType::kString, kind, hint), batch.copy(text));
}

void add_integer(RowBatch& rows, std::string_view name, size_t hint, int64_t value) {
  rows.set_i64(rows.lane(name, ColumnType::kI64, ColumnKind::kField, hint), value);
}

void add_row(Batch& batch, const DeliveryOutcome& outcome, Timestamp now) {
  const AlertEvent& event = outcome.entry.event;
  const bool known = !event.rule.empty();
  RowBatch& rows = batch.rows_of(kDeliveriesMeasurement);
  rows.begin_row(now);
  size_t hint = 0;
  add_text(rows, batch, "forwarder", ColumnKind::kTag, hint++, forwarder_of(outcome.entry.key));
  add_text(rows, batch, "rule", ColumnKind::kTag, hint++, event.rule);
  add_text(rows, batch, "state", ColumnKind::kTag, hint++, known ? name_of(event.state) : "");
  add_text(rows, batch, "status", ColumnKind::kTag, hint++,
           outcome.delivered ? "delivered" : "failed");
  add_text(rows, batch, "fingerprint", ColumnKind::kField, hint++, event.fingerprint);
  add_text(rows, batch, "id", ColumnKind::kField, hint++, known ? delivery_id(event) : "");
  if (outcome.http_status != 0) add_integer(rows, "http_status", hint++, outcome.http_status);
  add_integer(rows, "attempts", hint++, outcome.attempts);
  add_integer(rows, "latency_ms", hint++, outcome.latency / kMillisecond);
  add_text(rows, batch, "error", ColumnKind::kField, hint++, outcome.error);
}

// Writes the rows of finished deliveries and removes their entries, in one commit.
WriteRequest record_of(const std::vector<DeliveryOutcome>& outcomes, Timestamp now) {
  WriteRequest request;
  request.allow_reserved = true;
  request.urgent = true;
  request.source = "deliveries";
  for (const DeliveryOutcome& outcome : outcomes) {
    add_row(request.batch, outcome, now);
    request.changes.push_back({SmallTable::kOutbox, outcome.entry.key, std::nullopt});
  }
  return request;
}

Status check_ca_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::kInvalid, open_error(path, errno).value().message);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("-----BEGIN ") && line.find("CERTIFICATE-----") != std::string::npos) {
      return {};
    }
  }
  return fail(ErrorCode::kInvalid, path + " holds no certificate in PEM format");
}

Status check(const ForwarderOptions& forwarder, const std::set<std::string>& others) {
  const std::string where = fmt::format("forwarder `{}`", forwarder.name);
  if (forwarder.name.empty() || forwarder.name.find('/') != std::string::npos) {
    return fail(ErrorCode::kInvalid, where + ": the name must not be empty or contain `/`");
  }
  if (others.contains(forwarder.name)) return fail(ErrorCode::kInvalid, where + " appears twice");
  if (const auto receiver = make_receiver(forwarder); !receiver)
    return fail(receiver.error(), where);
  if (!forwarder.ca_file.empty()) {
    if (const auto file = check_ca_file(forwarder.ca_file); !file)
      return fail(file.error(), where + ": ca_file");
  }
  if (!forwarder.proxy.empty() && forwarder.proxy != "off") {
    if (const auto url = check_proxy_url(forwarder.proxy); !url)
      return fail(url.error(), where + ": proxy");
  }
  for (const auto& [name, value] : forwarder.headers) {
    if (is_header_name(name) && is_header_value(value)) continue;
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: `{}` is not a valid HTTP header", where, name));
  }
  return {};
}

// Logs what was delivered, in one line, and what was not.
void log_ends(const std::string& forwarder, Duration latency,
              const std::vector<DeliveryOutcome>& outcomes) {
  const auto delivered = std::count_if(outcomes.begin(), outcomes.end(),
                                       [](const DeliveryOutcome& end) { return end.delivered; });
  if (delivered > 0) {
    log(LogLevel::kInfo, fmt::format("forwarder `{}`: delivered {} alert{} in {} ms", forwarder,
                                     delivered, delivered == 1 ? "" : "s", latency / kMillisecond));
  }
  size_t lost = 0;
  for (const DeliveryOutcome& end : outcomes) {
    if (end.delivered || ++lost > kLoggedMax) continue;
    log(LogLevel::kWarning,
        fmt::format("forwarder `{}`: the alert {} ({}) is not delivered: {}", forwarder,
                    end.entry.event.rule, end.entry.event.fingerprint, end.error));
  }
  if (lost > kLoggedMax) {
    log(LogLevel::kWarning, fmt::format("forwarder `{}`: {} more alerts are not delivered; see "
                                        "`from deliveries | where status == \"failed\"`",
                                        forwarder, lost - kLoggedMax));
  }
}

}  // namespace

class Deliverer::Impl : public std::enable_shared_from_this<Deliverer::Impl> {
 public:
  Impl(uv_loop_t* loop, Database& database, const Clock& clock,
       std::vector<ForwarderOptions> forwarders, DeliverOptions options)
      : loop_(loop), database_(database), clock_(clock), options_(std::move(options)) {
    for (ForwarderOptions& forwarder : forwarders) {
      auto receiver = make_receiver(forwarder).value();  // checked before
      DeliveryPolicy policy = options_.policy;
      policy.group_max = std::min(policy.group_max, receiver->alerts_max());
      repeats_ |= receiver->needs_repeats();
      forwarders_.emplace_back(std::move(forwarder), std::move(receiver), policy,
                               options_.seed + forwarders_.size());
    }
    mailbox_.emplace(loop_);
    poster_ = mailbox_->poster();
    poll_timer_.emplace(loop_, [this] { poll_outbox(); });
    sender_.emplace(loop_,
                    HttpSender::Options{"Tocsin/" + options_.version, options_.request_timeout});
    runner_.emplace(loop_);
    repeat_timer_.emplace(loop_, [this] { repeat(); });
    for (Forwarder& forwarder : forwarders_) {
      forwarder.timer.emplace(loop_, [this, &forwarder] { advance(forwarder); });
    }
    undeliverable_timer_.emplace(loop_, [this] { record(undeliverable_); });
  }

  void stop() {
    stopped_ = true;
    sender_.reset();
    runner_.reset();
    repeat_timer_.reset();
    mailbox_.reset();
    poll_timer_.reset();
    undeliverable_timer_.reset();
    for (Forwarder& forwarder : forwarders_) forwarder.timer.reset();
  }

  void start() {
    poll_outbox();
    if (repeats_ && options_.active_alerts) repeat_timer_->start(options_.repeat_interval);
  }
  void poll_outbox();
  void wake() {
    poster_([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->poll_outbox();
    });
  }
  DeliverCounters counters() const;

 private:
  // Outcomes that are not yet stored.
  struct Record {
    std::vector<DeliveryOutcome> outcomes;
    bool submitted = false;
    uint64_t count = 0;  // commits so far, to recognise an outbox read from before a commit
  };

  struct Forwarder {
    Forwarder(ForwarderOptions o, std::unique_ptr<AlertReceiver> r, const DeliveryPolicy& policy,
              uint64_t seed)
        : options(std::move(o)), receiver(std::move(r)), queue(policy, seed) {}
    ForwarderOptions options;
    std::unique_ptr<AlertReceiver> receiver;
    DeliveryQueue queue;
    bool sending = false;
    bool failing = false;  // the last request failed
    bool more = false;     // the store has more entries than were loaded
    Record record;
    std::vector<AlertEvent> repeats;            // that wait for the forwarder to be idle
    std::map<std::string, Timestamp> resolved;  // delivered ends: fingerprint and start
    std::optional<LoopTimer> timer;             // for the next attempt, or to retry the record
  };

  struct OutboxPoll;
  void on_outbox_read(OutboxPoll& poll);
  bool apply(Forwarder& forwarder, uint64_t record_count, Result<OutboxEntries>& found);
  void discard(OutboxPoll& poll);

  void advance(Forwarder& forwarder);
  void send(Forwarder& forwarder);
  void on_answer(Forwarder& forwarder, const DeliveryAnswer& answer);
  void log_outcome(Forwarder& forwarder, const DeliveryAnswer& answer);
  void record(Record& record);
  void on_recorded(Record& record, bool written);
  Forwarder* owner_of(const Record& record);
  DeliveryTime time() const {
    return {clock_.now() - database_.counters().clock_ahead, clock_.running()};
  }
  void post(Forwarder& forwarder, const std::vector<AlertEvent>& alerts,
            std::function<void(DeliveryAnswer)> done);
  void repeat();
  void take_repeats(Forwarder& forwarder, const std::vector<AlertEvent>& active) const;
  void send_repeats(Forwarder& forwarder);

  uv_loop_t* const loop_;
  Database& database_;
  const Clock& clock_;
  const DeliverOptions options_;
  LoopMailbox::Poster poster_;  // may be used on any thread

  // Used only on the loop's thread.
  bool stopped_ = false;
  std::deque<Forwarder> forwarders_;  // a deque, because timers and jobs refer to its elements
  Record undeliverable_;              // of damaged entries and removed forwarders
  std::optional<Duration> unconfigured_read_at_;  // running time
  std::optional<LoopMailbox> mailbox_;
  std::optional<LoopTimer> poll_timer_;
  std::optional<LoopTimer> undeliverable_timer_;
  std::optional<HttpSender> sender_;
  std::optional<CommandRunner> runner_;
  std::optional<LoopTimer> repeat_timer_;
  bool repeats_ = false;  // a receiver needs them
  bool polling_ = false;
  bool poll_wanted_ = false;
  DeliverCounters counters_;
};

// One read of the outbox: first the request, then the result.
struct Deliverer::Impl::OutboxPoll {
  std::vector<std::string> names;            // of all forwarders
  std::vector<bool> wanted;                  // by forwarder
  std::vector<uint64_t> record_counts;       // by forwarder
  std::vector<Result<OutboxEntries>> found;  // by forwarder
  bool unconfigured_wanted = false;
  Result<OutboxEntries> unconfigured;
  uint64_t undeliverable_count = 0;

  void run(const Database& database) {
    for (size_t i = 0; i < names.size(); ++i) {
      found.push_back(wanted[i] ? read_outbox(database, names[i] + '/')
                                : Result<OutboxEntries>(OutboxEntries()));
    }
    if (unconfigured_wanted) unconfigured = read_unconfigured(database);
  }

  Result<OutboxEntries> read_unconfigured(const Database& database) const {
    const std::set<std::string> known(names.begin(), names.end());
    OutboxEntries others;
    for (std::string from;;) {
      TOCSIN_TRY(auto page, database.list(SmallTable::kOutbox, "", {from, kLoadedMax}));
      const bool last = page.size() < kLoadedMax;
      if (!last) from = next_unknown_key(page.back().key, known);
      for (SmallEntry& entry : page) {
        if (others.entries.size() >= kLoadedMax) return others;
        if (known.contains(forwarder_of(entry.key))) continue;
        auto event = decode_alert(entry.value);
        others.entries.push_back({std::move(entry.key), event ? *std::move(event) : AlertEvent()});
      }
      if (last) return others;
    }
  }
};

void Deliverer::Impl::poll_outbox() {
  if (stopped_) return;
  if (polling_) {
    poll_wanted_ = true;
    return;
  }
  polling_ = true;
  poll_wanted_ = false;
  auto poll = std::make_shared<OutboxPoll>();
  for (Forwarder& forwarder : forwarders_) {
    poll->names.push_back(forwarder.options.name);
    // With many entries loaded, the store is read again after they have been sent.
    const bool full = forwarder.queue.size() >= kLoadedMax / 2;
    if (full) forwarder.more = true;
    poll->wanted.push_back(!full);
    poll->record_counts.push_back(forwarder.record.count);
  }
  const Duration running = clock_.running();
  poll->unconfigured_wanted =
      !unconfigured_read_at_ || running - *unconfigured_read_at_ >= kUnconfiguredInterval;
  if (poll->unconfigured_wanted) unconfigured_read_at_ = running;
  poll->undeliverable_count = undeliverable_.count;
  run_in_background(
      loop_, [self = shared_from_this(), poll] { poll->run(self->database_); },
      [self = shared_from_this(), poll] { self->on_outbox_read(*poll); });
}

void Deliverer::Impl::on_outbox_read(OutboxPoll& poll) {
  polling_ = false;
  if (stopped_) return;
  bool again = poll_wanted_;
  for (size_t i = 0; i < forwarders_.size(); ++i) {
    if (poll.wanted[i] && !apply(forwarders_[i], poll.record_counts[i], poll.found[i]))
      again = true;
    advance(forwarders_[i]);
  }
  if (undeliverable_.count == poll.undeliverable_count && undeliverable_.outcomes.empty())
    discard(poll);
  poll_timer_->start(again ? options_.retry_delay : options_.poll_interval);
}

// False if the outbox could not be read or has changed since: it must be read again.
bool Deliverer::Impl::apply(Forwarder& forwarder, uint64_t record_count,
                            Result<OutboxEntries>& found) {
  if (!found) {
    log(LogLevel::kWarning, "cannot read the outbox: " + found.error().message + "; trying again");
    return false;
  }
  if (!forwarder.record.outcomes.empty() || forwarder.record.count != record_count) return false;
  forwarder.more = found->entries.size() + found->damaged.size() >= kLoadedMax;
  forwarder.queue.load(std::move(found->entries));
  return true;
}

// Removes undeliverable entries from the outbox, each with a row that says why.
void Deliverer::Impl::discard(OutboxPoll& poll) {
  for (Result<OutboxEntries>& found : poll.found) {
    if (!found) continue;
    std::move(found->damaged.begin(), found->damaged.end(),
              std::back_inserter(undeliverable_.outcomes));
  }
  const Timestamp believed = time().believed;
  if (poll.unconfigured) {
    for (OutboxEntry& entry : poll.unconfigured->entries) {
      if (believed - entry.event.written_at < options_.unconfigured_kept) continue;
      auto error = fmt::format("forwarder `{}` is no longer configured", forwarder_of(entry.key));
      undeliverable_.outcomes.push_back({std::move(entry), false, 0, 0, 0, std::move(error)});
    }
  }
  if (undeliverable_.outcomes.empty()) return;
  log(LogLevel::kWarning,
      fmt::format("{} alerts cannot be delivered, the first because {}",
                  undeliverable_.outcomes.size(), undeliverable_.outcomes.front().error));
  record(undeliverable_);
}

// Starts the next step: records outcomes, sends the next request, or waits until it is due.
void Deliverer::Impl::advance(Forwarder& forwarder) {
  if (stopped_ || forwarder.sending) return;
  if (!forwarder.record.outcomes.empty()) return record(forwarder.record);
  if (forwarder.queue.empty()) {
    if (std::exchange(forwarder.more, false)) return poll_outbox();
    return send_repeats(forwarder);
  }
  forwarder.repeats.clear();  // what waits is newer
  const Duration wait = forwarder.queue.next_attempt() - clock_.running();
  if (wait <= 0) return send(forwarder);
  forwarder.timer->start(wait);
}

void Deliverer::Impl::send(Forwarder& forwarder) {
  post(forwarder, forwarder.queue.group(),
       [this, &forwarder](const DeliveryAnswer& answer) { on_answer(forwarder, answer); });
}

void Deliverer::Impl::post(Forwarder& forwarder, const std::vector<AlertEvent>& alerts,
                           std::function<void(DeliveryAnswer)> done) {
  forwarder.sending = true;
  auto masked = [&forwarder, done = std::move(done)](DeliveryAnswer answer) {
    answer.error = without_secrets(std::move(answer.error), forwarder.options);
    done(answer);
  };
  DeliveryRequest request = forwarder.receiver->request(
      {{forwarder.options.name, options_.external_url}, clock_.now()}, alerts);
  if (auto* http = std::get_if<HttpPost>(&request)) {
    sender_->post(std::move(*http), std::move(masked));
  } else if (auto* mail = std::get_if<MailMessage>(&request)) {
    sender_->mail(std::move(*mail), std::move(masked));
  } else {
    runner_->run(std::move(std::get<CommandRun>(request)), std::move(masked));
  }
}

// Asks for the alerts that fire, and sends them to the receivers that forget alerts of which they
// hear nothing.
void Deliverer::Impl::repeat() {
  if (stopped_) return;
  auto active = std::make_shared<std::vector<AlertEvent>>();
  run_in_background(
      loop_, [self = shared_from_this(), active] { *active = self->options_.active_alerts(); },
      [self = shared_from_this(), active] {
        if (self->stopped_) return;
        for (Forwarder& forwarder : self->forwarders_) {
          if (!forwarder.receiver->needs_repeats()) continue;
          self->take_repeats(forwarder, *active);
          self->advance(forwarder);
        }
        self->repeat_timer_->start(self->options_.repeat_interval);
      });
}

// Of alerts that were sent to the forwarder, and whose end was not: the list may be older than
// that.
void Deliverer::Impl::take_repeats(Forwarder& forwarder,
                                   const std::vector<AlertEvent>& active) const {
  const std::vector<Severity>& severities = forwarder.options.severities;
  const auto accepts = [&](Severity severity) {
    return severities.empty() ||
           std::find(severities.begin(), severities.end(), severity) != severities.end();
  };
  std::map<std::string, Timestamp> ended;
  forwarder.repeats.clear();
  for (const AlertEvent& event : active) {
    const auto resolved = forwarder.resolved.find(event.fingerprint);
    if (resolved != forwarder.resolved.end() && resolved->second == event.started_at) {
      ended.insert(*resolved);
    } else if (event.state == AlertState::kFiring &&
               std::any_of(event.notified.begin(), event.notified.end(), accepts)) {
      forwarder.repeats.push_back(event);
    }
  }
  forwarder.resolved = std::move(ended);  // the others no longer matter
}

void Deliverer::Impl::send_repeats(Forwarder& forwarder) {
  if (forwarder.repeats.empty()) return;
  const size_t count = std::min(kRepeatedMax, forwarder.repeats.size());
  const auto first = forwarder.repeats.end() - static_cast<ptrdiff_t>(count);
  const std::vector<AlertEvent> alerts(std::make_move_iterator(first),
                                       std::make_move_iterator(forwarder.repeats.end()));
  forwarder.repeats.erase(first, forwarder.repeats.end());
  post(forwarder, alerts, [this, &forwarder](const DeliveryAnswer& answer) {
    forwarder.sending = false;
    log_outcome(forwarder, answer);
    if (verdict_of(answer) != DeliveryVerdict::kDelivered) forwarder.repeats.clear();
    advance(forwarder);
  });
}

void Deliverer::Impl::on_answer(Forwarder& forwarder, const DeliveryAnswer& answer) {
  forwarder.sending = false;
  log_outcome(forwarder, answer);
  auto outcomes = forwarder.queue.answer(answer, time());
  if (forwarder.receiver->needs_repeats()) {
    for (const DeliveryOutcome& outcome : outcomes) {
      const AlertEvent& event = outcome.entry.event;
      if (is_over(event)) forwarder.resolved[event.fingerprint] = event.started_at;
    }
  }
  log_ends(forwarder.options.name, answer.latency, outcomes);
  if (outcomes.empty()) return advance(forwarder);
  forwarder.record.outcomes = std::move(outcomes);
  record(forwarder.record);
}

void Deliverer::Impl::log_outcome(Forwarder& forwarder, const DeliveryAnswer& answer) {
  const DeliveryVerdict verdict = verdict_of(answer);
  const bool failing = verdict != DeliveryVerdict::kDelivered;
  if (verdict == DeliveryVerdict::kRetry) ++counters_.retries;
  if (failing && !forwarder.failing) {
    log(LogLevel::kWarning,
        fmt::format("forwarder `{}`: {}{}", forwarder.options.name, answer.error,
                    verdict == DeliveryVerdict::kRetry ? "; trying again" : ""));
  } else if (!failing && forwarder.failing) {
    log(LogLevel::kInfo,
        fmt::format("forwarder `{}` accepts alerts again", forwarder.options.name));
  }
  forwarder.failing = failing;
}

void Deliverer::Impl::record(Record& record) {
  if (record.submitted) return;
  record.submitted = true;
  auto done = [poster = poster_, weak = weak_from_this(), &record](Result<WriteReport> report) {
    const bool written = report.has_value();
    poster([weak, &record, written] {
      if (const auto self = weak.lock()) self->on_recorded(record, written);
    });
  };
  if (!database_.submit(record_of(record.outcomes, clock_.now()), std::move(done))) {
    on_recorded(record, false);
  }
}

void Deliverer::Impl::on_recorded(Record& record, bool written) {
  if (stopped_) return;
  record.submitted = false;
  Forwarder* owner = owner_of(record);
  // Only the record is retried: the receiver has answered, so the request is not sent again.
  if (!written)
    return (owner != nullptr ? owner->timer : undeliverable_timer_)->start(options_.retry_delay);
  for (const DeliveryOutcome& outcome : record.outcomes) {
    ++(outcome.delivered ? counters_.delivered : counters_.failed);
  }
  const std::vector<DeliveryOutcome> outcomes = std::exchange(record.outcomes, {});
  ++record.count;
  if (owner == nullptr) return;
  owner->queue.forget(outcomes);
  advance(*owner);
}

Deliverer::Impl::Forwarder* Deliverer::Impl::owner_of(const Record& record) {
  for (Forwarder& forwarder : forwarders_) {
    if (&forwarder.record == &record) return &forwarder;
  }
  return nullptr;
}

DeliverCounters Deliverer::Impl::counters() const {
  DeliverCounters counters = counters_;
  for (const Forwarder& forwarder : forwarders_) counters.waiting += forwarder.queue.size();
  return counters;
}

Status check_forwarders(const std::vector<ForwarderOptions>& forwarders) {
  std::set<std::string> names;
  for (const ForwarderOptions& forwarder : forwarders) {
    TOCSIN_RETURN_IF_ERROR(check(forwarder, names));
    names.insert(forwarder.name);
  }
  return {};
}

Deliverer::Deliverer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Deliverer::~Deliverer() { impl_->stop(); }

Result<std::unique_ptr<Deliverer>> Deliverer::create(uv_loop_t* loop, Database& database,
                                                     const Clock& clock,
                                                     std::vector<ForwarderOptions> forwarders,
                                                     DeliverOptions options) {
  TOCSIN_RETURN_IF_ERROR(check_forwarders(forwarders));
  return std::unique_ptr<Deliverer>(new Deliverer(
      std::make_shared<Impl>(loop, database, clock, std::move(forwarders), std::move(options))));
}

void Deliverer::start() { impl_->start(); }
void Deliverer::wake() { impl_->wake(); }
DeliverCounters Deliverer::counters() const { return impl_->counters(); }

}  // namespace tocsin
