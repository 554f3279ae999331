// The shipped tocsin.yml and rule files, embedded at build time so that Tocsin runs without any
// configuration file.
#pragma once

#include <span>
#include <string_view>

namespace tocsin {

struct ShippedFile {
  std::string_view name;  ///< `failures.yml`
  std::string_view text;
};

std::string_view shipped_config();             ///< config/tocsin.yml
std::span<const ShippedFile> shipped_rules();  ///< config/rules/*.yml, by name

}  // namespace tocsin
