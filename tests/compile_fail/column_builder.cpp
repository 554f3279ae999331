// ColumnBuilder's values are spans over its members.
#include "db/segment/column_builder.h"

using namespace tocsin;

size_t use() {
#ifdef TOCSIN_FAIL
  const auto bits = ColumnBuilder(Column()).bits();
#else
  const ColumnBuilder builder{Column()};
  const auto bits = builder.bits();
#endif
  return bits.size();
}
