// Catalog::find() points into the catalog.
#include "db/schema/schema.h"

using namespace tocsin;

Catalog make();

bool use() {
#ifdef TOCSIN_FAIL
  const Measurement* found = make().find("web");
#else
  const Catalog catalog = make();
  const Measurement* found = catalog.find("web");
#endif
  return found != nullptr;
}
