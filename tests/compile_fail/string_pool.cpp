// StringPool::entry() is a view into the pool's blocks.
#include "db/encoding/string_pool.h"

using namespace tocsin;

StringPool make();

size_t use() {
#ifdef TOCSIN_FAIL
  const std::string_view entry = make().entry(0);
#else
  const StringPool pool = make();
  const std::string_view entry = pool.entry(0);
#endif
  return entry.size();
}
