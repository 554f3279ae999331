#include "net/tail/files.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "db/base/check.h"

namespace tocsin {

// Finds the followed files that begin like a new one.
class TailFiles::HeadIndex {
 public:
  void add(const FollowedFile& file, bool ignored) {
    const TailPosition& position = file.position;
    if (ignored || position.head_size == 0) return;
    if (file.head.size() < position.head_size) {
      by_hash_[position.head_size].emplace(position.head_hash, &file);
      return;
    }
    all_.push_back(&file);
    if (file.head.size() < kHeadBytesMin) {
      short_.push_back(&file);
    } else {
      by_start_.emplace(start_of(file.head), &file);
    }
  }

  std::vector<uint64_t> alike(const FileSeen& seen) const {
    std::vector<uint64_t> ids;
    const auto add_if_alike = [&](const FollowedFile& file) {
      if (!heads_alike(file.head, seen.head)) return;
      const size_t common = std::min(file.head.size(), seen.head.size());
      if (common >= kHeadBytesMin || may_be_copy(file, seen)) ids.push_back(file.position.id);
    };
    if (seen.head.size() < kHeadBytesMin) {
      for (const FollowedFile* file : all_) add_if_alike(*file);
    } else {
      for (const FollowedFile* file : short_) add_if_alike(*file);
      const auto [begin, end] = by_start_.equal_range(start_of(seen.head));
      for (auto it = begin; it != end; ++it) add_if_alike(*it->second);
    }
    for (const auto& [size, files] : by_hash_) {
      if (seen.head.size() < size) continue;
      const auto [begin, end] = files.equal_range(head_hash({seen.head.data(), size}));
      for (auto it = begin; it != end; ++it) {
        const FollowedFile& file = *it->second;
        if (size >= kHeadBytesMin || may_be_copy(file, seen)) ids.push_back(file.position.id);
      }
    }
    return ids;
  }

 private:
  static uint64_t start_of(const std::string& head) {
    return head_hash({head.data(), kHeadBytesMin});
  }

  // Few bytes show that one file is the copy of another only together with its name.
  static bool may_be_copy(const FollowedFile& file, const FileSeen& seen) {
    return is_rotated_file(file.position, seen) || is_rotated_path(seen.path, file.position.path);
  }

  std::vector<const FollowedFile*> all_;    // whose head is known
  std::vector<const FollowedFile*> short_;  // with a head under kHeadBytesMin
  std::unordered_multimap<uint64_t, const FollowedFile*> by_start_;
  std::map<uint32_t, std::unordered_multimap<uint64_t, const FollowedFile*>> by_hash_;
};

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
  const auto held = held_.missing();
  wanted.insert(wanted.end(), held.begin(), held.end());
  return wanted;
}

void TailFiles::begin_scan() {
  known_.clear();
  for (const auto& [id, file] : files_) known_.emplace(id, file.position);
}

// Applies one scan: first the files that continue, then those that are missing, then the new ones.
class TailFiles::Scan {
 public:
  Scan(TailFiles& files, std::span<const FileSeen> seen, Duration now)
      : files_(files), seen_(seen), now_(now), replaces_(seen.size(), false) {}

  ScanEffect run() {
    match();
    find_truncated();
    find_rotated();
    for (FollowedFile* file : missing_) mark_missing(*file);
    add_new_files();
    for (const uint64_t id : gone_) {
      const FollowedFile& file = files_.at(id);
      if (!file.start) report_lost(file, file.position.offset);
    }
    auto lost = files_.held_.end_scan();
    effect_.lost.insert(effect_.lost.end(), lost.begin(), lost.end());
    effect_.search = effect_.search || !files_.held_.missing().empty();
    if (!files_.held_.comparisons().empty()) effect_.soon = true;
    return std::move(effect_);
  }

 private:
  // A file that no path led to, for which this scan searched.
  struct Search {
    FollowedFile* file = nullptr;
    // Of the file under the name where it was found, else when it was last seen; 0: unknown.
    int64_t changed_at = 0;
  };

