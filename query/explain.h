// Explains how a query ran: the checked plan, stage by stage, with what each step read and
// returned.
#pragma once

#include "query/format/result.h"
#include "query/plan/plan.h"

namespace tocsin {

/// One row for the source and for each stage: `stage` as the checker understood it, the `rows` it
/// returned, and the `time` of its step. Stages that ran in one step with a later one have nulls
/// there, except for the rows of the last `where` before the first `stats`. The row of the source
/// has the `bytes` of decoded values, the `segments` read, those `skipped` because of statistics or
/// dictionaries, those `answered` from metadata alone, and the baseline `windows` that were
/// remembered, so that their segments were not opened.
ResultTable explain(const Plan& plan, const ResultTable& result);

}  // namespace tocsin
