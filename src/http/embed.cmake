# Writes OUTPUT, the source that holds the bytes of FILES: cmake -DOUTPUT=... "-DFILES=a;b" -P embed.cmake
set(tables "")
set(entries "")
set(number 0)
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
  # A byte more, so that an empty file makes an array, too.
  string(APPEND tables "constexpr unsigned char kFile${number}[] = {\n${bytes}0};\n")
  string(APPEND entries "    Asset{\"${name}\", {reinterpret_cast<const char*>(kFile${number}), ${size}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}" "// Made by embed.cmake.
#include \"http/assets.h\"

#include <array>

namespace shmconf::http {
namespace {

${tables}
const std::array kAssets = {
${entries}};

}  // namespace

std::span<const Asset> assets() { return kAssets; }

}  // namespace shmconf::http
")