  // A file that was empty until now may turn out to be the copy of another one.
  std::set<FileKey> filled() const {
    std::set<FileKey> keys;
    for (const FileSeen& seen : seen_) {
      if (!seen.sibling() && !seen.head.empty()) keys.insert(seen.key());
    }
    return keys;
  }

  static bool was_empty(const FollowedFile& file) {
    return file.position.head_size == 0 && file.position.offset == 0 && !file.in_flight;
  }

  void match() {
    const std::set<FileKey> filled_keys = filled();
    std::vector<KnownFile> known;
    std::vector<FollowedFile*> owners;
    for (auto it = files_.files_.begin(); it != files_.files_.end();) {
      FollowedFile& file = (it++)->second;
      if (was_empty(file) && filled_keys.contains(file.key())) {
        files_.close(file);
        if (file.stored) {
          missing_.push_back(&file);
        } else {
          files_.check_start(file, true);
          files_.files_.erase(std::prev(it));
        }
        continue;
      }
      const auto before = files_.known_.find(file.position.id);
      // Another file with its head may be a copy of it, which counts only if the file itself is not
      // found, not even under a rotated name.
      const bool by_head = !file.file && (file.search || file.searched || !file.source);
      known.push_back({before == files_.known_.end() ? file.position : before->second, by_head});
      owners.push_back(&file);
    }
    continues_ = match_files(known, seen_);
    for (FollowedFile* file : owners) {
      if (file->search && !file->sibling) searches_.push_back({file, file->changed_at});
    }
    std::vector<bool> found(owners.size(), false);
    for (size_t i = 0; i < seen_.size(); ++i) {
      if (!continues_[i]) continue;
      FollowedFile& file = *owners[*continues_[i]];
      files_.held_.release(seen_[i].key());
      // Found in a search for another file; this one is no longer followed.
      if (seen_[i].sibling() && !file.source) continue;
      found[*continues_[i]] = true;
      for (Search& search : searches_) {
        if (search.file == &file) search.changed_at = seen_[i].changed_at;
      }
      mark_found(file, seen_[i]);
    }
    for (size_t i = 0; i < owners.size(); ++i) {
      if (!found[i]) missing_.push_back(owners[i]);
    }
  }

  void mark_found(FollowedFile& file, const FileSeen& seen) {
    // It was read after it was seen and before it was truncated, or the other way round. The next
    // scan shows which.
    if (!seen.head.starts_with(file.head) && !file.head.starts_with(seen.head)) {
      effect_.soon = true;
      return;
    }
    files_.mark_found(file, seen, now_);
    if (seen.size >= file.known_size) return;
    if (now_ - file.still_since < files_.settings_.settle) return;
    report_lost(file, file.size);
    file.known_size = file.size;
  }

  // A file that no longer continues its position was truncated or rewritten. It is not a copy.
  void find_truncated() {
    std::multimap<FileKey, FollowedFile*> by_key;
    for (FollowedFile* file : missing_) {
      if (!file->searched) by_key.emplace(file->key(), file);
    }
    for (size_t i = 0; i < seen_.size(); ++i) {
      if (continues_[i]) continue;
      const auto [begin, end] = by_key.equal_range(seen_[i].key());
      for (auto it = begin; it != end; ++it) {
        FollowedFile& file = *it->second;
        const std::string& path = seen_[i].path;
        // While it is open, no other file can get its inode.
        if (!file.file && file.path != path && file.position.path != path) continue;
        file.truncated = true;
        files_.close(file);
        replaces_[i] = true;
      }
    }
  }

