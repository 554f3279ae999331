// The web page: its files, built into the binary. They live in net/page/.
#pragma once

#include <span>
#include <string_view>

namespace tocsin {

/// Views of static data.
struct PageAsset {
  std::string_view path;  ///< `/`, `/page/main.js`, ...
  std::string_view content_type;
  std::string_view content;
};

std::span<const PageAsset> page_assets();
/// Null when there is none at that path.
const PageAsset* find_page_asset(std::string_view path);

/// For the header Content-Security-Policy of every asset: the page loads nothing from anywhere
/// else, runs no script of its own making, and is shown in no other page.
inline constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace tocsin
