// Keeps silences in the small table `rules`, under `silence/ID`, as the JSON of silence.h.
#include "rules/silence_book.h"

#include <algorithm>
#include <map>
#include <random>

#include <fmt/format.h>

#include "db/base/log.h"

namespace tocsin {
namespace {

constexpr std::string_view kSilenceKey = "silence/";

std::string silence_key(const std::string& id) { return std::string(kSilenceKey) + id; }

// A random UUID (RFC 9562, version 4), as clients of Alertmanager expect.
std::string new_silence_id() {
  std::random_device device;
  const auto word = [&device] { return static_cast<uint64_t>(device()) << 32 | device(); };
  const uint64_t high = (word() & ~0xF000ULL) | 0x4000ULL;
  const uint64_t low = (word() & ~(3ULL << 62)) | 2ULL << 62;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xFFFF,
                     high & 0xFFFF, low >> 48, low & 0xFFFFFFFFFFFFULL);
}

bool same_schedule(const Silence& a, const Silence& b) {
  if (a.schedule.has_value() != b.schedule.has_value()) return false;
  return !a.schedule || (a.schedule->text() == b.schedule->text() && a.repeat_for == b.repeat_for &&
                         a.zone.name() == b.zone.name());
}

// Whether only the end and the texts differ. The start of a silence that runs is in the past, so
// any other start in the past means the same.
bool is_extension(const Silence& before, const Silence& after, Timestamp now) {
  const bool same_start = before.from == after.from || (before.from <= now && after.from <= now);
  return same_start && same_schedule(before, after) &&
         std::equal(before.matchers.begin(), before.matchers.end(), after.matchers.begin(),
                    after.matchers.end(), [](const LabelMatcher& a, const LabelMatcher& b) {
                      return format_matcher(a) == format_matcher(b);
                    });
}

}  // namespace

Status SilenceBook::open() {
  const MutexLock lock(change_mutex_);
  if (open_) return {};
  TOCSIN_TRY(const std::vector<SmallEntry> stored, database_.list(SmallTable::kRules, kSilenceKey));
  std::vector<Silence> silences;
  for (const SmallEntry& entry : stored) {
    Result<Silence> silence = parse_silence(entry.value);
    if (silence) {
      silences.push_back(*std::move(silence));
    } else {
      log(LogLevel::kError, fmt::format("the stored {} cannot be read and is not in force: {}",
                                        entry.key, silence.error().message));
    }
  }
  const List files = list();
  silences.insert(silences.end(), files->begin(), files->end());
  publish(std::move(silences));
  open_ = true;
  return {};
}

void SilenceBook::publish(std::vector<Silence> silences) {
  auto list = std::make_shared<const std::vector<Silence>>(std::move(silences));
  const MutexLock lock(list_mutex_);
  list_ = std::move(list);
}

SilenceBook::List SilenceBook::list() const {
  const MutexLock lock(list_mutex_);
  return list_;
}

void SilenceBook::set_file_silences(std::vector<Silence> silences) {
  const MutexLock lock(change_mutex_);
  for (const Silence& silence : *list()) {
    if (silence.file.empty()) silences.push_back(silence);
  }
  publish(std::move(silences));
}

Result<Silence> SilenceBook::find_stored(const std::string& id) const {
  for (const Silence& silence : *list()) {
    if (silence.id != id) continue;
    if (silence.file.empty()) return silence;
    return fail(
        ErrorCode::kConflict,
        fmt::format("the silence `{}` is in the file {}; change it there", id, silence.file));
  }
  return fail(ErrorCode::kNotFound, fmt::format("there is no silence `{}`", id));
}

Result<std::string> SilenceBook::put(Silence silence) {
  TOCSIN_RETURN_IF_ERROR(open());
  const MutexLock lock(change_mutex_);
  const Timestamp now = clock_.now();
  if (silence.until <= now) {
    return fail(ErrorCode::kInvalid, "a silence must end in the future; change its end");
  }
  silence.file.clear();
  silence.updated_at = now;
  std::vector<Silence> changed;
  if (!silence.id.empty()) {
    TOCSIN_TRY(Silence before, find_stored(silence.id));
    if (before.until > now && is_extension(before, silence, now)) {
      silence.from = before.from;
      silence.fingerprint = before.fingerprint;
      silence.firing_since = before.firing_since;
      TOCSIN_RETURN_IF_ERROR(check_silence(silence));
      std::string id = silence.id;
      TOCSIN_RETURN_IF_ERROR(store({std::move(silence)}, now));
      return id;
    }
    if (before.until > now) {
      before.until = now;
      before.from = std::min(before.from, now);
      before.updated_at = now;
      changed.push_back(std::move(before));
    }
  }
  silence.from = std::max(silence.from, now);
  TOCSIN_RETURN_IF_ERROR(check_silence(silence));
  silence.id = new_silence_id();
  std::string id = silence.id;
  changed.push_back(std::move(silence));
  TOCSIN_RETURN_IF_ERROR(store(std::move(changed), now));
  return id;
}

Status SilenceBook::expire(const std::string& id) {
  TOCSIN_RETURN_IF_ERROR(open());
  const MutexLock lock(change_mutex_);
  const Timestamp now = clock_.now();
  TOCSIN_TRY(Silence silence, find_stored(id));
  if (silence.until <= now) return {};
  silence.until = now;
  silence.from = std::min(silence.from, now);
  silence.updated_at = now;
  return store({std::move(silence)}, now);
}

// Commits the changed silences, and forgets those that ended long ago.
Status SilenceBook::store(std::vector<Silence> changed, Timestamp now) {
  std::map<std::string, Silence> stored;  // by id
  std::vector<Silence> all;
  for (const Silence& silence : *list()) {
    if (silence.file.empty()) {
      stored.emplace(silence.id, silence);
    } else {
      all.push_back(silence);
    }
  }
  WriteRequest request;
  request.source = "silences";
  request.urgent = true;
  for (Silence& silence : changed) {
    request.changes.push_back(
        {SmallTable::kRules, silence_key(silence.id), silence_json(silence, now)});
    stored.insert_or_assign(silence.id, std::move(silence));
  }
  std::vector<std::pair<Timestamp, std::string>> ended;
  for (const auto& [id, silence] : stored) {
    if (silence.until <= now) ended.emplace_back(silence.until, id);
  }
  if (stored.size() - ended.size() > kStoredSilencesMax) {
    return fail(ErrorCode::kLimit,
                fmt::format("there are {} silences already; expire some of them first",
                            kStoredSilencesMax));
  }
  std::sort(ended.begin(), ended.end());
  for (size_t i = 0; i < ended.size(); ++i) {
    const auto& [until, id] = ended[i];
    if (until >= now - kEndedSilenceKept && ended.size() - i <= kStoredSilencesMax) break;
    request.changes.push_back({SmallTable::kRules, silence_key(id), std::nullopt});
    stored.erase(id);
  }
  TOCSIN_RETURN_IF_ERROR(database_.write(std::move(request)));
  for (auto& [id, silence] : stored) all.push_back(std::move(silence));
  publish(std::move(all));
  return {};
}

}  // namespace tocsin
