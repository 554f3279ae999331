#include "net/page/page.h"

#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

std::string file_content(const std::string& name) {
  std::ifstream in(std::string(TOCSIN_SOURCE_DIR) + "/net/page/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool own(const PageAsset& asset) { return asset.path != "/page/chart.js"; }

}  // namespace

TEST_CASE("page: files are served unchanged", "[net]") {
  const PageAsset* page = find_page_asset("/");
  REQUIRE(page != nullptr);
  CHECK(page->content == file_content("index.html"));
  CHECK(page->content_type == "text/html; charset=utf-8");
  const PageAsset* script = find_page_asset("/page/main.js");
  REQUIRE(script != nullptr);
  CHECK(script->content == file_content("main.js"));
  CHECK(script->content_type == "text/javascript; charset=utf-8");
  CHECK(find_page_asset("/page/page.css")->content_type == "text/css; charset=utf-8");
  CHECK(find_page_asset("/page/bell.svg")->content_type == "image/svg+xml");
}

TEST_CASE("page: unknown paths have no asset", "[net]") {
  CHECK(find_page_asset("") == nullptr);
  CHECK(find_page_asset("/page/") == nullptr);
  CHECK(find_page_asset("/page/../page/main.js") == nullptr);
}

TEST_CASE("page: the chart library is complete and includes its licence", "[net]") {
  const PageAsset* chart = find_page_asset("/page/chart.js");
  REQUIRE(chart != nullptr);
  CHECK(chart->content.size() > 100'000);
  CHECK(chart->content.substr(0, 200).find("MIT License") != std::string_view::npos);
}

TEST_CASE("page: every reference leads to an asset of the page", "[net]") {
  const std::regex reference(R"re((?:src|href|from)\s*=?\s*"([^"#]+)")re");
  for (const PageAsset& asset : page_assets()) {
    if (!own(asset)) continue;
    const std::string text(asset.content);
    for (std::sregex_iterator it(text.begin(), text.end(), reference), end; it != end; ++it) {
      std::string target = (*it)[1];
      if (target.starts_with("./")) target = "/page/" + target.substr(2);
      INFO(asset.path << " refers to " << target);
      CHECK(find_page_asset(target) != nullptr);
    }
  }
}

TEST_CASE("page: data can never become markup or code", "[net]") {
  const std::regex forbidden(
      R"(innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\sstyle="|\son\w+=")");
  for (const PageAsset& asset : page_assets()) {
    if (!own(asset)) continue;
    INFO(asset.path);
    CHECK_FALSE(std::regex_search(std::string(asset.content), forbidden));
  }
}
