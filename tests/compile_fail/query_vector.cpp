// Vector::text_at() may be a view into the vector's own buffers.
#include "query/vector/vector.h"

using namespace tocsin;

Vector make();

size_t use() {
#ifdef TOCSIN_FAIL
  const std::string_view text = make().text_at(0);
#else
  const Vector vector = make();
  const std::string_view text = vector.text_at(0);
#endif
  return text.size();
}
