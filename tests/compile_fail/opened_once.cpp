// OpenedOnce::get() points at an object that the OpenedOnce owns.
#include "db/segment/opened_once.h"

using namespace tocsin;

Result<int> use() {
  const auto open = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(1); };
#ifdef TOCSIN_FAIL
  TOCSIN_TRY(const int* number, OpenedOnce<int>().get(open));
#else
  const OpenedOnce<int> once;
  TOCSIN_TRY(const int* number, once.get(open));
#endif
  return *number;
}
