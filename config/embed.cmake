# Writes a C++ source that holds the shipped configuration files as raw strings.
# cmake -DOUTPUT=FILE -DCONFIG=FILE -DRULES=FILE,FILE... -P embed.cmake
string(REPLACE "," ";" RULES "${RULES}")

# A compiler takes string literals of 64 KiB at least; ours are far below.
function(literal path variable)
  file(READ "${path}" text)
  set(${variable} "R\"tocsin(${text})tocsin\"" PARENT_SCOPE)
endfunction()

literal("${CONFIG}" config)
set(source "// Made by config/embed.cmake from config/tocsin.yml and config/rules.\n")
string(APPEND source "#include \"config/shipped.h\"\n\nnamespace tocsin {\n\n")
string(APPEND source "std::string_view shipped_config() {\n  return ${config};\n}\n\n")
string(APPEND source "std::span<const ShippedFile> shipped_rules() {\n")
string(APPEND source "  static constexpr ShippedFile kFiles[] = {\n")
foreach(path IN LISTS RULES)
  get_filename_component(name "${path}" NAME)
  literal("${path}" text)
  string(APPEND source "{\"${name}\", ${text}},\n")
endforeach()
string(APPEND source "  };\n  return kFiles;\n}\n\n}  // namespace tocsin\n")
file(WRITE "${OUTPUT}" "${source}")
