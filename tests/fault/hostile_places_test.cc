// What somebody else has put where the sidecar keeps its files, for its processes and for readers: it is
// refused, with a line that says what is wrong where and what to do, or replaced; nothing outside is made,
// written to, cut short, opened to others or removed; and nobody waits for it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backup/store.h"
#include "fakes/stamped_content.h"
#include "harness/temp_directory.h"
#include "reader/file_place.h"
#include "reader/users.h"
#include "shm/publisher.h"
#include "shm/segment.h"
#include "shmconf/reader.h"
#include "supervisor/holder.h"
#include "supervisor/users.h"

namespace shmconf {
namespace {

namespace fs = std::filesystem;
using fakes::StampedContent;

constexpr uid_t kStranger = 12345;
constexpr char kPrecious[] = "somebody's bytes, longer than what the sidecar writes into a file that is there already, "
                             "which is a line of its own and a number";

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
  ::chmod(path.c_str(), 0600);
}

// What there is at a path, without following it.
std::string state_of(const std::string& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) return "absent";
  std::string text = std::to_string(info.st_ino) + " " + std::to_string(info.st_mode) + " " + std::to_string(info.st_uid);
  if (S_ISREG(info.st_mode)) text += " " + std::to_string(info.st_size);
  if (S_ISREG(info.st_mode) && info.st_size < 100'000) text += " " + read_text(path);
  return text;
}

// One hostile thing, and how it is put at a path.
struct Plant {
  const char* what;
  std::function<void(const std::string& path)> put;
};

class HostilePlaces : public ::testing::Test {
 protected:
  HostilePlaces() {
    ::mkdir(root_.c_str(), 0700);
    ::mkdir(elsewhere_.c_str(), 0700);
    write_text(victim_, kPrecious);
    ::chmod(victim_.c_str(), 0604);
    victim_before_ = state_of(victim_);
  }

  // What can be put in the place of a file of ours. Only root can make what belongs to another user.
  [[nodiscard]] std::vector<Plant> plants() const {
    std::vector<Plant> all = {
        {"a symlink to a file", [this](const std::string& path) { fs::create_symlink(victim_, path); }},
        {"a symlink to what is not there", [this](const std::string& path) { fs::create_symlink(never_made(), path); }},
        {"a symlink to a directory", [this](const std::string& path) { fs::create_symlink(elsewhere_, path); }},
        {"a FIFO", [](const std::string& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); }},
        {"a directory", [](const std::string& path) { fs::create_directory(path); }},
    };
    if (::geteuid() != 0) return all;
    for (const mode_t mode : {0600, 0666, 0400}) {
      all.push_back({"another user's file", [mode](const std::string& path) {
                       write_text(path, kPrecious);
                       ASSERT_EQ(::chmod(path.c_str(), mode), 0);
                       ASSERT_EQ(::chown(path.c_str(), kStranger, kStranger), 0);
                     }});
    }
    all.push_back({"a device", [](const std::string& path) {
                     // Where devices may not be made, as in a user namespace, there are none to fear.
                     if (::mknod(path.c_str(), S_IFCHR | 0600, makedev_null()) != 0) ::mkfifo(path.c_str(), 0600);
                   }});
    return all;
  }
  // These too, for a file that is written in place.
  [[nodiscard]] std::vector<Plant> plants_for_written_files() const {
    std::vector<Plant> all = plants();
    all.push_back({"a hard link", [this](const std::string& path) {
                     ::chmod(victim_.c_str(), 0600);
                     fs::create_hard_link(victim_, path);
                   }});
    all.push_back({"a file that is open to others", [](const std::string& path) {
                     write_text(path, kPrecious);
                     ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
                   }});
    return all;
  }
  static dev_t makedev_null() { return (1U << 8) | 3U; }

