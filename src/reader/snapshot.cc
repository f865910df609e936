#include "shmconf/snapshot.h"

#include "reader/place.h"
#include "reader/shown.h"

namespace shmconf {
namespace reader {

// Keys are no secrets; values are, and are never shown.
Error absent_key(std::string_view key) { return Error{ErrorCode::kAbsent, "there is no key " + shown(key)}; }

Error damaged_key(std::string_view key) {
  return Error{ErrorCode::kDamaged, "the snapshot is damaged where the key " + shown(key) + " should be"};
}

Error wrong_type(std::string_view key, const char* expected) {
  return Error{ErrorCode::kWrongType, "the value of " + shown(key) + " is not " + expected};
}

}  // namespace reader

Entries Snapshot::prefix(std::string_view prefix, Listing listing) const {
  Entries entries;
  entries.mapping_ = mapping_;
  entries.view_ = view_;
  entries.prefix_ = prefix;
  entries.listing_ = listing;
  return entries;
}

Result<void> Snapshot::verify() const {
  if (empty()) return {};
  return view_.verify();
}

Entries::Iterator Entries::begin() noexcept {
  damaged_ = false;
  Iterator iterator;
  iterator.entries_ = this;
  if (!mapping_) return iterator;
  if (listing_ != Listing::kPointers) {
    iterator.keys_ = view_.walk(prefix_, SnapshotView::Section::kKeys);
    iterator.step_keys();
  }
  if (listing_ != Listing::kKeys) {
    iterator.pointers_ = view_.walk(prefix_, SnapshotView::Section::kPointers);
    iterator.step_pointers();
  }
  iterator.choose();
  return iterator;
}

void Entries::Iterator::step_keys() noexcept {
  has_key_ = keys_.next(key_);
  if (keys_.damaged()) entries_->damaged_ = true;
}

void Entries::Iterator::step_pointers() noexcept {
  has_pointer_ = pointers_.next(pointer_);
  if (pointers_.damaged()) entries_->damaged_ = true;
}

void Entries::Iterator::choose() noexcept {
  from_pointers_ = has_pointer_ && (!has_key_ || pointer_.key < key_.key);
}

Entries::Iterator& Entries::Iterator::operator++() noexcept {
  if (from_pointers_) {
    step_pointers();
  } else {
    step_keys();
  }
  choose();
  return *this;
}

}  // namespace shmconf
