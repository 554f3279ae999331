#include "tools/query_arguments.h"

#include <fstream>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>

namespace tocsin {
namespace {

Result<std::string> read_all(std::istream& stream, const std::string& name) {
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return fail(ErrorCode::kIo, "the query cannot be read from " + name);
  return text.str();
}

}  // namespace

Result<std::string> query_text(const std::string& argument) {
  if (argument == "-") return read_all(std::cin, "standard input");
  if (argument.empty() || argument.front() != '@') return argument;
  std::ifstream file(argument.substr(1));
  return read_all(file, argument.substr(1));
}

std::vector<std::pair<std::string, std::string>> split_parameters(
    const std::vector<std::string>& parameters) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& parameter : parameters) {
    const size_t equals = parameter.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw CLI::ValidationError("--param", "\"" + parameter + "\" is not name=value");
    }
    pairs.emplace_back(parameter.substr(0, equals), parameter.substr(equals + 1));
  }
  return pairs;
}

}  // namespace tocsin
