#include "cli/exit_code.h"

namespace shmconf::cli {

int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kAbsent:
    case ErrorCode::kTimeout: return kExitAbsent;
    case ErrorCode::kInvalid: return kExitUsage;
    case ErrorCode::kWrongVersion:
    case ErrorCode::kDamaged:
    case ErrorCode::kWrongType: return kExitDamaged;
    case ErrorCode::kDenied: return kExitDenied;
    case ErrorCode::kNotReady:
    case ErrorCode::kUnavailable:
    case ErrorCode::kNoSpace:
    case ErrorCode::kSystem: return kExitNoConfiguration;
  }
  return kExitNoConfiguration;
}

std::string_view exit_code_table() {
  return "Exit codes:\n"
         "  0        done\n"
         "  1        absent, or timed out\n"
         "  2        bad usage or settings\n"
         "  3        no configuration to be had\n"
         "  4        damaged or incompatible\n"
         "  5        not permitted\n"
         "  125-127  exec: not started (125), CMD not executable (126), CMD not found (127);\n"
         "           otherwise exec ends with CMD's own code, 128+n after signal n\n";
}

}  // namespace shmconf::cli