  template <typename T>
  void expect_refusal(const Result<T>& result, const std::string& path) {
    ASSERT_FALSE(result) << "taken";
    EXPECT_EQ(result.error().code, ErrorCode::kDenied) << result.error().text;
    const std::string& text = result.error().text;
    EXPECT_NE(text.find("'" + path + "'"), std::string::npos) << text;
    EXPECT_TRUE(text.find("remove it") != std::string::npos || text.find("chmod") != std::string::npos ||
                text.find("name ") != std::string::npos)
        << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
  // With each of these at path: it is refused, and stays as it was.
  template <typename Attempt>
  void each_is_refused(const std::vector<Plant>& things, const std::string& path, Attempt attempt) {
    for (const Plant& plant : things) {
      SCOPED_TRACE(std::string(plant.what) + " at " + path);
      fs::remove_all(path);
      plant.put(path);
      const std::string before = state_of(path);
      expect_refusal(attempt(), path);
      EXPECT_EQ(state_of(path), before);
      fs::remove_all(path);
      ::chmod(victim_.c_str(), 0604);
      expect_nothing_outside();
    }
  }
  void expect_nothing_outside() const {
    EXPECT_EQ(state_of(victim_), victim_before_);
    EXPECT_FALSE(fs::exists(never_made()));
    EXPECT_TRUE(fs::is_empty(elsewhere_));
  }

  [[nodiscard]] std::string never_made() const { return top_ / "never"; }
  [[nodiscard]] shm::Place place(bool is_default = false) const {
    return {.root = root_, .root_is_default = is_default, .name = "web", .group = {}};
  }
  Result<shm::Segment> attach() { return shm::Segment::attach(env_, place()); }
  Result<Reader> read(bool private_copy = false) const {
    return Reader::open("web", {.directory = root_, .allow_backup = false, .private_copy = private_copy});
  }
  // Leaves a segment with one generation; its file.
  std::string publish() {
    auto segment = attach().value();
    auto watch = shm::Publisher::attach(env_, segment, format::Role::kWatch).value();
    StampedContent content(++stamp_, 3);
    std::uint64_t noted = watch.note();
    EXPECT_EQ(watch.publish(content.content(), noted, {}, nullptr).value(), shm::Outcome::kPublished);
    return web_ + "/" + format::generation_name(segment.page().generation.load());
  }

  harness::TempDirectory top_{"/dev/shm"};
  std::string root_ = top_ / "root";
  std::string web_ = root_ + "/web";
  std::string elsewhere_ = top_ / "elsewhere";
  std::string victim_ = top_ / "victim";
  std::string victim_before_;
  std::uint64_t stamp_ = 0;
  env::Env& env_ = env::Env::posix();
};

TEST_F(HostilePlaces, TheDefaultRootIsOursOrRefused) {
  const auto sidecar = [this] { return shm::Segment::attach(env_, place(true)); };
  const auto users = [this] { return supervisor::Users::open(env_, place(true)); };
  const auto reader = [this] {
    return reader::FilePlace({.root = root_, .name = "web", .root_is_default = true}, "").open_page();
  };
  const auto launched = [this] { return reader::Users::join({.root = root_, .name = "web", .root_is_default = true}); };
  std::vector<Plant> things = {
      {"a file", [](const std::string& path) { write_text(path, kPrecious); }},
      {"a symlink to a directory of ours", [this](const std::string& path) { fs::create_symlink(elsewhere_, path); }},
      {"a symlink to what is not there", [this](const std::string& path) { fs::create_symlink(never_made(), path); }},
      {"a FIFO", [](const std::string& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); }},
      {"a directory that is open to others", [](const std::string& path) {
         fs::create_directory(path);
         ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
       }},
  };
  for (const mode_t mode : {0777, 0700, 01777}) {
    if (::geteuid() != 0) break;
    things.push_back({"another user's directory", [mode](const std::string& path) {
                        fs::create_directory(path);
                        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
                        ASSERT_EQ(::chown(path.c_str(), kStranger, kStranger), 0);
                      }});
  }
  each_is_refused(things, root_, sidecar);
  each_is_refused(things, root_, users);
  each_is_refused(things, root_, reader);
  each_is_refused(things, root_, launched);
}

// A volume that containers share is open to all; what is in it is not.
TEST_F(HostilePlaces, ARootThatWasChosenMayBeOpenToOthers) {
  for (const mode_t mode : {0777, 01777}) {
    ASSERT_EQ(::chmod(root_.c_str(), mode), 0);
    publish();
    const auto reader = read();
    EXPECT_TRUE(reader) << reader.error().text;
  }
}

TEST_F(HostilePlaces, TheDirectoryOfTheService) {
  std::vector<Plant> things = {
      {"a file", [](const std::string& path) { write_text(path, kPrecious); }},
      {"a symlink to a directory of ours", [this](const std::string& path) { fs::create_symlink(elsewhere_, path); }},
      {"a FIFO", [](const std::string& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); }},
      {"a directory that is open to others", [](const std::string& path) {
         fs::create_directory(path);
         ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
       }},
  };
  each_is_refused(things, web_, [this] { return read(); });
  if (::geteuid() == 0) {
    things.push_back({"another user's directory", [](const std::string& path) {
                        fs::create_directory(path);
                        ASSERT_EQ(::chown(path.c_str(), kStranger, kStranger), 0);
                      }});
  }
  each_is_refused(things, web_, [this] { return attach(); });
}

