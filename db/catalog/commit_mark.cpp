#include "db/catalog/commit_mark.h"

#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "db/base/file.h"
#include "db/encoding/bytes.h"

namespace tocsin {
namespace {

std::string path_of(const std::string& directory) { return directory + "/commit.mark"; }

std::string text_of_mark(const CommitMark& mark) {
  ByteWriter writer;
  writer.u64(mark.commit_number);
  writer.u32(static_cast<uint32_t>(mark.sealed_ids.size()));
  for (uint64_t id : mark.sealed_ids) writer.u64(id);
  writer.u64(checksum(bytes_of(writer.bytes())));
  return writer.take();
}

}  // namespace

CommitMark read_commit_mark(const std::string& directory) {
  std::ifstream file(path_of(directory), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  ByteReader reader(bytes_of(bytes));
  CommitMark mark;
  mark.commit_number = reader.u64();
  const uint32_t count = reader.u32();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) mark.sealed_ids.push_back(reader.u64());
  // The rest of an earlier, longer mark may follow the checksum.
  if (!reader.ok() || !bytes.starts_with(text_of_mark(mark))) return {};
  return mark;
}

void write_commit_mark(const std::string& directory, const CommitMark& mark) {
  const int descriptor =
      ::open(path_of(directory).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kFileMode);
  if (descriptor < 0) return;
  const std::string bytes = text_of_mark(mark);
  // If this fails, a lost commit may go unnoticed later; nothing else depends on the mark.
  (void)!::pwrite(descriptor, bytes.data(), bytes.size(), 0);
  ::close(descriptor);
}

Status check_commit_mark(const std::string& directory, const CommitMark& mark,
                         uint64_t commit_number) {
  if (mark.commit_number <= commit_number) return {};
  if (commit_number == 0) {
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("the catalog of {} is missing or empty, but {} commits were made; put it "
                    "back, or run `tocsin repair --db {}`, which makes one from the segments",
                    directory, mark.commit_number, directory));
  }
  return fail(
      ErrorCode::kCorrupt,
      fmt::format(
          "the catalog of {} opened at commit {}, but commit {} was made: its newest "
          "state is damaged; stop the process that writes it and run `tocsin repair --db {}`",
          directory, commit_number, mark.commit_number, directory));
}

}  // namespace tocsin
