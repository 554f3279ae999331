// Draws services, names and messages.
#include "tools/generate/worlds/builder.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace tocsin::generate {
namespace {

constexpr std::array kNames = {
    "accounts", "archive",  "auth",     "billing",  "booking",   "cache",   "claims",  "consent",
    "contacts", "coupons",  "crm",      "delivery", "directory", "events",  "export",  "feed",
    "files",    "fleet",    "forms",    "geo",      "identity",  "imports", "ledger",  "loyalty",
    "mailer",   "media",    "meters",   "news",     "payroll",   "pricing", "quotes",  "ratings",
    "refunds",  "returns",  "scanner",  "signing",  "stock",     "surveys", "tickets", "tracking",
    "uploads",  "vouchers", "warehouse"};
constexpr std::array kVerbs = {"create", "read",   "update", "delete", "list",
                               "check",  "assign", "close",  "merge",  "notify"};
constexpr std::array kNouns = {"record", "item", "case", "batch", "entry", "report"};

constexpr std::array kSubjects = {"upstream", "replica",   "session store", "license server",
                                  "queue",    "scheduler", "certificate",   "token cache",
                                  "index",    "config"};
constexpr std::array kEvents = {
    "answered late after {ms} ms",          "rejected request {hex}",
    "lost the lease held by {ip}",          "returned {count} stale entries",
    "closed the connection to {ip}",        "needs {size} bytes more than allowed",
    "skipped {count} rows of order {order}"};
constexpr std::array kReasons = {"checksum differs", "limit reached",   "peer is older",
                                 "clock moved",      "quota exhausted", "schema changed",
                                 "retrying",         "falling back",    "feature disabled"};

std::string draw_wording(Random& random) {
  return fmt::format("{} {}: {}", kSubjects[random.below(kSubjects.size())],
                     kEvents[random.below(kEvents.size())],
                     kReasons[random.below(kReasons.size())]);
}

/// Long enough that two slots cannot select the same run of a batch; see draw_range() in
/// course.cpp.
Duration slot_of_runs(Duration slot, const WeeklyWindow& batch) {
  return std::max(slot, batch.weekdays == kEveryDay ? 3 * kDay : 3 * kWeek);
}

}  // namespace

std::vector<IncidentShape> usual_incidents() {
  return {{.kind = IncidentKind::kFailureRateSpike, .minutes = {30, 180}, .strength = {4, 15}},
          {.kind = IncidentKind::kMissingHeartbeat, .minutes = {15, 180}},
          {.kind = IncidentKind::kHighResponseTime, .minutes = {20, 90}, .strength = {1.25, 2}},
          {.kind = IncidentKind::kTransactionTimeout, .minutes = {45, 180}, .strength = {0.3, 0.7}},
          {.kind = IncidentKind::kLogVolume, .minutes = {45, 180}, .strength = {3, 6}},
          {.kind = IncidentKind::kDegradation, .minutes = {75, 240}, .strength = {1.6, 3}}};
}

Builder::Builder(uint64_t seed, Timestamp birth, Duration incident_slot)
    : random_(seed, 'W', 0),
      incident_slot_(incident_slot),
      name_shift_(random_.below(kNames.size())) {
  world_.seed = seed;
  world_.birth = birth;
}

std::string Builder::draw_name() {
  const size_t index = names_used_++;
  const std::string name = kNames[(index + name_shift_) % kNames.size()];
  return index < kNames.size() ? name : fmt::format("{}{}", name, index / kNames.size() + 1);
}

Duration Builder::draw_time(Duration min, Duration max) {
  const auto time = min + static_cast<Duration>(random_.uniform() * static_cast<double>(max - min));
  return time - time % kMinute;
}

Service Builder::draw_service(Range events_per_hour) {
  Service service;
  service.profile.name = draw_name();
  service.profile.median_ms = Range{20, 1000}.draw_log(random_);
  service.profile.sigma = draw(0.35, 0.7);
  service.profile.failure_rate = Range{0.005, 0.03}.draw_log(random_);
  service.profile.host_count = static_cast<uint32_t>(1 + random_.below(6));
  service.rhythm.events_per_hour = events_per_hour.draw_log(random_);
  service.audit_share = draw(0.2, 0.4);
  service.performance_share = draw(0.2, 0.4);
  draw_transactions(service, 2 + random_.below(3));
  return service;
}

void Builder::draw_transactions(Service& service, uint64_t count) {
  auto& transactions = service.profile.transactions;
  transactions.clear();
  const uint64_t shift = random_.below(kVerbs.size() * kNouns.size());
  double total = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t index = (shift + i * 7) % (kVerbs.size() * kNouns.size());  // no name twice
    const char* verb = kVerbs[index % kVerbs.size()];
    const char* noun = kNouns[index / kVerbs.size()];
    transactions.push_back({fmt::format("{}_{}", verb, noun), fmt::format("{}.{}", noun, verb),
                            draw(0.5, 1.5), draw(0.6, 1.6)});
    total += transactions.back().share;
  }
  for (TransactionProfile& transaction : transactions) transaction.share /= total;
}

size_t Builder::add(Service service, std::vector<IncidentShape> incidents,
                    std::vector<uint16_t> messages, Course::When when) {
  const size_t index = world_.services.size();
  world_.services.push_back(std::move(service));
  if (incident_slot_ == 0 || incidents.empty()) return index;
  Course course;
  course.service = index;
  course.slot = incident_slot_;
  course.when = when;
  if (when == Course::When::kBatchRun)
    course.slot = slot_of_runs(incident_slot_, *world_.services[index].rhythm.batch);
  course.shapes = std::move(incidents);
  course.messages = std::move(messages);
  world_.courses.push_back(std::move(course));
  return index;
}

std::vector<uint16_t> Builder::add_wordings(size_t count, const std::string& level) {
  std::vector<uint16_t> numbers;
  std::vector<Wording>& all = world_.wordings;
  while (numbers.size() < count) {
    std::string text = draw_wording(random_);
    // Services may run out of words; then the number of the message makes it another one.
    if (std::any_of(all.begin(), all.end(), [&](const Wording& w) { return w.text == text; }))
      text += fmt::format(" (code E{})", all.size());
    all.push_back({std::move(text), level});
    numbers.push_back(static_cast<uint16_t>(all.size()));
  }
  return numbers;
}

}  // namespace tocsin::generate