  // When files are rotated faster than they are scanned, some never have the name that the globs
  // cover. They are the rotated files that are younger than the file that was missing.
  void find_rotated() {
    for (Search& search : searches_) {
      for (const FileSeen& seen : seen_) find_packed(search, seen);
    }
    sources_.resize(seen_.size());
    for (size_t i = 0; i < seen_.size(); ++i) {
      const FileSeen& seen = seen_[i];
      if (seen.packed) {
        if (seen.source && !continues_[i]) effect_.packed.push_back(seen.path);
      } else {
        sources_[i] = seen.source ? seen.source : files_.held_.source_of(seen.key());
      }
      if (continues_[i] || sources_[i]) continue;
      // A copy may be shorter than the head that was seen before the truncation.
      const auto copied = std::find_if(searches_.begin(), searches_.end(), [&](const Search& s) {
        return !seen.packed && s.file->path.empty() && !s.file->file &&
               seen.size >= s.file->position.offset && is_rotated_file(s.file->position, seen) &&
               heads_alike(s.file->head, seen.head);
      });
      if (copied != searches_.end()) {
        sources_[i] = copied->file->source;
        continue;
      }
      const auto search = std::find_if(searches_.begin(), searches_.end(), [&](const Search& s) {
        return s.changed_at != 0 && seen.changed_at > s.changed_at &&
               is_numbered_path(s.file->position.path, seen.path);
      });
      if (search == searches_.end()) continue;
      if (seen.packed) {
        report_packed(*search->file, seen);
      } else {
        sources_[i] = search->file->source;
      }
    }
    if (!searches_.empty()) files_.reported_packed_ = std::move(packed_);
  }

  // Finds the missing file if it was rotated and compressed.
  void find_packed(Search& search, const FileSeen& seen) {
    FollowedFile& file = *search.file;
    if (!seen.packed || !file.path.empty() || !is_rotated_file(file.position, seen)) return;
    if (!has_head(seen.packed->head, file.position)) return;
    search.changed_at = seen.changed_at;
    packed_.insert(seen.key());
    if (file.file) return;  // it can still be read
    file.packed_in = seen.path;
    file.known_size = std::max(file.known_size, unpacked_size(*seen.packed, file.position.offset));
    if (!seen.packed->modulo && seen.packed->size == 0) {
      effect_.lost.push_back({file.position.path, 0, seen.path});
    }
  }

  // Reports once that a compressed file was never read. One that was read before it was compressed
  // still has its position.
  void report_packed(const FollowedFile& missing, const FileSeen& seen) {
    const bool reported = files_.reported_packed_.contains(seen.key());
    if (!packed_.insert(seen.key()).second || reported) return;
    for (const auto& [id, file] : files_.files_) {
      if (file.position.head_size >= kHeadBytesMin && has_head(seen.packed->head, file.position)) {
        return;
      }
    }
    effect_.lost.push_back({missing.position.path, seen.packed->size, seen.path});
  }

  // gzip stores only the last 32 bits of the size.
  static uint64_t unpacked_size(const PackedContent& packed, uint64_t at_least) {
    uint64_t size = packed.size;
    while (packed.modulo && size < at_least) size += uint64_t{1} << 32;
    return size;
  }

  // No path leads to the file.
  void mark_missing(FollowedFile& file) {
    const bool had_path = !std::exchange(file.path, {}).empty();
    const bool was_sibling = std::exchange(file.sibling, false);
    const bool was_search = std::exchange(file.search, false);
    if (file.file && had_path && !was_sibling && !was_search) {
      // It is read to its end through its descriptor. The search is for files that came after it.
      file.search = true;
      effect_.search = true;
    }
    if (file.file || file.in_flight || file.searched || !file.source) return;
    if (!was_search) {
      file.search = true;
      effect_.search = true;
      return;
    }
    file.searched = true;
    gone_.insert(file.position.id);
    files_.check_start(file, true);
  }

  void report_lost(const FollowedFile& file, uint64_t offset) {
    if (file.known_size <= offset) return;
    effect_.lost.push_back({file.position.path, file.known_size - offset, file.packed_in});
  }

  void add_new_files() {
    std::vector<size_t> open;
    for (size_t i = 0; i < seen_.size(); ++i) {
      if (continues_[i] || !sources_[i]) continue;
      if (seen_[i].head.empty() || replaces_[i]) {
        files_.held_.release(seen_[i].key());
        files_.add_new(seen_[i], *sources_[i], now_);
      } else {
        open.push_back(i);
      }
    }
    if (open.empty()) return;
    // The name of a copy is mostly longer than that of its original.
    std::sort(open.begin(), open.end(), [&](size_t a, size_t b) {
      const auto rank = [&](const FileSeen& f) {
        return std::make_tuple(f.path.size(), UINT64_MAX - f.size, std::string_view(f.path));
      };
      return rank(seen_[a]) < rank(seen_[b]);
    });
    for (const auto& [id, file] : files_.files_) index_.add(file, is_gone_long(file));
    for (const size_t i : open) decide(seen_[i], *sources_[i]);
  }

