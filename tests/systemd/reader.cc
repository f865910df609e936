// A service: one reader that stays open as long as the process. Keeps in FILE, on one line, the value of
// KEY and the verdict on it. Ends with 1 where there is no configuration when it starts.
//
//   reader KEY FILE
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include "shmconf/reader.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string file = argv[2];
  auto reader = shmconf::Reader::open("");
  if (!reader) {
    std::cerr << reader.error().text << "\n";
    return 1;
  }
  std::string written;
  for (;;) {
    const std::string seen =
        reader->get<std::string>(argv[1], "absent") + " " + shmconf::verdict_name(reader->status().verdict);
    if (seen != written) {
      std::ofstream(file + ".new") << seen << "\n";
      if (std::rename((file + ".new").c_str(), file.c_str()) != 0) return 1;
      written = seen;
    }
    reader->wait_for_change(std::chrono::milliseconds(100));
  }
}
