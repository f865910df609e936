// Feeds every file of a folder to a fuzz target, without libFuzzer: the regression test of its corpus.
//
//   NAME_corpus FOLDER
//
// A file sound-* must be taken for sound, a file refused-* must not; of any other, nothing is asked but
// that no promise breaks.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/target.h"

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
    return 2;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(arguments[1])) files.push_back(file.path());
  std::sort(files.begin(), files.end());
  int sound = 0;
  int wrong = 0;
  for (const auto& path : files) {
    const std::string name = path.filename().string();
    std::printf("%s\n", name.c_str());
    std::fflush(stdout);  // so that the last line names the file that ended the process
    std::ifstream file(path, std::ios::binary);
    const std::string input(std::istreambuf_iterator<char>(file), {});
    const bool accepted = shmconf::fuzz::accepts(input);
    sound += accepted ? 1 : 0;
    const bool expected = name.starts_with("sound-") ? accepted : !name.starts_with("refused-") || !accepted;
    if (expected) continue;
    std::printf("  was %s\n", accepted ? "accepted" : "refused");
    ++wrong;
  }
  std::printf("%zu files, %d of them sound, %d judged wrongly\n", files.size(), sound, wrong);
  return sound > 0 && wrong == 0 ? 0 : 1;
}
