// Batch::measurements() is a reference to a member: looping over those of a temporary would read
// freed rows.
#include "db/schema/batch.h"

using namespace tocsin;

Batch parse();

size_t use() {
  size_t row_count = 0;
#ifdef TOCSIN_FAIL
  for (const RowBatch& rows : parse().measurements()) row_count += rows.row_count();
#else
  const Batch batch = parse();
  for (const RowBatch& rows : batch.measurements()) row_count += rows.row_count();
#endif
  return row_count;
}
