// The check of LMDB's pages, on a real catalog with flipped bits.
#include "db/catalog/pages.h"

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "db/database.h"
#include "tests/db/db_support.h"
#include "tests/support/temporary_folder.h"

namespace tocsin {
namespace {

using testing::take;

constexpr size_t kPage = 4096;
// Offsets in a meta page of LMDB 0.9.
constexpr size_t kFreeRoot = 16 + 24 + 40, kMainRoot = kFreeRoot + 48, kTransaction = 16 + 128;

// A catalog's file, copied to memory.
class CatalogFile {
 public:
  CatalogFile() {
    test::TemporaryFolder folder;
    {
      auto database = take(Database::open(folder.path()));
      for (int i = 0; i < 30; ++i) {
        WriteRequest request;
        request.changes.push_back({SmallTable::kSources, "tail/" + std::to_string(i % 7),
                                   std::string(static_cast<size_t>(i) * 97, 'v')});
        take(database->write(std::move(request)));
      }
    }
    const int file = open((folder.path() + "/catalog.mdb").c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(file >= 0);
    bytes_.resize(static_cast<size_t>(lseek(file, 0, SEEK_END)));
    REQUIRE(pread(file, bytes_.data(), bytes_.size(), 0) == static_cast<ssize_t>(bytes_.size()));
    close(file);
    file_ = memfd_create("catalog", MFD_CLOEXEC);
    REQUIRE(pwrite(file_, bytes_.data(), bytes_.size(), 0) == static_cast<ssize_t>(bytes_.size()));
    meta_ = number(kTransaction) > number(kPage + kTransaction) ? 0 : kPage;
  }
  ~CatalogFile() { close(file_); }

  uint64_t number(size_t at) const {
    uint64_t value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }
  uint64_t transaction() const { return number(meta_ + kTransaction); }
  size_t root(size_t of) const { return number(meta_ + of) * kPage; }
  size_t size() const { return bytes_.size(); }
  size_t short_at(size_t at) const { return number(at) & 0xffff; }

  bool is_whole() const { return take(pages_are_whole(file_, transaction())); }
  bool is_whole_with(size_t at, unsigned bit) const {
    const auto flipped = static_cast<uint8_t>(bytes_[at] ^ (1U << bit));
    REQUIRE(pwrite(file_, &flipped, 1, static_cast<off_t>(at)) == 1);
    const bool whole = is_whole();
    REQUIRE(pwrite(file_, &bytes_[at], 1, static_cast<off_t>(at)) == 1);
    return whole;
  }

 private:
  std::vector<uint8_t> bytes_;
  int file_ = -1;
  size_t meta_ = 0;
};

TEST_CASE("catalog pages: a catalog is whole, and one flipped bit of its structure is found",
          "[db]") {
  const CatalogFile catalog;
  REQUIRE(catalog.is_whole());
  for (const size_t page : {catalog.root(kFreeRoot), catalog.root(kMainRoot)}) {
    const size_t lower = catalog.short_at(page + 12);
    CAPTURE(page, lower);
    REQUIRE(lower > 16);
    for (size_t at = page; at < page + lower; ++at) {
      if (at == page + 8 || at == page + 9) continue;  // unused
      for (unsigned bit = 0; bit < 8; ++bit) {
        INFO(at - page << " bit " << bit);
        CHECK_FALSE(catalog.is_whole_with(at, bit));
      }
    }
    for (size_t pointer = page + 16; pointer < page + lower; pointer += 2) {
      const size_t node = page + catalog.short_at(pointer);
      for (size_t at = node; at < node + 8; ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
          INFO(at - page << " bit " << bit);
          CHECK_FALSE(catalog.is_whole_with(at, bit));
        }
      }
    }
  }
}

TEST_CASE("catalog pages: no flipped bit does harm", "[db]") {
  const CatalogFile catalog;
  const unsigned seed = 41;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int found = 0;
  for (int i = 0; i < 3000; ++i) {
    found += catalog.is_whole_with(random() % catalog.size(), random() % 8) ? 0 : 1;
  }
  CHECK(found > 10);
  CHECK(catalog.is_whole());
}

}  // namespace
}  // namespace tocsin
