#include "net/tail/files.h"

#include <algorithm>
#include <utility>

#include "db/base/check.h"

namespace tocsin {

void TailFiles::add_stored(TailPosition position, std::optional<size_t> source) {
  const uint64_t id = position.id;
  next_id_ = std::max(next_id_, id + 1);
  FollowedFile& file = files_[id];
  file.stored = true;
  file.source = source;
  file.examined = position.offset;
  // The search took place when it disappeared.
  file.searched = position.gone_since != 0;
  file.position = std::move(position);
}

std::vector<MissingFile> TailFiles::missing() const {
  std::vector<MissingFile> wanted;
  for (const auto& [id, file] : files_) {
    if (!file.search) continue;
    wanted.push_back({file.position.path, file.position.inode, file.position.real_path});
  }
  return wanted;
}

void TailFiles::begin_scan() {
  known_.clear();
  for (const auto& [id, file] : files_) known_.emplace(id, file.position);
}

TailFiles::ScanEffect TailFiles::apply_scan(std::span<const FileSeen> seen, Duration now) {
  std::vector<TailPosition> positions;
  std::vector<FollowedFile*> owners;
  for (auto& [id, file] : files_) {
    const auto known = known_.find(id);
    positions.push_back(known == known_.end() ? file.position : known->second);
    owners.push_back(&file);
  }
  known_.clear();
  ScanEffect effect;
  std::vector<bool> seen_again(owners.size(), false);
  const auto matches = match_files(positions, seen);
  for (size_t i = 0; i < seen.size(); ++i) {
    const FileMatch& match = matches[i];
    if (match.verdict == FileVerdict::kContinue || match.verdict == FileVerdict::kRestart) {
      FollowedFile& file = *owners[match.position];
      // Found in a search for another file; this one is no longer followed.
      if (seen[i].sibling() && !file.source) continue;
      seen_again[match.position] = true;
      // A pending read ends first; the next scan reports the restart again.
      if (match.verdict == FileVerdict::kRestart && file.in_flight) continue;
      if (match.verdict == FileVerdict::kRestart) {
        close(file);
        file.position.offset = 0;
        file.position.skip_line = false;
        file.examined = 0;
        file.held_back_since = 0;
      }
      mark_found(file, seen[i], now);
    } else if (match.verdict == FileVerdict::kNew) {
      add_new(seen[i], now);
    } else if (match.verdict == FileVerdict::kCopy &&
               reported_copies_.insert(seen[i].path).second) {
      effect.copies.push_back(seen[i].path);
    }
  }
  for (size_t i = 0; i < owners.size(); ++i) {
    if (!seen_again[i] && mark_missing(*owners[i])) effect.search = true;
  }
  return effect;
}

void TailFiles::mark_found(FollowedFile& file, const FileSeen& seen, Duration now) {
  // Another inode is another file, although it continues this one: after a copy and truncate.
  if (file.position.inode != seen.inode || file.position.device != seen.device) close(file);
  if (!file.in_flight) {
    file.position.inode = seen.inode;
    file.position.device = seen.device;
    if (seen.path == file.position.path) file.position.real_path = seen.real_path;
  }
  file.path = seen.path;
  file.sibling = seen.sibling();
  if (!seen.sibling()) file.source = seen.source;
  file.searched = false;
  touch(file, std::max(seen.size, file.position.offset), seen.changed_at, now);
  // No glob leads to a sibling, so it is searched for until it has been opened.
  const bool finished =
      seen.size == file.position.offset && now - file.still_since >= settings_.settle;
  file.search = seen.sibling() && !finished && !file.file;
  if (seen.sibling() && finished) file.searched = true;
}

void TailFiles::add_new(const FileSeen& seen, Duration now) {
  TOCSIN_CHECK(seen.source);  // a sibling is never new
  const uint64_t id = next_id_++;
  FollowedFile& file = files_[id];
  file.position.id = id;
  file.position.path = seen.path;
  file.position.real_path = seen.real_path;
  file.position.device = seen.device;
  file.position.inode = seen.inode;
  file.position.head_size = static_cast<uint32_t>(seen.head.size());
  file.position.head_hash = head_hash(seen.head);
  file.path = seen.path;
  file.source = seen.source;
  file.skip_to_end = !started_ && settings_.from_end[*seen.source];
  touch(file, seen.size, seen.changed_at, now);
}

// No path leads to the file. True if a search for it is worthwhile.
bool TailFiles::mark_missing(FollowedFile& file) {
  file.path.clear();
  file.sibling = false;
  const bool was_search = std::exchange(file.search, false);
  if (file.file || file.in_flight || file.searched || !file.source) return false;
  if (was_search || !file.stored) {
    file.searched = true;
    check_start(file, true);
    return false;
  }
  file.search = true;
  return true;
}

void TailFiles::touch(FollowedFile& file, uint64_t size, int64_t changed_at, Duration now) {
  const bool first = file.still_since == 0;
  if (first || size != file.size || changed_at != file.changed_at) file.still_since = now;
  file.size = size;
  file.changed_at = changed_at;
}

void TailFiles::mark_start() {
  started_ = true;
  for (auto& [id, file] : files_) {
    if (file.path.empty() || file.examined >= file.size) continue;
    file.size_at_start = file.size;
    ++behind_;
  }
}

void TailFiles::check_start(FollowedFile& file, bool give_up) {
  if (!file.size_at_start) return;
  if (!give_up && file.examined < *file.size_at_start) return;
  file.size_at_start.reset();
  --behind_;
}

TailStep TailFiles::step_of(const FollowedFile& file, Duration now) const {
  FollowState state;
  state.offset = file.position.offset;
  state.examined = quote_overdue(file, now) ? file.position.offset : file.examined;
  state.size = file.size;
  state.present = !file.path.empty();
  state.moved = file.path != file.position.path;
  state.unchanged_for = now - file.still_since;
  return next_step(state, settings_.settle);
}

bool TailFiles::quote_overdue(const FollowedFile& file, Duration now) const {
  return file.held_back_since != 0 && now - file.held_back_since >= settings_.open_quote_max;
}

std::vector<uint64_t> TailFiles::to_read(Duration now) const {
  std::vector<uint64_t> ids;
  for (const auto& [id, file] : files_) {
    if (file.in_flight || (file.path.empty() && !file.file)) continue;
    // Scans do not see a file without a path, so its size is checked by a read each time.
    const bool due = step_of(file, now) != TailStep::kWait;
    if (due || file.orphan() || file.skip_to_end) ids.push_back(id);
  }
  return ids;
}

void TailFiles::committed(uint64_t id, const TailPosition& position, uint64_t size, Duration now) {
  FollowedFile& file = at(id);
  file.position = position;
  file.stored = true;
  file.in_flight = false;
  file.skip_to_end = false;
  file.examined = position.offset;
  file.held_back_since = 0;
  if (size > file.size) touch(file, size, file.changed_at, now);
  check_start(file);
}

void TailFiles::nothing_whole(uint64_t id, uint64_t size, bool held_back, Duration now) {
  FollowedFile& file = at(id);
  file.in_flight = false;
  if (size > file.size) touch(file, size, file.changed_at, now);
  file.examined = std::max(size, file.position.offset);
  if (!held_back || file.held_back_since == 0) file.held_back_since = held_back ? now : 0;
  check_start(file);
  if (file.orphan() && step_of(file, now) == TailStep::kForget) close(file);
}

void TailFiles::changed(uint64_t id) {
  FollowedFile& file = at(id);
  file.in_flight = false;
  close(file);
  if (file.path.empty()) check_start(file, true);
}

void TailFiles::failed(uint64_t id) {
  changed(id);
  check_start(at(id), true);
}

void TailFiles::put_off(uint64_t id) { at(id).in_flight = false; }

void TailFiles::keep_open(uint64_t id, std::shared_ptr<OpenFile> open_file) {
  FollowedFile& file = at(id);
  if (file.file) {
    open_order_.splice(open_order_.end(), open_order_, file.open_order);
    return;
  }
  file.file = std::move(open_file);
  file.open_order = open_order_.insert(open_order_.end(), id);
  for (auto it = open_order_.begin();
       open_order_.size() > kTailOpenFilesMax && it != open_order_.end();) {
    FollowedFile& oldest = at(*it++);
    if (!oldest.in_flight && !oldest.orphan()) close(oldest);
  }
}

void TailFiles::close(FollowedFile& file) {
  if (!file.file) return;
  file.file.reset();
  open_order_.erase(file.open_order);
}

TailFiles::Heads TailFiles::heads_present() const {
  Heads heads;
  for (const auto& [id, file] : files_) {
    if (!file.path.empty() && file.position.head_size >= kHeadBytesMin) {
      heads.emplace(file.position.head_size, file.position.head_hash);
    }
  }
  return heads;
}

TailFiles::Upkeep TailFiles::upkeep_of(const FollowedFile& file, const Heads& present,
                                       Timestamp now) const {
  if (file.in_flight || file.search) return Upkeep::kNone;
  const TailPosition& position = file.position;
  if (!file.path.empty() || file.file) {
    return position.gone_since != 0 && file.stored ? Upkeep::kBack : Upkeep::kNone;
  }
  if (!file.stored) return Upkeep::kRemove;
  if (position.gone_since == 0) return Upkeep::kGone;
  // A rewritten file with the same beginning has a separate position by now.
  const bool replaced = present.contains({position.head_size, position.head_hash});
  return replaced || now - position.gone_since > kPositionKept ? Upkeep::kRemove : Upkeep::kNone;
}

std::vector<SmallChange> TailFiles::outdated(Timestamp now) const {
  const Heads present = heads_present();
  std::vector<SmallChange> changes;
  for (const auto& [id, file] : files_) {
    const Upkeep upkeep = upkeep_of(file, present, now);
    if (upkeep == Upkeep::kNone || !file.stored) continue;
    SmallChange change{SmallTable::kSources, position_key(id), std::nullopt};
    if (upkeep != Upkeep::kRemove) {
      TailPosition position = file.position;
      position.gone_since = upkeep == Upkeep::kGone ? now : 0;
      change.value = encode_position(position);
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

void TailFiles::forget_outdated(Timestamp now) {
  const Heads present = heads_present();
  for (auto it = files_.begin(); it != files_.end();) {
    FollowedFile& file = it->second;
    const Upkeep upkeep = upkeep_of(file, present, now);
    if (upkeep == Upkeep::kRemove) {
      check_start(file, true);
      it = files_.erase(it);
      continue;
    }
    if (upkeep != Upkeep::kNone) file.position.gone_since = upkeep == Upkeep::kGone ? now : 0;
    ++it;
  }
}

FollowedFile& TailFiles::at(uint64_t id) {
  const auto it = files_.find(id);
  TOCSIN_CHECK(it != files_.end());
  return it->second;
}

}  // namespace tocsin
