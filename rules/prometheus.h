// What users of Prometheus write in rule files, and what to write here instead. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

/// About the inside of `{{ }}`; empty unless it is in Go's template language.
std::string go_template_advice(std::string_view inside);
/// About the filter of a template: `; write percent`, or empty.
std::string filter_advice(std::string_view filter);
/// About a severity: `; write MEDIUM`, or empty.
std::string severity_advice(std::string_view severity);

}  // namespace tocsin
