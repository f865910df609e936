#include "sources/stand_still.h"

#include "shmconf/format.h"

namespace shmconf::sources {

std::uint64_t identify_keys(std::span<const Pairs> sources) {
  std::uint64_t print = 0;
  for (const Pairs& pairs : sources) {
    for (const consul::KvPair& pair : pairs) {
      const std::uint64_t numbers[] = {print, pair.create_index, pair.key.size()};
      print = format::checksum(numbers, sizeof numbers);
      print = format::checksum(pair.key.data(), pair.key.size(), print);
    }
    print = format::checksum(&print, sizeof print);
  }
  return print;
}

bool StandStill::stands(const Rewind& rewind, const std::function<std::uint64_t()>& keys, Time now) {
  rewound_ = rewound_ || rewind.rewound;
  if (!rewound_ || rewind.missing == 0) {
    same_keys_.reset();
    fewest_missing_.reset();
    return true;
  }
  const std::uint64_t print = keys();
  if (!same_keys_ || same_keys_->what != print) same_keys_ = Since{.what = print, .time = now};
  if (!fewest_missing_ || rewind.missing < fewest_missing_->what) {
    fewest_missing_ = Since{.what = rewind.missing, .time = now};
  }
  return now - same_keys_->time >= still_ || now - fewest_missing_->time >= longest_;
}

void StandStill::forget() {
  rewound_ = false;
  same_keys_.reset();
  fewest_missing_.reset();
}

}  // namespace shmconf::sources
