// AlignedBytes::view() and data() point into memory that the object frees.
#include "db/encoding/bytes.h"

using namespace tocsin;

size_t use() {
  const AlignedBytes bytes(64);
#ifdef TOCSIN_FAIL
  const ByteView view = AlignedBytes(64).view();
#else
  const ByteView view = bytes.view();
#endif
  return view.size();
}