  // It cannot be the original of a file that appears now.
  bool is_gone_long(const FollowedFile& file) const {
    return !file.source ||
           (file.searched && file.path.empty() && !gone_.contains(file.position.id));
  }

  void decide(const FileSeen& seen, size_t source) {
    std::vector<Original> originals;
    for (const uint64_t id : index_.alike(seen)) originals.push_back(original(files_.at(id), seen));
    if (originals.empty() && !files_.held_.holds(seen.key())) {
      return add(seen, source, {}, !files_.started_);
    }
    const auto decision = files_.held_.decide(
        seen, source, originals, files_.settings_.copy_wait[source], !files_.started_, now_);
    using Kind = HeldFiles::Decision::Kind;
    if (decision.new_copy) effect_.copies.push_back(seen.path);
    if (decision.kind == Kind::kHold) return;
    files_.held_.release(seen.key());
    if (decision.kind == Kind::kNew) return add(seen, source, decision.start, decision.at_start);
    FollowedFile& file = files_.at(decision.original);
    if (gone_.erase(decision.original) > 0) {
      files_.forget_head(file);  // the copy may be shorter
    } else {
      file.position.path = seen.path;
      file.position.real_path = seen.real_path;
    }
    files_.mark_found(file, seen, now_);
  }

  void add(const FileSeen& seen, size_t source, ReadStart start, bool at_start) {
    FollowedFile& file = files_.at(files_.add_new(seen, source, now_));
    if (at_start && files_.settings_.from_end[source]) start = {UINT64_MAX, false};
    if (start.offset > 0) file.start = start;
    index_.add(file, false);
  }

  Original original(const FollowedFile& file, const FileSeen& seen) const {
    const bool readable = !file.path.empty() || file.file;
    const bool gone = gone_.contains(file.position.id);
    return {.id = file.position.id,
            .key = file.key(),
            .path = file.path,
            .file = file.file,
            .head = file.head,
            .size = file.size,
            .offset = file.position.offset,
            .state = readable ? Original::State::kReadable
                     : gone   ? Original::State::kGone
                              : Original::State::kMissing,
            .busy = file.in_flight,
            .successor = file.position.path == seen.path,
            .copied = file.truncated || is_rotated_file(file.position, seen)};
  }

  TailFiles& files_;
  const std::span<const FileSeen> seen_;
  const Duration now_;
  std::vector<std::optional<size_t>> continues_;  // by file seen
  std::vector<bool> replaces_;                    // by file seen: a truncated file
  std::vector<std::optional<size_t>> sources_;    // by file seen: what would read it
  std::vector<Search> searches_;
  std::set<FileKey> packed_;  // compressed files that need not be reported again
  std::vector<FollowedFile*> missing_;
  std::set<uint64_t> gone_;  // ids of files for which the search just ended
  HeadIndex index_;
  ScanEffect effect_;
};

TailFiles::ScanEffect TailFiles::apply_scan(std::span<const FileSeen> seen, Duration now,
                                            std::span<const Comparison> compared) {
  held_.add_results(compared);
  ScanEffect effect = Scan(*this, seen, now).run();
  known_.clear();
  return effect;
}

void TailFiles::mark_found(FollowedFile& file, const FileSeen& seen, Duration now) {
  // Another inode is another file, although it continues this one: after a copy and truncate.
  if (file.key() != seen.key()) close(file);
  if (!file.in_flight) {
    file.position.inode = seen.inode;
    file.position.device = seen.device;
    if (seen.path == file.position.path) file.position.real_path = seen.real_path;
  }
  file.path = seen.path;
  file.sibling = seen.sibling();
  if (!seen.sibling()) file.source = seen.source;
  file.searched = false;
  file.truncated = false;
  file.packed_in.clear();
  learn_head(file, seen.head);
  touch(file, std::max(seen.size, file.position.offset), seen.changed_at, now);
  // No glob leads to a sibling, so it is searched for until it has been opened.
  const bool finished =
      seen.size == file.position.offset && now - file.still_since >= settings_.settle;
  file.search = seen.sibling() && !finished && !file.file;
  if (seen.sibling() && finished) file.searched = true;
}

