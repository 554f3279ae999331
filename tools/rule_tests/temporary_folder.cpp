#include "tools/rule_tests/temporary_folder.h"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "db/base/system_error.h"

namespace tocsin {
namespace {

std::filesystem::path parent_folder() {
  constexpr std::uintmax_t kRoomMin = std::uintmax_t{2} << 30;
  std::error_code error;
  const auto space = std::filesystem::space("/dev/shm", error);
  if (!error && space.available >= kRoomMin && std::getenv("TMPDIR") == nullptr) return "/dev/shm";
  return std::filesystem::temp_directory_path();
}

}  // namespace

Result<TemporaryFolder> TemporaryFolder::make() {
  std::string name = (parent_folder() / "tocsin-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return system_error("creating", name, errno);
  return TemporaryFolder(std::move(name));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace tocsin
