#include "db/segment/segment.h"

#include "db/segment/inspection.h"

namespace tocsin {
namespace {

tl::unexpected<Error> no_such(const char* what) {
  return fail(ErrorCode::kUnsupported, std::string("this column has no ") + what);
}

}  // namespace

Result<std::span<const TextTemplate>> SegmentColumn::templates() const {
  return no_such("templates");
}

Status SegmentColumn::read_template_ids(size_t, std::span<uint32_t>) const {
  return no_such("templates");
}

Status SegmentColumn::read_ids(size_t, std::span<uint64_t>) const { return no_such("ids"); }
Status SegmentColumn::read_distinct_ids(std::vector<uint64_t>&) const { return no_such("ids"); }
Status SegmentColumn::read_id_codes(size_t, std::span<uint32_t>) const { return no_such("ids"); }

Result<SegmentInspection> Segment::inspect() const {
  return fail(ErrorCode::kUnsupported, "the segment " + info().name + " is not stored");
}

}  // namespace tocsin
