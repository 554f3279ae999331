// How a query ran: the checked plan, stage by stage, with what each step read and left.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "query/format/result.h"
#include "query/plan/plan.h"

namespace tocsin {

/// Bytes that the word `explain` takes at the beginning of a text; 0 when it does not begin so.
size_t explain_prefix(std::string_view text);
/// The query behind that word, with blanks in its place, so that what is said about places stays
/// true.
std::string without_explain(std::string_view text);

/// One row for the source and each stage: `stage` as the checker understood it, `rows` that left
/// it, `time` of its step. Stages that ran as one step with a later one have a null there. The
/// source's row has what was read: `bytes` of decoded values, `segments` read, `skipped` by their
/// statistics or dictionaries, `answered` from metadata alone, and baseline `windows` that were
/// remembered, whose segments are not even opened.
ResultTable explain(const Plan& plan, const ResultTable& result);

}  // namespace tocsin
