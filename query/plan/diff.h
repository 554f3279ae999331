// The input and output columns of the stage `diff`.
#pragma once

#include <cstdint>
#include <vector>

#include "query/plan/plan.h"

namespace tocsin {

/// The columns that `diff` compares if the query does not name any: texts, booleans and integers
/// that `target` does not use. For `message`, its template is compared instead.
std::vector<NamedExpression> compared_columns(const std::vector<PlanColumn>& columns,
                                              const Expression& target);
/// The value of a column as one text if the column has values of several types. `index` is not that
/// of a sibling.
NamedExpression compared_column(const std::vector<PlanColumn>& columns, uint32_t index);

/// column, value, target, target_share, reference, reference_share, ratio, score, p.
std::vector<PlanColumn> diff_output();

}  // namespace tocsin
