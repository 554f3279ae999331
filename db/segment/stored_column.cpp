#include "db/segment/stored_column.h"

#include <fmt/format.h>

namespace tocsin {

tl::unexpected<Error> StoredColumn::damaged(const std::string& fault) const {
  return fail(ErrorCode::kCorrupt,
              fmt::format("segment {} is damaged: column `{}`: {}; see `tocsin verify` and "
                          "`tocsin repair`",
                          info_.name, table_.name()->str(), fault));
}

Result<ByteView> StoredColumn::open_bytes(const format::Buffer* buffer, const char* name) const {
  return buffers_.open(buffer, info_.name, table_.name()->str() + "/" + name);
}

Result<ByteView> StoredColumn::open_sized(const format::Buffer* buffer, const char* name,
                                          size_t size) const {
  TOCSIN_TRY(ByteView bytes, open_bytes(buffer, name));
  if (bytes.size() != size) {
    return damaged(fmt::format("{} has {} bytes instead of {}", name, bytes.size(), size));
  }
  return bytes;
}

Result<IntegerStream> StoredColumn::open_integers(const format::Buffer* buffer, const char* name,
                                                  size_t count) const {
  TOCSIN_TRY(ByteView bytes, open_bytes(buffer, name));
  IntegerStream stream;
  if (!stream.open(bytes, count)) {
    return damaged(fmt::format("`{}` is not a valid integer stream", name));
  }
  return stream;
}

}  // namespace tocsin
