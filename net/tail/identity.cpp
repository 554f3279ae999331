#include "net/tail/identity.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>
#include <xxhash.h>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

// The stored form of a position: `1 device inode head_size head_hash offset skip_line gone_since
// path`. The path comes last because it may contain any character. The first number is the format
// version; version 2 has the size of the path before the path, and the real path after it.
constexpr uint64_t kPositionVersion = 1;
constexpr uint64_t kLinkedPositionVersion = 2;

constexpr size_t kNone = SIZE_MAX;

template <class Number>
bool consume_number(std::string_view& rest, Number& number) {
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || end == rest.data() + rest.size() || *end != ' ') return false;
  rest.remove_prefix(static_cast<size_t>(end - rest.data()) + 1);
  return true;
}

// Parses the end of a position: its paths.
bool consume_paths(std::string_view rest, uint64_t version, TailPosition& position) {
  size_t size = rest.size();
  if (version == kLinkedPositionVersion && (!consume_number(rest, size) || size > rest.size())) {
    return false;
  }
  position.path = rest.substr(0, size);
  position.real_path = rest.substr(std::min(size, rest.size()));
  return version == kPositionVersion || version == kLinkedPositionVersion;
}

bool has_head(const FileSeen& file, uint32_t size, uint64_t hash) {
  return file.head.size() >= size && head_hash({file.head.data(), size}) == hash;
}

// Implements match_files. Each step classifies files that the steps before left open.
class Matcher {
 public:
  Matcher(std::span<const TailPosition> positions, std::span<const FileSeen> seen)
      : positions_(positions),
        seen_(seen),
        matches_(seen.size()),
        assigned_(positions.size(), false) {
    order_.resize(positions.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) {
      const auto rank = [&](const TailPosition& p) {
        return std::make_tuple(p.gone_since == 0, p.head_size, p.offset);
      };
      return rank(positions_[a]) > rank(positions_[b]);
    });
  }

  std::vector<FileMatch> run() {
    continue_by_inode();
    by_head(FileVerdict::kContinue);
    by_head(FileVerdict::kRestart);
    classify_unmatched();
    return std::move(matches_);
  }

 private:
  bool open(size_t file) const { return matches_[file].verdict == FileVerdict::kUnrelated; }

  void assign(size_t file, size_t position, FileVerdict verdict) {
    matches_[file] = {verdict, position};
    assigned_[position] = true;
  }

  void continue_by_inode() {
    std::unordered_multimap<uint64_t, size_t> by_inode;
    for (size_t i = 0; i < seen_.size(); ++i) by_inode.emplace(seen_[i].inode, i);
    for (const size_t p : order_) {
      const TailPosition& position = positions_[p];
      size_t best = kNone;
      const auto [begin, end] = by_inode.equal_range(position.inode);
      for (auto it = begin; it != end; ++it) {
        const FileSeen& file = seen_[it->second];
        if (!open(it->second) || file.size < position.offset) continue;
        if (!has_head(file, position.head_size, position.head_hash)) continue;
        if (best == kNone || file.device == position.device) best = it->second;
      }
      if (best != kNone) assign(best, p, FileVerdict::kContinue);
    }
  }

  // Assigns to each remaining position the best file with its head: one that is at least as long as
  // the position's offset (kContinue) or a shorter one (kRestart).
  void by_head(FileVerdict verdict) {
    // One index per head size. There are few, because most files are longer than kHeadBytesMax.
    std::map<uint32_t, std::unordered_multimap<uint64_t, size_t>> indexes;
    for (const size_t p : order_) {
      const TailPosition& position = positions_[p];
      if (assigned_[p] || position.head_size < kHeadBytesMin) continue;
      auto [index, made] = indexes.try_emplace(position.head_size);
      if (made) index->second = files_by_head(position.head_size);
      size_t best = kNone;
      const auto [begin, end] = index->second.equal_range(position.head_hash);
      for (auto it = begin; it != end; ++it) {
        const FileSeen& file = seen_[it->second];
        if (!open(it->second)) continue;
        if ((file.size >= position.offset) != (verdict == FileVerdict::kContinue)) continue;
        if (verdict == FileVerdict::kRestart && file.sibling()) continue;
        if (best == kNone || preferred(file, seen_[best], position)) best = it->second;
      }
      if (best != kNone) assign(best, p, verdict);
    }
  }

  static bool preferred(const FileSeen& a, const FileSeen& b, const TailPosition& position) {
    const auto rank = [&](const FileSeen& f) {
      return std::make_pair(f.inode == position.inode, f.size);
    };
    return rank(a) > rank(b);
  }

  std::unordered_multimap<uint64_t, size_t> files_by_head(uint32_t size) const {
    std::unordered_multimap<uint64_t, size_t> index;
    for (size_t i = 0; i < seen_.size(); ++i) {
      if (!open(i) || seen_[i].head.size() < size) continue;
      index.emplace(head_hash({seen_[i].head.data(), size}), i);
    }
    return index;
  }

  // Files without a position are new, unless another file begins with their whole head and is
  // either followed already or larger. Sorted by head, all files that begin with a head come
  // directly after it.
  void classify_unmatched() {
    std::vector<size_t> sorted(seen_.size());
    std::iota(sorted.begin(), sorted.end(), size_t{0});
    std::sort(sorted.begin(), sorted.end(), [&](size_t a, size_t b) {
      return std::tie(seen_[a].head, seen_[a].path) < std::tie(seen_[b].head, seen_[b].path);
    });
    const std::vector<FileMatch> found = matches_;
    for (size_t i = 0; i < seen_.size(); ++i) {
      if (!open(i) || seen_[i].sibling()) continue;
      const bool copy = seen_[i].head.size() >= kHeadBytesMin && is_copy(i, sorted, found);
      matches_[i].verdict = copy ? FileVerdict::kCopy : FileVerdict::kNew;
    }
  }

  bool is_copy(size_t file, const std::vector<size_t>& sorted,
               const std::vector<FileMatch>& found) const {
    const FileSeen& mine = seen_[file];
    auto it =
        std::lower_bound(sorted.begin(), sorted.end(), mine.head,
                         [&](size_t i, const std::string& head) { return seen_[i].head < head; });
    for (; it != sorted.end() && seen_[*it].head.starts_with(mine.head); ++it) {
      if (*it == file) continue;
      const FileSeen& other = seen_[*it];
      if (found[*it].verdict != FileVerdict::kUnrelated) return true;
      const bool before = other.size != mine.size ? other.size > mine.size : other.path < mine.path;
      if (!other.sibling() && before) return true;
    }
    return false;
  }

  std::span<const TailPosition> positions_;
  std::span<const FileSeen> seen_;
  std::vector<FileMatch> matches_;
  std::vector<bool> assigned_;
  std::vector<size_t> order_;  // in which positions are matched
};

}  // namespace

