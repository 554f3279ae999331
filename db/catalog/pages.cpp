#include "db/catalog/pages.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <lmdb.h>
#include <unistd.h>

#include "db/base/file.h"

namespace tocsin {
namespace {

// The structs below are those of LMDB 0.9 with 64-bit page numbers. If this fails, compare them
// with the new mdb.c: MDB_meta, MDB_db, MDB_page, MDB_node, the flags P_* and F_*, the format of
// free lists (mdb_freelist_save), which meta page a transaction writes (mdb_env_write_meta), and
// MDB_DATA_VERSION. Then run `catalog pages` in tocsin_db_test, which has the offsets as well, and
// check that the program reads the database in tests/db/golden.
static_assert(MDB_VERSION_MAJOR == 0 && MDB_VERSION_MINOR == 9 && sizeof(size_t) == 8,
              "pages.cpp reads the page layout of LMDB 0.9");

constexpr uint32_t kMagic = 0xBEEFC0DE;
constexpr size_t kMetaPages = 2;
constexpr size_t kHeaderBytes = 16;  // of a page
constexpr size_t kNodeBytes = 8;     // before a node's key
constexpr uint64_t kNoPage = UINT64_MAX;
constexpr int kDepthMax = 32;

enum PageFlags : uint16_t { kBranch = 1, kLeaf = 2, kOverflow = 4, kMeta = 8 };
enum NodeFlags : uint16_t { kBigData = 1, kSubTree = 2 };

/// The kind of a tree's entries.
enum class Content { kFreeLists, kTables, kEntries };

struct PageHeader {
  uint64_t number;
  uint16_t pad;
  uint16_t flags;
  uint16_t lower;  // kOverflow: `lower` and `upper` are the count of pages
  uint16_t upper;

  uint32_t overflow_pages() const { return lower | static_cast<uint32_t>(upper) << 16; }
};
static_assert(sizeof(PageHeader) == kHeaderBytes);

struct NodeHeader {
  uint16_t low, high, flags, key_size;

