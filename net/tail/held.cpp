#include "net/tail/held.h"

#include <algorithm>
#include <utility>

namespace tocsin {

HeldFiles::Decision HeldFiles::decide(const FileSeen& file, size_t source,
                                      std::span<const Original> originals, Duration copy_wait,
                                      bool starting, Duration now) {
  auto [it, made] = held_.try_emplace(file.key());
  Held& held = it->second;
  if (!made && (file.size < held.size || !file.head.starts_with(held.head))) {
    if (held.beyond > 0) lost_.push_back({held.path, held.beyond});
    held = Held();
    made = true;
  }
  if (made) {
    held.since = now;
    held.at_start = starting;
  }
  held.path = file.path;
  held.source = source;
  held.head = file.head;
  held.size = file.size;
  held.beyond = file.size;
  held.seen = true;
  held.search = false;
  held.wanted.clear();

  bool blocked = false;
  bool pending = false;
  bool rereads = false;  // all its bytes and more follow those of its predecessor
  uint64_t equal = 0;
  std::optional<uint64_t> contained;
  const auto read_from = [&](uint64_t offset, bool exact = false) -> Decision {
    return {.kind = Decision::Kind::kNew, .start = {offset, exact}, .at_start = held.at_start};
  };
  for (const Original& original : originals) {
    Pair& pair = held.pairs[original.key];
    if (pair.differs) continue;
    pair.equal = std::max<uint64_t>(pair.equal, std::min(file.head.size(), original.head.size()));
    if (original.state == Original::State::kGone) {
      if (!original.copied && pair.equal < kHeadBytesMin) continue;
      if (file.size >= original.offset)
        return {.kind = Decision::Kind::kMove, .original = original.id};
      return original.copied ? read_from(file.size, true) : read_from(pair.equal);
    }
    blocked = true;
    held.beyond = std::min(held.beyond, file.size - std::min(file.size, original.size));
    if (original.state == Original::State::kMissing) {
      pending = true;
    } else if (pair.equal < std::min(file.size, original.size)) {
      pending = true;
      held.wanted.push_back({.file_key = file.key(),
                             .path = file.path,
                             .other_key = original.key,
                             .other_path = original.path,
                             .other = original.file,
                             .other_head = original.head,
                             .other_size = original.size,
                             .equal = pair.equal});
    } else {
      equal = std::max(equal, pair.equal);
      if (file.size <= original.size) continue;
      if (original.successor) {
        rereads = true;
      } else if (!original.busy) {
        contained = original.id;
      }
    }
  }
  if (!blocked && !held.copy) return read_from(0);
  if (!blocked) {
    for (const auto& [key, pair] : held.pairs) equal = std::max(equal, pair.equal);
    return read_from(equal);
  }
  if (pending) return {};
  if (contained) return {.kind = Decision::Kind::kMove, .original = *contained};
  if (now - held.since < copy_wait) return {};
  // Two files may well hold the same few bytes.
  if (equal < kHeadBytesMin) return read_from(0);
  if (rereads) return read_from(equal);
  return {.new_copy = !std::exchange(held.copy, true)};
}

std::optional<size_t> HeldFiles::source_of(const FileKey& key) const {
  const auto it = held_.find(key);
  if (it == held_.end()) return std::nullopt;
  return it->second.source;
}

std::vector<HeldFiles::Lost> HeldFiles::end_scan() {
  for (auto it = held_.begin(); it != held_.end();) {
    Held& held = it->second;
    const bool gone = !held.seen && held.search;
    held.search = !held.seen;
    held.seen = false;
    if (!gone) {
      ++it;
      continue;
    }
    if (held.beyond > 0) lost_.push_back({held.path, held.beyond});
    it = held_.erase(it);
  }
  return std::exchange(lost_, {});
}

std::vector<MissingFile> HeldFiles::missing() const {
  std::vector<MissingFile> missing;
  for (const auto& [key, held] : held_) {
    if (held.search) missing.push_back({held.path, key.inode});
  }
  return missing;
}

std::vector<Comparison> HeldFiles::comparisons() const {
  std::vector<Comparison> all;
  for (const auto& [key, held] : held_) {
    all.insert(all.end(), held.wanted.begin(), held.wanted.end());
  }
  return all;
}

void HeldFiles::add_results(std::span<const Comparison> results) {
  for (const Comparison& result : results) {
    const auto held = held_.find(result.file_key);
    if (held == held_.end() || !result.valid) continue;
    Pair& pair = held->second.pairs[result.other_key];
    pair.equal = std::max(pair.equal, result.equal);
    pair.differs = result.differs;
  }
}

}  // namespace tocsin
