// Source: RFC 6587, section 3.4.
#include "net/parse/syslog_frames.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

constexpr size_t kFrameHeadBytes = 1 + sizeof(uint32_t);
constexpr size_t kLengthDigitsMax = 10;
constexpr size_t kPriorityBytesMax = 5;  // `<191>`
constexpr std::string_view kMessageEnds{"\n\0", 2};
constexpr std::string_view kBlanks{" \r\n\0", 4};
// The bytes after which it is known whether a text begins a message with a length.
constexpr size_t kHeadBytesMax = kLengthDigitsMax + 1 + kPriorityBytesMax;

enum class Head : uint8_t { kNone, kFound, kUnknown };

// Whether `text` begins with `123 <`; kUnknown if more bytes decide. Sets `digits`.
Head counted_head(std::string_view text, std::string_view& digits) {
  size_t size = 0;
  while (size < text.size() && size <= kLengthDigitsMax && is_digit(text[size])) ++size;
  if (size > kLengthDigitsMax || (size > 0 && text[0] == '0')) return Head::kNone;
  digits = text.substr(0, size);
  if (size == text.size()) return Head::kUnknown;
  if (size == 0 || text[size] != ' ') return Head::kNone;
  if (size + 1 == text.size()) return Head::kUnknown;
  return text[size + 1] == '<' ? Head::kFound : Head::kNone;
}

// The same for a message with a priority, `123 <13>`, which text contains only by a rare chance.
Head sure_head(std::string_view text) {
  std::string_view digits;
  const Head head = counted_head(text, digits);
  if (head != Head::kFound) return head;
  std::string_view rest = text.substr(digits.size() + 2);
  size_t size = 0;
  while (size < rest.size() && size < 3 && is_digit(rest[size])) ++size;
  if (size == rest.size() && size < 4) return Head::kUnknown;
  return size > 0 && rest[size] == '>' ? Head::kFound : Head::kNone;
}

}  // namespace

void append_frame(std::string& body, SyslogFrame::Kind kind, std::string_view text) {
  const auto size = static_cast<uint32_t>(text.size());
  char head[kFrameHeadBytes];
  head[0] = static_cast<char>(kind);
  std::memcpy(head + 1, &size, sizeof size);
  body.append(head, sizeof head);
  body += text;
}

std::optional<SyslogFrame> next_frame(std::string_view& body) {
  if (body.size() < kFrameHeadBytes) return std::nullopt;
  uint32_t size = 0;
  std::memcpy(&size, body.data() + 1, sizeof size);
  if (body.size() - kFrameHeadBytes < size) return std::nullopt;
  const SyslogFrame frame{static_cast<SyslogFrame::Kind>(body[0]),
                          body.substr(kFrameHeadBytes, size)};
  body.remove_prefix(kFrameHeadBytes + size);
  return frame;
}

