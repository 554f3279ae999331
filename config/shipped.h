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
/// The name of the file whose rules are off unless the setting `rules.detect` is true.
inline constexpr std::string_view kDetectRules = "detect.yml";

}  // namespace tocsin
