#include "bench/dataset.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <random>

namespace shmconf::bench {

namespace {

std::string name(std::size_t number, char variant) {
  char text[64];
  std::snprintf(text, sizeof text, "config/%06zu/setting%c%08zu", number / kDirectoryKeys, variant, number);
  return text;
}

}  // namespace

Dataset::Dataset(std::size_t key_count) {
  for (std::size_t i = 0; i < key_count; ++i) {
    keys_.push_back(name(i, '-'));
    misses_.push_back(name(i, '_'));
    values_.push_back("value " + std::to_string(i));
    values_.back().resize(kValueBytes, '.');
  }
  values_[0] = "6379";
  hits_ = keys_;
  std::mt19937 random(1);
  std::shuffle(hits_.begin(), hits_.end(), random);
  std::shuffle(misses_.begin(), misses_.end(), random);
}

const Dataset& Dataset::of(std::size_t key_count) {
  static std::map<std::size_t, std::unique_ptr<Dataset>> made;
  auto& dataset = made[key_count];
  if (!dataset) dataset = std::make_unique<Dataset>(key_count);
  return *dataset;
}

std::string_view directory_of(std::string_view key) { return key.substr(0, key.rfind('/') + 1); }

}  // namespace shmconf::bench
