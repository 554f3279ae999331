#include "db/segment.h"

#include "db/segment_inspection.h"

namespace tocsin {

Result<SegmentInspection> Segment::inspect() const {
  return fail(ErrorCode::kUnsupported, "the segment " + info().name + " is not stored");
}

}  // namespace tocsin