TEST_F(HostilePlaces, TheControlPage) {
  publish();
  const std::string page = web_ + "/" + format::kControlFile;
  each_is_refused(plants_for_written_files(), page, [this] { return attach(); });
  for (const bool private_copy : {false, true}) {
    each_is_refused(plants(), page, [&] { return read(private_copy); });
  }
}

// Sizes that no page has: the sidecar replaces it, and tells the readers of one that is too long.
TEST_F(HostilePlaces, AControlPageOfAnotherSizeIsReplaced) {
  const std::string page = web_ + "/" + format::kControlFile;
  for (const std::uintmax_t size : {std::uintmax_t{0}, std::uintmax_t{1}, std::uintmax_t{4095}, std::uintmax_t{4097},
                                    std::uintmax_t{1} << 42}) {
    publish();
    Reader reader = read(true).value();
    fs::resize_file(page, size);
    publish();
    EXPECT_EQ(fs::file_size(page), format::kControlPageBytes);
    EXPECT_TRUE(reader.poll()) << size;
    EXPECT_TRUE(read()) << size;
  }
}

TEST_F(HostilePlaces, TheLockFile) {
  const std::string lock = root_ + "/.web.lock";
  each_is_refused(plants_for_written_files(), lock, [this] { return attach(); });
  each_is_refused(plants_for_written_files(), lock, [this]() -> Result<void> {
    supervisor::name_holder(env_, place(), "run");
    EXPECT_EQ(supervisor::holder(env_, place()), "an unnamed process");
    return shm::open_lock_file(env_, place()).error();
  });
}

TEST_F(HostilePlaces, TheFileOfTheUsers) {
  const std::string users = root_ + "/.web.users";
  each_is_refused(plants(), users, [this] { return supervisor::Users::join(env_, place()); });
  auto things = plants();
  // Root may hold a lock on anybody's file.
  if (::geteuid() == 0) std::erase_if(things, [](const Plant& plant) { return plant.what[0] == 'a' && plant.what[1] == 'n'; });
  each_is_refused(things, users, [this] { return reader::Users::join({.root = root_, .name = "web"}); });
}

// In the place of the snapshot: readers refuse it; the sidecar gives the segment up and makes another.
TEST_F(HostilePlaces, TheSnapshot) {
  const auto reader_sees = [this](const std::string& snapshot, bool private_copy, const Plant& plant) {
    SCOPED_TRACE(plant.what);
    const auto reader = read(private_copy);
    ASSERT_FALSE(reader);
    EXPECT_TRUE(reader.error().code == ErrorCode::kDenied || reader.error().code == ErrorCode::kDamaged);
    EXPECT_NE(reader.error().text.find(snapshot), std::string::npos) << reader.error().text;
  };
  auto things = plants();
  for (const std::uintmax_t size : {std::uintmax_t{0}, std::uintmax_t{255}, std::uintmax_t{1} << 42}) {
    things.push_back({"a file of another size", [size](const std::string& path) {
                        write_text(path, "");
                        fs::resize_file(path, size);
                      }});
  }
  for (const Plant& plant : things) {
    const std::string snapshot = publish();
    fs::remove_all(snapshot);
    plant.put(snapshot);
    reader_sees(snapshot, false, plant);
    reader_sees(snapshot, true, plant);
    const std::string next = publish();
    EXPECT_TRUE(read()) << plant.what;
    EXPECT_NE(next, snapshot);
    expect_nothing_outside();
    fs::remove_all(web_);
  }
}

// Another user's file of the right name, and bytes that are all in order.
TEST_F(HostilePlaces, AnotherUsersSnapshotIsNotTaken) {
  if (::geteuid() != 0) return;  // only root can make one
  const std::string snapshot = publish();
  ASSERT_EQ(::chown(snapshot.c_str(), kStranger, kStranger), 0);
  for (const bool private_copy : {false, true}) expect_refusal(read(private_copy), snapshot);
  ASSERT_EQ(::chown(snapshot.c_str(), 0, 0), 0);
  ASSERT_EQ(::chown((web_ + "/control.v1").c_str(), kStranger, kStranger), 0);
  for (const bool private_copy : {false, true}) expect_refusal(read(private_copy), web_ + "/control.v1");
}

