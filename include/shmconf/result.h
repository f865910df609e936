// Result and Error: how every part of shmconf reports an expected failure.
//
// A Result<T> holds either a T or an Error. Programs branch on the short closed enum ErrorCode;
// people read Error::text, which says what happened and what to do next. "Absent" and "unchanged"
// are values of T where a function can produce them in normal operation, not errors.
//
// Value types without shared state: as thread-safe as the T they hold.
#ifndef SHMCONF_RESULT_H_
#define SHMCONF_RESULT_H_

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace shmconf {

// The closed list that programs may branch on. The values are part of the C ABI; never renumber.
enum class ErrorCode : std::uint8_t {
  kAbsent = 1,        // the segment, backup, file or key is not there
  kNotReady = 2,      // it is there, but nothing has been published yet
  kWrongVersion = 3,  // made by an incompatible version of shmconf
  kDamaged = 4,       // bytes that fail a bound or a checksum
  kDenied = 5,        // not permitted: ownership, mode, symlink, token or ACL
  kInvalid = 6,       // the caller's argument or setting is wrong
  kWrongType = 7,     // a value does not parse as, or fit into, the type asked for
  kTimeout = 8,       // the time given ran out
  kUnavailable = 9,   // Consul or the network did not answer as it should; may pass
  kNoSpace = 10,      // memory, tmpfs or disk is full; may pass
  kSystem = 11,       // any other failure of the operating system
};

struct Error {
  ErrorCode code;
  std::string text;  // one line, no newline at its end, never a secret
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}   // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  // Requires ok().
  [[nodiscard]] T& value() & { return assert(ok()), *std::get_if<0>(&state_); }
  [[nodiscard]] const T& value() const& { return assert(ok()), *std::get_if<0>(&state_); }
  [[nodiscard]] T&& value() && { return assert(ok()), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Requires !ok().
  [[nodiscard]] const Error& error() const& { return assert(!ok()), *std::get_if<1>(&state_); }
  [[nodiscard]] Error&& error() && { return assert(!ok()), std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }

  // Requires !ok().
  [[nodiscard]] const Error& error() const& { return assert(!ok()), *error_; }
  [[nodiscard]] Error&& error() && { return assert(!ok()), std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace shmconf

#endif  // SHMCONF_RESULT_H_
