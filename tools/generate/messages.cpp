// Message templates, and filling them in.
#include "tools/generate/messages.h"

#include <array>

#include "db/base/check.h"
#include "tools/generate/random.h"

namespace tocsin::generate {
namespace {

using Piece = MessageWriter::Piece;
using Template = MessageWriter::Template;

Blank blank_of(std::string_view name) {
  static constexpr std::pair<std::string_view, Blank> kBlanks[] = {
      {"user", Blank::kUser},     {"ip", Blank::kIp},       {"order", Blank::kOrder},
      {"amount", Blank::kAmount}, {"ms", Blank::kMs},       {"size", Blank::kSize},
      {"hex", Blank::kHex},       {"count", Blank::kCount}, {"action", Blank::kAction},
      {"name", Blank::kName}};
  for (const auto& [text, blank] : kBlanks) {
    if (text == name) return blank;
  }
  TOCSIN_CHECK(false);
}

Template parse_template(std::string_view text) {
  Template pieces;
  while (!text.empty()) {
    const size_t open = text.find('{');
    if (open == std::string_view::npos) break;
    const size_t close = text.find('}', open);
    pieces.push_back({text.substr(0, open), blank_of(text.substr(open + 1, close - open - 1))});
    text.remove_prefix(close + 1);
  }
  pieces.push_back({text, Blank::kNone});
  return pieces;
}

std::vector<Template> parse_templates(std::initializer_list<std::string_view> texts) {
  std::vector<Template> templates;
  for (std::string_view text : texts) templates.push_back(parse_template(text));
  return templates;
}

/// The templates of a log type (for bpm: of a step). Earlier templates in a list are more frequent.
struct WordingByOutcome {
  std::vector<Template> success, failed, timeout;
};

const WordingByOutcome& wording_of(const Event& event) {
  static const WordingByOutcome kAudit = {
      parse_templates({"user {user} from {ip} did {action} on order {order}",
                       "{action} accepted for {user}, amount {amount} EUR, reference {hex}",
                       "session {hex} of {user}: {action} allowed by policy {count}",
                       "{user} changed {count} fields of record {order}",
                       "api key {hex} used for {action} from {ip}"}),
      parse_templates({"{action} refused for {user}: upstream answered 503 after {ms} ms",
                       "{action} on order {order} failed: version conflict, expected {count}",
                       "card ending in {count} declined for {user}, amount {amount} EUR",
                       "permission denied: {user} from {ip} tried {action}"}),
      parse_templates({"{action} for order {order} gave up after {ms} ms",
                       "no answer from peer {ip} within {ms} ms, request {hex}"})};
  static const WordingByOutcome kPerformance = {
      parse_templates({"{name} served {size} bytes in {ms} ms",
                       "{name}: {count} rows read, {ms} ms, cache hit",
                       "{name}: cache miss for key {hex}, {ms} ms",
                       "worker {count} finished {name} in {ms} ms"}),
      parse_templates({"{name} failed after {ms} ms: connection to {ip} reset",
                       "{name} failed: pool exhausted, {count} waiting",
                       "{name} failed: bad response of {size} bytes, trace {hex}"}),
      parse_templates({"{name} timed out after {ms} ms, trace {hex}"})};
  static const WordingByOutcome kStart = {
      parse_templates(
          {"transaction {name} started for {user}", "transaction {name} started, order {order}"}),
      {},
      {}};
  static const WordingByOutcome kStep = {
      parse_templates({"{name}: step {count} done for order {order}",
                       "{name}: reserved {count} items in store {order}",
                       "{name}: waiting for approval of {user}"}),
      {},
      {}};
  static const WordingByOutcome kEnd = {
      parse_templates({"transaction {name} completed in {ms} ms, order {order}",
                       "transaction {name} completed, amount {amount} EUR"}),
      parse_templates({"transaction {name} rolled back after {ms} ms: constraint {hex} violated",
                       "transaction {name} rejected: order {order} is locked by {user}"}),
      parse_templates({"transaction {name} cancelled after {ms} ms: no confirmation from {ip}"})};
  if (event.type == LogType::kAudit) return kAudit;
  if (event.type == LogType::kPerformance) return kPerformance;
  if (event.step == Step::kStart) return kStart;
  return event.step == Step::kStep ? kStep : kEnd;
}

const Template& template_of(const Event& event, uint64_t choice) {
  const WordingByOutcome& wording = wording_of(event);
  const std::vector<Template>& list = event.outcome == Outcome::kSuccess  ? wording.success
                                      : event.outcome == Outcome::kFailed ? wording.failed
                                                                          : wording.timeout;
  // The smaller of two random indices makes the first template the most frequent.
  const uint64_t size = list.size();
  return list[std::min((choice & 0xffff) % size, (choice >> 16 & 0xffff) % size)];
}

void append_ip(TextBuffer& out, uint64_t value) {
  out.text("10.");
  out.number(value % 32);
  out.byte('.');
  out.number(value / 32 % 256);
  out.byte('.');
  out.number(1 + value / 8192 % 254);
}

void append_blank(TextBuffer& out, const Event& event, const TransactionProfile& transaction,
                  Blank blank, uint64_t value) {
  switch (blank) {
    case Blank::kNone: return;
    case Blank::kUser: return append_user(out, event);
    case Blank::kIp: return append_ip(out, value);
    case Blank::kOrder: return out.number(880'000'000 + value % 9'000'000);
    case Blank::kAmount:
      out.number(1 + value % 400);
      out.byte('.');
      return out.padded(value / 1024 % 100, 2);
    case Blank::kMs:
      if (event.duration_tenths == 0) return out.number(1 + value % 900);
      return out.tenths(event.duration_tenths);
    case Blank::kSize: return out.number(200 + value % 60'000);
    case Blank::kHex: return out.hex(value, 12);
    case Blank::kCount: return out.number(1 + value % 64);
    case Blank::kAction: return out.text(transaction.action);
    case Blank::kName: return out.text(transaction.name);
  }
}

constexpr uint64_t kUserCount = 20'000;
constexpr uint64_t kHeavyUserCount = 200;

}  // namespace

void append_user(TextBuffer& out, const Event& event) {
  const uint64_t value = event.noise >> 32;
  const bool heavy = (value & 3) == 0;
  out.byte('u');
  out.number(10'000 + (value >> 2) % (heavy ? kHeavyUserCount : kUserCount));
}

MessageWriter::MessageWriter(Estate estate) : estate_(estate) {
  for (const Wording& wording : estate.wordings) wordings_.push_back(parse_template(wording.text));
}

void MessageWriter::append(TextBuffer& out, const Event& event) const {
  uint64_t value = splitmix64(event.noise);
  const Template& pieces =
      event.message == 0 ? template_of(event, value) : wordings_[event.message - 1u];
  const TransactionProfile& transaction =
      estate_.services[event.service].transactions[event.transaction];
  for (const Piece& piece : pieces) {
    out.text(piece.text);
    value = splitmix64(value);
    append_blank(out, event, transaction, piece.blank, value >> 8);
  }
}

}  // namespace tocsin::generate
