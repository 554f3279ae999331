#include "net/tail/identity.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

// The stored form of a position: `1 device inode head_size head_hash offset line gone_since
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

// Implements match_files. Each step matches files that the steps before left open.
class Matcher {
 public:
  Matcher(std::span<const KnownFile> known, std::span<const FileSeen> seen)
      : known_(known), seen_(seen), matches_(seen.size()), assigned_(known.size(), false) {}

  std::vector<std::optional<size_t>> run() {
    match_inodes();
    match_heads();
    return std::move(matches_);
  }

 private:
  bool open(size_t file) const { return !matches_[file]; }

  void assign(size_t file, size_t position) {
    matches_[file] = position;
    assigned_[position] = true;
  }

  // The positions, those with the greatest rank first.
  template <class Rank>
  std::vector<size_t> ordered(Rank rank) const {
    std::vector<size_t> order(known_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return rank(known_[a].position) > rank(known_[b].position);
    });
    return order;
  }

  // A file that was truncated and written again has a new position beside its old one.
  void match_inodes() {
    std::unordered_multimap<uint64_t, size_t> by_inode;
    for (size_t i = 0; i < seen_.size(); ++i) by_inode.emplace(seen_[i].inode, i);
    const auto rank = [](const TailPosition& p) {
      return std::make_tuple(p.gone_since == 0, p.id, p.head_size, p.offset);
    };
    for (const size_t p : ordered(rank)) {
      const TailPosition& position = known_[p].position;
      size_t best = kNone;
      const auto [begin, end] = by_inode.equal_range(position.inode);
      for (auto it = begin; it != end; ++it) {
        const FileSeen& file = seen_[it->second];
        if (!open(it->second) || file.size < position.offset) continue;
        // Without a head, the file was empty when it was last seen.
        if (position.head_size != 0 && !has_head(file.head, position)) continue;
        if (best == kNone || file.device == position.device) best = it->second;
      }
      if (best != kNone) assign(best, p);
    }
  }

  void match_heads() {
    // One index per head size. There are few, because most files are longer than kHeadBytesMax.
    std::map<uint32_t, std::unordered_multimap<uint64_t, size_t>> indexes;
    const auto rank = [](const TailPosition& p) {
      return std::make_tuple(p.gone_since == 0, p.head_size, p.offset);
    };
    for (const size_t p : ordered(rank)) {
      const TailPosition& position = known_[p].position;
      if (assigned_[p] || !known_[p].by_head || position.head_size == 0) continue;
      auto [index, made] = indexes.try_emplace(position.head_size);
      if (made) index->second = files_by_head(position.head_size);
      size_t best = kNone;
      const auto [begin, end] = index->second.equal_range(position.head_hash);
      for (auto it = begin; it != end; ++it) {
        const FileSeen& file = seen_[it->second];
        if (!open(it->second) || file.size < position.offset) continue;
        if (position.head_size < kHeadBytesMin && !is_rotated_file(position, file)) continue;
        if (best == kNone || preferred(file, seen_[best], position)) best = it->second;
      }
      if (best != kNone) assign(best, p);
    }
  }

  static bool preferred(const FileSeen& a, const FileSeen& b, const TailPosition& position) {
    const auto rank = [&](const FileSeen& f) {
      return std::make_tuple(f.inode == position.inode, f.path == position.path, f.size);
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

  std::span<const KnownFile> known_;
  std::span<const FileSeen> seen_;
  std::vector<std::optional<size_t>> matches_;
  std::vector<bool> assigned_;
};

// Splits a path after its last slash.
std::pair<std::string_view, std::string_view> split_path(std::string_view path) {
  const size_t slash = path.rfind('/') + 1;  // 0 if there is none
  return {path.substr(0, slash), path.substr(slash)};
}

}  // namespace

uint64_t head_hash(std::string_view head) { return XXH3_64bits(head.data(), head.size()); }

bool has_head(std::string_view head, const TailPosition& position) {
  return head.size() >= position.head_size &&
         head_hash(head.substr(0, position.head_size)) == position.head_hash;
}

std::string position_key(uint64_t id) { return fmt::format("{}{:020}", kPositionPrefix, id); }

std::string encode_position(const TailPosition& p) {
  const bool linked = !p.real_path.empty();
  const std::string paths =
      linked ? fmt::format("{} {}{}", p.path.size(), p.path, p.real_path) : p.path;
  return fmt::format(
      "{} {} {} {} {} {} {} {} {}", linked ? kLinkedPositionVersion : kPositionVersion, p.device,
      p.inode, p.head_size, p.head_hash, p.offset, static_cast<int>(p.line), p.gone_since, paths);
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
  uint32_t line = 0;
  if (!consume_number(id_rest, p.id) || !consume_number(value, version) ||
      !consume_number(value, p.device) || !consume_number(value, p.inode) ||
      !consume_number(value, p.head_size) || !consume_number(value, p.head_hash) ||
      !consume_number(value, p.offset) || !consume_number(value, line) ||
      !consume_number(value, p.gone_since) || p.head_size > kHeadBytesMax ||
      line > static_cast<uint32_t>(LineState::kTaken) || !consume_paths(value, version, p)) {
    return damaged();
  }
  p.line = static_cast<LineState>(line);
  return p;
}

std::vector<std::optional<size_t>> match_files(std::span<const KnownFile> known,
                                               std::span<const FileSeen> seen) {
  return Matcher(known, seen).run();
}

bool heads_alike(std::string_view a, std::string_view b) {
  const size_t common = std::min(a.size(), b.size());
  return common > 0 && a.substr(0, common) == b.substr(0, common);
}

TailStep next_step(const FollowState& state, Duration settle) {
  if (state.size > state.examined) return TailStep::kRead;
  const Duration wait = state.moved ? settle : state.last_line_wait;
  if (wait == 0 || state.unchanged_for < wait) return TailStep::kWait;
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

bool is_rotated_path(std::string_view original, std::string_view path) {
  const auto [original_folder, original_name] = split_path(original);
  const auto [folder, name] = split_path(path);
  return original_folder == folder && is_rotated_name(original_name, name);
}

bool is_numbered_path(std::string_view original, std::string_view path) {
  for (const std::string_view ending : {".gz", ".zst"}) {
    if (path.ends_with(ending)) path.remove_suffix(ending.size());
  }
  if (!is_rotated_path(original, path)) return false;
  const auto same = static_cast<size_t>(
      std::mismatch(original.begin(), original.end(), path.begin(), path.end()).first -
      original.begin());
  const std::string_view rest = original.substr(same);
  if (path.size() <= original.size() || !path.ends_with(rest)) return false;
  const std::string_view added = path.substr(same, path.size() - original.size());
  return added.find_first_not_of("0123456789.-_:TZ") == std::string_view::npos &&
         added.find_first_of("0123456789") != std::string_view::npos;
}

bool is_rotated_file(const TailPosition& original, const FileSeen& file) {
  return is_rotated_path(original.path, file.path) ||
         (!original.real_path.empty() &&
          is_rotated_path(original.real_path, file.real_path.empty() ? file.path : file.real_path));
}

}  // namespace tocsin
