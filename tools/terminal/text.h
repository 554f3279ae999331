// Formats amounts for a terminal, and finds its size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace tocsin {

/// `21,272,698`: with thousands separators.
std::string grouped(uint64_t number);

/// `950 B`, `12.5 kB`, `501 MB`, `2.5 GB`: powers of ten.
std::string bytes_text(uint64_t bytes);

/// `[=======>      ]`; `share` is from 0 to 1.
std::string bar_text(double share);

/// Columns and lines of the terminal on standard output; 0 and 0 if it is not a terminal.
std::pair<size_t, size_t> terminal_size();

}  // namespace tocsin