uint64_t TailFiles::add_new(const FileSeen& seen, size_t source, Duration now) {
  const uint64_t id = next_id_++;
  FollowedFile& file = files_[id];
  file.position.id = id;
  file.position.path = seen.path;
  file.position.real_path = seen.real_path;
  file.position.device = seen.device;
  file.position.inode = seen.inode;
  file.path = seen.path;
  file.sibling = seen.sibling();
  file.source = source;
  file.search = file.sibling;
  learn_head(file, seen.head);
  touch(file, seen.size, seen.changed_at, now);
  return id;
}

void TailFiles::forget_head(FollowedFile& file) {
  file.head.clear();
  file.position.head_size = 0;
}

void TailFiles::learn_head(FollowedFile& file, const std::string& head) {
  if (head.size() > file.head.size()) file.head = head;
  if (file.head.size() <= file.position.head_size) return;
  file.position.head_size = static_cast<uint32_t>(file.head.size());
  file.position.head_hash = head_hash(file.head);
}

void TailFiles::saw(uint64_t id, const std::string& head, uint64_t size) {
  FollowedFile& file = at(id);
  learn_head(file, head);
  file.known_size = std::max(file.known_size, size);
}

void TailFiles::touch(FollowedFile& file, uint64_t size, int64_t changed_at, Duration now) {
  const bool first = file.still_since == 0;
  if (first || size != file.size || changed_at != file.changed_at) file.still_since = now;
  file.size = size;
  file.known_size = std::max(file.known_size, size);
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
  state.last_line_wait = last_line_wait(file);
  return next_step(state, settings_.settle);
}

Duration TailFiles::last_line_wait(const FollowedFile& file) const {
  if (!file.source) return 0;
  const std::optional<Duration> set = settings_.last_line_wait[*file.source];
  return set.value_or(file.complete_rest ? kLastObjectWait : kLastLineWait);
}

bool TailFiles::quote_overdue(const FollowedFile& file, Duration now) const {
  if (file.held_back_since == 0) return false;
  const bool event = file.open_event && file.source;
  const Duration wait = event ? settings_.event_wait[*file.source] : settings_.open_quote_max;
  return now - file.held_back_since >= wait;
}

std::vector<uint64_t> TailFiles::to_read(Duration now) const {
  std::vector<uint64_t> ids;
  for (const auto& [id, file] : files_) {
    if (file.in_flight || (file.path.empty() && !file.file)) continue;
    // Scans do not see a file without a path, so its size is checked by a read each time.
    const bool due = step_of(file, now) != TailStep::kWait;
    if (due || file.orphan() || file.start) ids.push_back(id);
  }
  return ids;
}

void TailFiles::committed(uint64_t id, const TailPosition& position, uint64_t size, Duration now) {
  FollowedFile& file = at(id);
  file.position = position;
  learn_head(file, {});
  file.stored = true;
  file.in_flight = false;
  file.start.reset();
  file.examined = position.offset;
  file.complete_rest = false;
  file.held_back_since = 0;
  if (size > file.size) touch(file, size, file.changed_at, now);
  check_start(file);
}

void TailFiles::nothing_whole(uint64_t id, const Rest& rest, Duration now) {
  FollowedFile& file = at(id);
  file.in_flight = false;
  if (rest.size > file.size) touch(file, rest.size, file.changed_at, now);
  const bool grew = rest.size > file.examined;
  file.examined = std::max(rest.size, file.position.offset);
  file.complete_rest = rest.complete;
  const bool held_back = rest.held_back || rest.open_event;
  if (!held_back || file.held_back_since == 0 || (rest.open_event && grew)) {
    file.held_back_since = held_back ? now : 0;
  }
  file.open_event = rest.open_event;
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
