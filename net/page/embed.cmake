# Turns files into a C++ source: cmake -DOUTPUT=out.cpp -DASSETS=path=file,path=file -P embed.cmake
# Each file is served at its path; its bytes become an array, so any content is safe.
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

set(arrays "")
set(table "")
set(index 0)
string(REPLACE "," ";" assets "${ASSETS}")
foreach(asset IN LISTS assets)
  string(REGEX MATCH "^([^=]+)=(.*\\.([a-z]+))$" matched "${asset}")
  set(path "${CMAKE_MATCH_1}")
  set(file "${CMAKE_MATCH_2}")
  set(type "${type_${CMAKE_MATCH_3}}")
  if(NOT type)
    message(FATAL_ERROR "no content type is known for ${file}")
  endif()
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  # Lines of a bearable length, for tools that read the source.
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "const unsigned char kBytes${index}[] = {\n${bytes}};\n")
  string(APPEND table "    {\"${path}\", \"${type}\",\n"
                      "     {reinterpret_cast<const char*>(kBytes${index}), sizeof kBytes${index}}},\n")
  math(EXPR index "${index} + 1")
endforeach()

file(WRITE "${OUTPUT}.new" "// Made by net/page/embed.cmake from the files of net/page.
#include \"net/page/page.h\"

namespace tocsin {
namespace {

${arrays}
const PageAsset kAssets[] = {
${table}};

}  // namespace

std::span<const PageAsset> page_assets() { return kAssets; }

}  // namespace tocsin
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
