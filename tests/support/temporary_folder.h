// A folder for the files of one test.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>

namespace tocsin::test {

/// A new folder that is removed with its contents at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (parent() / "tocsin-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  /// The path of the folder, or of an entry in it.
  std::string path(const std::string& name = "") const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }
  std::string operator/(const std::string& name) const { return path(name); }

  /// Both create the file and its folders if necessary, and return its path.
  std::string append(const std::string& name, const std::string& text) const {
    return put(name, text, std::ios::app);
  }
  std::string write(const std::string& name, const std::string& text) const {
    return put(name, text, std::ios::trunc);
  }
  void truncate(const std::string& name) const { std::filesystem::resize_file(path_ / name, 0); }
  void rename(const std::string& from, const std::string& to) const {
    std::filesystem::rename(path_ / from, path_ / to);
  }
  void copy(const std::string& from, const std::string& to) const {
    std::filesystem::copy_file(path_ / from, path_ / to);
  }
  void remove(const std::string& name) const { std::filesystem::remove(path_ / name); }

 private:
  /// In memory if there is space, because the tests sync a lot; TMPDIR overrides it.
  static std::filesystem::path parent() {
    constexpr std::uintmax_t kRoomMin = std::uintmax_t{1} << 30;
    std::error_code error;
    const auto space = std::filesystem::space("/dev/shm", error);
    const bool has_room = !error && space.available >= kRoomMin;
    if (has_room && std::getenv("TMPDIR") == nullptr) return "/dev/shm";
    return std::filesystem::temp_directory_path();
  }

  std::string put(const std::string& name, const std::string& text, std::ios::openmode mode) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary | mode) << text;
    return path(name);
  }

  std::filesystem::path path_;
};

}  // namespace tocsin::test