uint64_t head_hash(std::string_view head) { return XXH3_64bits(head.data(), head.size()); }

std::string position_key(uint64_t id) { return fmt::format("{}{:020}", kPositionPrefix, id); }

std::string encode_position(const TailPosition& p) {
  const bool linked = !p.real_path.empty();
  const std::string paths =
      linked ? fmt::format("{} {}{}", p.path.size(), p.path, p.real_path) : p.path;
  return fmt::format("{} {} {} {} {} {} {} {} {}",
                     linked ? kLinkedPositionVersion : kPositionVersion, p.device, p.inode,
                     p.head_size, p.head_hash, p.offset, p.skip_line ? 1 : 0, p.gone_since, paths);
}

Result<TailPosition> decode_position(std::string_view key, std::string_view value) {
  const auto damaged = [&] {
    return fail(ErrorCode::kCorrupt,
                fmt::format("the stored position `{}` of a followed file is damaged", key));
  };
  TailPosition p;
  if (!key.starts_with(kPositionPrefix)) return damaged();
  std::string id_text(key.substr(kPositionPrefix.size()));
  id_text += ' ';
  std::string_view id_rest = id_text;
  uint64_t version = 0;
  int skip_line = 0;
  if (!consume_number(id_rest, p.id) || !consume_number(value, version) ||
      !consume_number(value, p.device) || !consume_number(value, p.inode) ||
      !consume_number(value, p.head_size) || !consume_number(value, p.head_hash) ||
      !consume_number(value, p.offset) || !consume_number(value, skip_line) ||
      !consume_number(value, p.gone_since) || p.head_size > kHeadBytesMax ||
      !consume_paths(value, version, p)) {
    return damaged();
  }
  p.skip_line = skip_line != 0;
  return p;
}

std::vector<FileMatch> match_files(std::span<const TailPosition> positions,
                                   std::span<const FileSeen> seen) {
  return Matcher(positions, seen).run();
}

TailStep next_step(const FollowState& state, Duration settle) {
  if (state.size > state.examined) return TailStep::kRead;
  if (!state.moved || state.unchanged_for < settle) return TailStep::kWait;
  if (state.size > state.offset) return TailStep::kReadLast;
  return state.present ? TailStep::kWait : TailStep::kForget;
}

bool is_rotated_name(std::string_view original, std::string_view name) {
  if (name.starts_with(original)) return name.size() > original.size();
  const size_t dot = original.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string_view stem = original.substr(0, dot);
  return name != original && name.starts_with(stem) && name.size() > stem.size() &&
         !is_alphanumeric(name[stem.size()]);
}

}  // namespace tocsin
