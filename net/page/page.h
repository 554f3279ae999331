// The files of the web page (net/page/), embedded in the binary.
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
/// The asset at `path`; null if there is none.
const PageAsset* find_page_asset(std::string_view path);

/// The Content-Security-Policy header of every asset: the page loads nothing from other servers,
/// runs no inline scripts, and cannot be embedded in another page.
inline constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace tocsin
