#include "net/tail/scanner.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <zstd.h>

#include "tests/net/support.h"

using namespace tocsin;
using namespace tocsin::test;

namespace {

std::vector<std::string> names(const TailScanner& scanner) {
  std::vector<std::string> out;
  for (const FileSeen& file : scanner.files()) out.push_back(file_name_of(file.path));
  return out;
}

}  // namespace

TEST_CASE("tail scanner: globs find regular files and their heads", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.json", std::string(2000, 'x'));
  folder.append("b/y.json", "yy");
  folder.append("b/y.txt", "no");
  std::filesystem::create_directory(folder.path("b/z.json"));
  REQUIRE(mkfifo(folder.path("b/pipe.json").c_str(), 0600) == 0);
  TailScanner scanner({{folder.path("*/*.json")}});
  scanner.scan({});
  REQUIRE(names(scanner) == std::vector<std::string>{"x.json", "y.json"});
  CHECK(scanner.files()[0].size == 2000);
  CHECK(scanner.files()[0].head == std::string(1024, 'x'));
  CHECK(scanner.files()[1].head == "yy");
  CHECK(scanner.folders() == std::vector<std::string>{folder.path("a"), folder.path("b")});
  CHECK(scanner.troubles().empty());
}

TEST_CASE("tail scanner: the next scan sees a changed file", "[net]") {
  const TemporaryFolder folder;
  folder.append("x.json", "one");
  TailScanner scanner({{folder.path("*.json")}});
  scanner.scan({});
  folder.append("x.json", "two");
  scanner.scan({});
  REQUIRE(scanner.files().size() == 1);
  CHECK(scanner.files()[0].head == "onetwo");
  folder.remove("x.json");
  scanner.scan({});
  CHECK(scanner.files().empty());
}

TEST_CASE("tail scanner: a file with several paths appears once, for the first source", "[net]") {
  const TemporaryFolder folder;
  folder.append("x.json", "one");
  std::filesystem::create_hard_link(folder.path("x.json"), folder.path("a.json"));
  std::filesystem::create_symlink(folder.path("x.json"), folder.path("b.json"));
  TailScanner scanner({{folder.path("x.*")}, {folder.path("*.json")}});
  scanner.scan({});
  REQUIRE(names(scanner) == std::vector<std::string>{"x.json"});
  CHECK(scanner.files()[0].source == 0);
}

TEST_CASE("tail scanner: a missing file is found under its rotated name or by its inode", "[net]") {
  const TemporaryFolder folder;
  folder.append("a.log.1", "rotated");
  folder.append("moved", "by inode");
  folder.append("b.log.1", "of another");
  struct stat s {};
  REQUIRE(stat(folder.path("moved").c_str(), &s) == 0);
  TailScanner scanner({{folder.path("*.log")}});
  scanner.scan({{folder.path("a.log"), s.st_ino}});
  CHECK(names(scanner) == std::vector<std::string>{"a.log.1", "moved"});
  for (const FileSeen& file : scanner.files()) CHECK(file.sibling());
  scanner.scan({});
  CHECK(scanner.files().empty());
}

TEST_CASE("tail scanner: a compressed sibling shows its original beginning and size", "[net]") {
  const TemporaryFolder folder;
  const std::string text = [] {
    std::string lines;
    for (int n = 0; n < 2000; ++n) lines += "line " + std::to_string(n) + "\n";
    return lines;
  }();
  folder.append("plain", text);
  const std::string plain = folder.path("plain");
  REQUIRE(std::system(("gzip -c " + plain + " > " + folder.path("a.log.1.gz")).c_str()) == 0);
  std::string zstd(ZSTD_compressBound(text.size()), '\0');
  zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), text.data(), text.size(), 1));
  folder.append("a.log.2.zst", zstd);
  folder.append("a.log.3.gz", "\x1F\x8B\x08 damaged");
  TailScanner scanner({{folder.path("*.log")}});
  scanner.scan({{folder.path("a.log"), 0}});
  REQUIRE(names(scanner) == std::vector<std::string>{"a.log.1.gz", "a.log.2.zst", "a.log.3.gz"});
  for (size_t i = 0; i < 2; ++i) {
    REQUIRE(scanner.files()[i].packed);
    CHECK(scanner.files()[i].packed->head == text.substr(0, kHeadBytesMax));
    CHECK(scanner.files()[i].packed->size == text.size());
  }
  CHECK_FALSE(scanner.files()[2].packed);
}

