// Measurement::find() points into the measurement.
#include "db/schema/schema.h"

using namespace tocsin;

Measurement make();

bool use() {
#ifdef TOCSIN_FAIL
  const Column* found = make().find("status");
#else
  const Measurement measurement = make();
  const Column* found = measurement.find("status");
#endif
  return found != nullptr;
}
