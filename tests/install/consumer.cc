// Reads the backup that it is given, through the installed C++ API.
#include <shmconf/reader.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (shmconf::Reader::open("none", {.directory = "/nonexistent", .allow_backup = false}).error().code !=
      shmconf::ErrorCode::kAbsent) {
    std::puts("a segment that is not there was not called absent");
    return 1;
  }
  auto reader = shmconf::Reader::open_backup(argv[1]);
  if (!reader) {
    std::puts(reader.error().text.c_str());
    return 1;
  }
  const shmconf::Value<int> port = reader->value<int>("redis/port", 0);
  int listed = 0;
  for (const shmconf::Entry& entry : reader->prefix("redis/")) listed += entry.value.empty() ? 0 : 1;
  std::printf("%s:%d %d\n", reader->get<std::string>("redis/host", "?").c_str(), port.get(), listed);
  return 0;
}
