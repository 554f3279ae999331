// How a query ran: the checked plan, stage by stage, with what each step read and left.
#pragma once

#include "query/format/result.h"
#include "query/plan/plan.h"

namespace tocsin {

/// One row for the source and each stage: `stage` as the checker understood it, `rows` that left
/// it, `time` of its step. Stages that ran as one step with a later one have a null there. The
/// source's row has what was read: `bytes` of decoded values, `segments` read, `skipped` by their
/// statistics or dictionaries, `answered` from metadata alone, and baseline `windows` that were
/// remembered, whose segments are not even opened.
ResultTable explain(const Plan& plan, const ResultTable& result);

}  // namespace tocsin