const char* reason_of(SyslogFrame::Kind kind) {
  static_assert(kSyslogMessageBytesMax == 65'536 && kSyslogSkippedBytesMax == 1'048'576);
  switch (kind) {
    case SyslogFrame::Kind::kMessage: break;
    case SyslogFrame::Kind::kTooLong: return "message is longer than 65536 bytes";
    case SyslogFrame::Kind::kNoStart:
      return "expected a message like `<13>...` or `20 <13>...` after a message with a length; the "
             "length is probably wrong";
    case SyslogFrame::Kind::kWrongLength:
      return "the length before the message is more than 1048576; it is probably wrong";
    case SyslogFrame::Kind::kCut: return "the connection ended inside the message";
  }
  return "the body is damaged";
}

void SyslogFramer::add(std::string_view data, std::string& body) {
  std::string joined;
  if (!head_.empty()) {
    joined = std::move(head_) + std::string(data);
    head_.clear();
    data = joined;
  }
  while (!data.empty() && step(data, body)) {
  }
  head_ = data;  // too few bytes to decide
}

void SyslogFramer::end(bool clean, std::string& body) {
  const bool lost = state_ == State::kLost || (after_counted_ && !head_.empty());
  const bool cut = state_ == State::kCounted || !clean;
  kept_ += head_;
  if (lost && kind_ == SyslogFrame::Kind::kMessage) kind_ = SyslogFrame::Kind::kNoStart;
  if (cut && kind_ == SyslogFrame::Kind::kMessage) kind_ = SyslogFrame::Kind::kCut;
  if (!kept_.empty()) finish(body);
  *this = SyslogFramer();
}

// Consumes some of `rest`. False: more bytes are needed to decide how it goes on.
bool SyslogFramer::step(std::string_view& rest, std::string& body) {
  switch (state_) {
    case State::kStart: return start(rest);
    case State::kLine: return read_line(rest, body);
    case State::kCounted: return read_counted(rest, body);
    case State::kLost: return read_lost(rest, body);
  }
  return false;
}

bool SyslogFramer::start(std::string_view& rest) {
  if (kMessageEnds.find(rest[0]) != kMessageEnds.npos || rest[0] == '\r') {
    rest.remove_prefix(1);
    return true;
  }
  std::string_view digits;
  switch (counted_head(rest.substr(0, kHeadBytesMax), digits)) {
    case Head::kUnknown: return false;
    case Head::kFound: return start_counted(rest, digits);
    case Head::kNone: break;
  }
  state_ = after_counted_ && rest[0] != '<' ? State::kLost : State::kLine;
  if (state_ == State::kLost) kind_ = SyslogFrame::Kind::kNoStart;
  return true;
}

bool SyslogFramer::start_counted(std::string_view& rest, std::string_view digits) {
  uint64_t length = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (length > kSyslogSkippedBytesMax) {
    keep(rest.substr(0, digits.size() + 1));  // so that the search for the next head is past it
    rest.remove_prefix(digits.size() + 1);
    state_ = State::kLost;
    kind_ = SyslogFrame::Kind::kWrongLength;
    return true;
  }
  rest.remove_prefix(digits.size() + 1);
  state_ = State::kCounted;
  missing_ = length;
  return true;
}

bool SyslogFramer::read_line(std::string_view& rest, std::string& body) {
  const size_t end = rest.find_first_of(kMessageEnds);
  keep(rest.substr(0, end));
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  if (end == rest.npos) return true;
  finish(body);
  after_counted_ = false;
  return true;
}

bool SyslogFramer::read_counted(std::string_view& rest, std::string& body) {
  const size_t size = std::min(missing_, rest.size());
  keep(rest.substr(0, size));
  rest.remove_prefix(size);
  missing_ -= size;
  if (missing_ > 0) return true;
  finish(body);
  after_counted_ = true;
  return true;
}

// Up to the end of the line, or to a message with a length and a priority.
bool SyslogFramer::read_lost(std::string_view& rest, std::string& body) {
  size_t size = 0;
  bool known = true;
  for (; size < rest.size(); ++size) {
    const char c = rest[size];
    if (kMessageEnds.find(c) != kMessageEnds.npos) break;
    const bool first_digit = is_digit(c) && !is_digit(size > 0 ? rest[size - 1] : last_);
    if (!first_digit) continue;
    const Head head = sure_head(rest.substr(size, kHeadBytesMax));
    known = head != Head::kUnknown;
    if (head != Head::kNone) break;
  }
  if (size > 0) last_ = rest[size - 1];
  keep(rest.substr(0, size));
  rest.remove_prefix(size);
  if (rest.empty()) return true;
  if (!known) return false;
  finish(body);
  after_counted_ = false;
  return true;
}

void SyslogFramer::keep(std::string_view text) {
  const size_t room =
      kSyslogMessageBytesMax + 1 - std::min(kept_.size(), kSyslogMessageBytesMax + 1);
  kept_ += text.substr(0, room);
}

void SyslogFramer::finish(std::string& body) {
  if (kind_ == SyslogFrame::Kind::kMessage && kept_.size() > kSyslogMessageBytesMax)
    kind_ = SyslogFrame::Kind::kTooLong;
  if (kept_.find_first_not_of(kBlanks) != kept_.npos) append_frame(body, kind_, kept_);
  kept_.clear();
  last_ = ' ';
  kind_ = SyslogFrame::Kind::kMessage;
  state_ = State::kStart;
}

}  // namespace tocsin
