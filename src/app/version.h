// The name of this build.
#pragma once

#include <string_view>

namespace weir::app {

inline constexpr std::string_view kVersion = WEIR_VERSION;  // from CMakeLists.txt
inline constexpr std::string_view kCompiler = "clang " __clang_version__;

}  // namespace weir::app