// Where files are made: what is there is removed, never followed.
TEST_F(HostilePlaces, FilesInTheMaking) {
  auto things = plants();
  std::erase_if(things, [](const Plant& plant) { return std::string(plant.what) == "a directory"; });
  for (const Plant& plant : things) {
    SCOPED_TRACE(plant.what);
    publish();
    fs::remove(web_ + "/control.v1");
    plant.put(web_ + "/control.tmp");
    plant.put(web_ + "/" + format::draft_name(format::Role::kWatch, 7));
    publish();
    EXPECT_EQ(state_of(web_ + "/" + format::draft_name(format::Role::kWatch, 7)), "absent");
    EXPECT_TRUE(read());
    expect_nothing_outside();
    fs::remove_all(web_);
  }
  publish();
  fs::remove(web_ + "/control.v1");
  fs::create_directory(web_ + "/control.tmp");
  const auto refused = attach();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find(web_), std::string::npos) << refused.error().text;
}

// --- the backup ---

class HostileBackup : public HostilePlaces {
 protected:
  backup::Store store() { return backup::Store(env_, backup_); }
  Result<void> write() { return write(bytes_); }
  Result<void> write(const std::string& bytes) { return store().write(std::as_bytes(std::span(bytes))); }
  Result<void> load() {
    auto loaded = store().load();
    return loaded ? Result<void>() : Result<void>(loaded.error());
  }
  Result<void> read_backup() {
    auto reader = Reader::open_backup(backup_);
    return reader ? Result<void>() : Result<void>(reader.error());
  }

  std::string backup_ = top_ / "web.snapshot";
  const std::string bytes_ = read_text(publish());
  const std::string others_ = read_text(publish());
};

TEST_F(HostileBackup, TheBackup) {
  auto things = plants();
  things.push_back({"a file that is open to others", [](const std::string& path) {
                      write_text(path, kPrecious);
                      ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
                    }});
  for (const Plant& plant : things) {
    SCOPED_TRACE(plant.what);
    plant.put(backup_);
    const std::string before = state_of(backup_);
    for (const auto& result : {write(), load()}) {
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, ErrorCode::kDenied) << result.error().text;
      EXPECT_NE(result.error().text.find(backup_), std::string::npos) << result.error().text;
      EXPECT_EQ(result.error().text.find('\n'), std::string::npos) << result.error().text;
    }
    EXPECT_FALSE(read_backup());
    EXPECT_EQ(state_of(backup_), before);
    expect_nothing_outside();
    fs::remove_all(backup_);
  }
}

// Damaged, however large it says that it is: no memory is taken for it, and it is set aside.
TEST_F(HostileBackup, ABackupOfAnotherSize) {
  for (const std::uintmax_t size : {std::uintmax_t{0}, std::uintmax_t{100}, std::uintmax_t{20} << 30}) {
    ASSERT_TRUE(write());
    fs::resize_file(backup_, size);
    EXPECT_EQ(load().error().code, ErrorCode::kDamaged) << size;
    EXPECT_EQ(state_of(backup_), "absent");
    fs::remove(backup_ + ".damaged");
    ASSERT_TRUE(write());
    fs::resize_file(backup_, size);
    EXPECT_EQ(read_backup().error().code, ErrorCode::kDamaged) << size;
    EXPECT_TRUE(write()) << "a damaged one is replaced";
    EXPECT_TRUE(load());
    fs::remove(backup_ + ".damaged");
  }
}

// The file is a second name of another one: that keeps its bytes, since a backup is replaced as a whole.
TEST_F(HostileBackup, ABackupThatIsAHardLink) {
  fs::create_hard_link(victim_, backup_);
  ASSERT_TRUE(write());
  EXPECT_TRUE(load());
  fs::remove(backup_ + ".damaged");
  expect_nothing_outside();
}

TEST_F(HostileBackup, FilesBesideTheBackup) {
  auto things = plants();
  std::erase_if(things, [](const Plant& plant) { return std::string(plant.what) == "a directory"; });
  for (const char* suffix : {".tmp", ".prev", ".damaged"}) {
    for (const Plant& plant : things) {
      SCOPED_TRACE(std::string(plant.what) + " as " + suffix);
      plant.put(backup_ + suffix);
      ASSERT_TRUE(write());
      ASSERT_TRUE(write(others_));  // which makes the one before .prev
      EXPECT_EQ(read_text(backup_ + ".prev"), bytes_);
      fs::resize_file(backup_, 100);
      EXPECT_TRUE(load()) << "the one before is there";
      EXPECT_EQ(fs::file_size(backup_ + ".damaged"), 100u);
      EXPECT_FALSE(fs::is_symlink(backup_ + ".damaged"));
      ASSERT_TRUE(write());
      EXPECT_TRUE(load());
      expect_nothing_outside();
      for (const char* other : {"", ".tmp", ".prev", ".damaged"}) fs::remove_all(backup_ + other);
    }
  }
}

}  // namespace
}  // namespace shmconf