TEST_CASE("tail scanner: comparisons end at the first difference or at the end of a file",
          "[net]") {
  const TemporaryFolder folder;
  const std::string bytes(600'000, 'x');
  folder.append("a", bytes);
  folder.append("b", bytes + "b");
  folder.append("c", bytes.substr(0, 500'000) + "c");
  const auto key = [&](const std::string& name) {
    const auto facts = OpenFile::open(folder.path(name)).value()->facts().value();
    return FileKey{facts.device, facts.inode};
  };
  const auto compare = [&](const std::string& file, const std::string& other, uint64_t other_size) {
    TailScanner scanner({{folder.path("*.log")}});
    scanner.scan({}, {{.file_key = key(file),
                       .path = folder.path(file),
                       .other_key = key(other),
                       .other_path = folder.path(other),
                       .other_head = std::string(kHeadBytesMax, 'x'),
                       .other_size = other_size,
                       .equal = 100}});
    return scanner.comparisons().at(0);
  };
  CHECK(compare("b", "a", 600'000).equal == 600'000);
  CHECK_FALSE(compare("b", "a", 600'000).differs);
  CHECK(compare("c", "a", 600'000).equal == 500'000);
  CHECK(compare("c", "a", 600'000).differs);
  CHECK(compare("c", "a", 600'000).valid);
  CHECK_FALSE(compare("c", "a", 600'001).valid);  // it was truncated meanwhile
}

TEST_CASE("tail scanner: without descriptors the previous result is kept", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", "one");
  folder.append("y.log.1", "rotated");
  const auto check = [&](const std::string& glob, const std::vector<MissingFile>& missing) {
    TailScanner scanner({{folder.path(glob)}});
    scanner.scan({});
    REQUIRE(names(scanner) == std::vector<std::string>{"x.log"});
    const auto folders = scanner.folders();
    folder.append("a/x.log", "more");
    {
      const NoDescriptors none;
      scanner.scan(missing);
    }
    CHECK_FALSE(scanner.complete());
    REQUIRE_FALSE(scanner.troubles().empty());
    CHECK(scanner.troubles().begin()->second.find("Too many open files") != std::string::npos);
    CHECK(names(scanner) == std::vector<std::string>{"x.log"});
    CHECK(scanner.folders() == folders);
    scanner.scan(missing);
    CHECK(scanner.complete());
    CHECK(scanner.troubles().empty());
    CHECK(names(scanner).size() == 1 + missing.size());
  };
  check("*/*.log", {});                           // the folder cannot be listed
  check("a/x.log", {});                           // the file cannot be opened
  check("a/x.log", {{folder.path("y.log"), 0}});  // siblings cannot be searched for
}

TEST_CASE("tail scanner: a path belongs to the first source whose glob it matches", "[net]") {
  const TailScanner scanner({{"/l/a/*.log"}, {"/l/*/*.log", "/m/x"}});
  CHECK(scanner.source_of("/l/a/1.log") == 0);
  CHECK(scanner.source_of("/l/b/1.log") == 1);
  CHECK(scanner.source_of("/m/x") == 1);
  CHECK_FALSE(scanner.source_of("/l/b/c/1.log"));
}

TEST_CASE("tail scanner: folder and last component of a path", "[net]") {
  CHECK(folder_of("/a/b") == "/a");
  CHECK(folder_of("/a") == "/");
  CHECK(folder_of("a") == ".");
  CHECK(file_name_of("/a/b") == "b");
  CHECK(file_name_of("b") == "b");
}
