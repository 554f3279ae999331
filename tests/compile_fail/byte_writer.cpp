// ByteWriter::bytes() is a reference to a member.
#include "db/encoding/bytes.h"

using namespace tocsin;

size_t use() {
  const ByteWriter writer;
#ifdef TOCSIN_FAIL
  const std::string& bytes = ByteWriter().bytes();
#else
  const std::string& bytes = writer.bytes();
#endif
  return bytes.size();
}