  uint64_t child() const {
    return low | static_cast<uint64_t>(high) << 16 | static_cast<uint64_t>(flags) << 32;
  }
  uint32_t data_size() const { return low | static_cast<uint32_t>(high) << 16; }
};
static_assert(sizeof(NodeHeader) == kNodeBytes);

struct Tree {
  uint32_t pad;
  uint16_t flags;
  uint16_t depth;
  uint64_t branch_pages, leaf_pages, overflow_pages, entries;
  uint64_t root;
};
static_assert(sizeof(Tree) == 48);

struct Meta {
  uint32_t magic, version;
  uint64_t address, map_size;
  Tree free_pages, main;
  uint64_t last_page;
  uint64_t transaction;
};
static_assert(sizeof(Meta) == 136);

template <class T>
T load(const std::vector<uint8_t>& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// Its functions return false if the catalog is damaged, or if reading failed, which sets error_.
class PageCheck {
 public:
  PageCheck(int fd, uint64_t transaction) : fd_(fd), transaction_(transaction) {}

  Result<bool> run() {
    std::optional<Meta> meta = read_meta();
    const bool whole = meta && check(*meta);
    // If a writer has committed twice since, the commit's meta page has been overwritten.
    if (!whole) meta = read_meta();
    if (!error_.empty()) return fail(ErrorCode::kIo, error_);
    return whole || (meta && meta->magic == kMagic && meta->transaction > transaction_);
  }

 private:
  std::optional<Meta> read_meta() {
    std::vector<uint8_t> page;
    if (!read(transaction_ % kMetaPages, 1, page)) return std::nullopt;
    return load<Meta>(page, kHeaderBytes);
  }

  bool check(const Meta& meta) {
    if (meta.magic != kMagic || meta.transaction != transaction_) return false;
    const off_t size = lseek(fd_, 0, SEEK_END);
    if (size < 0 || meta.last_page >= static_cast<uint64_t>(size) / page_size_) return false;
    used_.assign(meta.last_page + 1, false);
    used_[0] = used_[1] = true;
    return check_tree(meta.free_pages, Content::kFreeLists) &&
           check_tree(meta.main, Content::kTables);
  }

  bool check_tree(const Tree& tree, Content content) {
    if (tree.root == kNoPage) return tree.entries == 0 && tree.depth == 0;
    Tree counted{};
    return tree.depth > 0 && tree.depth <= kDepthMax &&
           check_page(tree.root, tree.depth, content, counted) &&
           counted.branch_pages == tree.branch_pages && counted.leaf_pages == tree.leaf_pages &&
           counted.overflow_pages == tree.overflow_pages && counted.entries == tree.entries;
  }

  // `height` is 1 for a leaf.
  bool check_page(uint64_t number, int height, Content content, Tree& counted) {
    std::vector<uint8_t> page;
    if (!use(number, 1) || !read(number, 1, page)) return false;
    const auto header = load<PageHeader>(page, 0);
    const bool leaf = height == 1;
    if (header.number != number || header.flags != (leaf ? kLeaf : kBranch)) return false;
    if (header.lower < kHeaderBytes || header.lower % sizeof(uint16_t) != 0 ||
        header.lower > header.upper || header.upper > page_size_) {
      return false;
    }
    ++(leaf ? counted.leaf_pages : counted.branch_pages);
    std::vector<std::pair<size_t, size_t>> nodes;  // starts and ends
    for (size_t at = kHeaderBytes; at < header.lower; at += sizeof(uint16_t)) {
      const auto start = load<uint16_t>(page, at);
      if (start < header.upper || start + kNodeBytes > page_size_) return false;
      const auto node = load<NodeHeader>(page, start);
      size_t size = kNodeBytes + node.key_size;
      if (leaf) size += (node.flags & kBigData) != 0 ? sizeof(uint64_t) : node.data_size();
      if (start + size > page_size_) return false;
      nodes.emplace_back(start, start + size + size % 2);
      if (!leaf) {
        if (!check_page(node.child(), height - 1, content, counted)) return false;
        continue;
      }
      ++counted.entries;
      if (!check_data(node, page, start + kNodeBytes + node.key_size, content, counted)) {
        return false;
      }
    }
    // The nodes are adjacent and end at the end of the page.
    std::sort(nodes.begin(), nodes.end());
    size_t end = header.upper;
    for (const auto& node : nodes) {
      if (node.first != end) return false;
      end = node.second;
    }
    return end == page_size_;
  }

  bool check_data(const NodeHeader& node, const std::vector<uint8_t>& page, size_t data,
                  Content content, Tree& counted) {
    const bool free_list = content == Content::kFreeLists;
    if (content == Content::kTables) {
      return node.flags == kSubTree && node.data_size() == sizeof(Tree) &&
             check_tree(load<Tree>(page, data), Content::kEntries);
    }
    if (node.flags == 0) return !free_list || check_free_list(page, data, node.data_size());
    if (node.flags != kBigData) return false;
    const auto number = load<uint64_t>(page, data);
    const uint64_t count = (kHeaderBytes + node.data_size() + page_size_ - 1) / page_size_;
    std::vector<uint8_t> first;
    if (!use(number, count) || !read(number, free_list ? count : 1, first)) return false;
    const auto header = load<PageHeader>(first, 0);
    counted.overflow_pages += count;
    return header.number == number && header.flags == kOverflow &&
           header.overflow_pages() == count &&
           (!free_list || check_free_list(first, kHeaderBytes, node.data_size()));
  }

  // A count, then that many page numbers in descending order. An empty list may be larger than its
  // count needs.
  bool check_free_list(const std::vector<uint8_t>& bytes, size_t at, size_t size) {
    if (size < sizeof(uint64_t) || size % sizeof(uint64_t) != 0) return false;
    const auto count = load<uint64_t>(bytes, at);
    if (count != 0 && count != size / sizeof(uint64_t) - 1) return false;
    uint64_t before = kNoPage;
    for (uint64_t i = 1; i <= count; ++i) {
      const auto number = load<uint64_t>(bytes, at + i * sizeof(uint64_t));
      if (number >= before || !use(number, 1)) return false;
      before = number;
    }
    return true;
  }

  // Marks pages as used; false if one of them does not exist or is used already.
  bool use(uint64_t first, uint64_t count) {
    if (first >= used_.size() || count > used_.size() - first) return false;
    for (uint64_t number = first; number < first + count; ++number) {
      if (used_[number]) return false;
      used_[number] = true;
    }
    return true;
  }

  bool read(uint64_t first, uint64_t count, std::vector<uint8_t>& bytes) {
    bytes.resize(count * page_size_);
    const auto out = std::as_writable_bytes(std::span(bytes));
    const Result<size_t> size = read_up_to_at(fd_, out, first * page_size_, "the catalog");
    if (!size) error_ = size.error().message;
    return size && *size == bytes.size();
  }

  const int fd_;
  const uint64_t transaction_;
  const size_t page_size_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<bool> used_;  // by page
  std::string error_;
};

}  // namespace

Result<bool> pages_are_whole(int fd, uint64_t transaction) {
  return PageCheck(fd, transaction).run();
}

}  // namespace tocsin
