// Measurement names that are more likely the first word of a text line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

/// Whether `name`, without its escapes, looks like a time or like `key=value`. Line protocol would
/// accept such a word as a measurement, so a text log would create one per line.
bool is_odd_measurement(std::string_view name);

/// Why a line of line protocol with such a measurement is rejected, and what to do.
std::string odd_measurement_reason(std::string_view name);
/// Why a row is rejected that ParseOptions::admit_odd_name does not admit.
std::string odd_names_limit_reason(std::string_view name);

/// New measurements with such names that one source may create in a minute.
inline constexpr size_t kOddNamesMax = 100;

}  // namespace tocsin
