// Fields: what the lines that are logged in a scope say beside their message, for programs that read them as
// JSON (elsewhere called a mapped diagnostic context). Never a value of the configuration.
//
// A thread's own; the innermost scope counts. Other formats than JSON leave them out: a message says it all.
#ifndef SHMCONF_LOG_FIELDS_H_
#define SHMCONF_LOG_FIELDS_H_

#include <utility>

#include <nlohmann/json.hpp>

namespace shmconf::log {

class Fields {
 public:
  using Json = nlohmann::ordered_json;

  // An object, such as {{"generation", 5}}.
  explicit Fields(Json fields) : fields_(std::move(fields)), outer_(std::exchange(innermost_, this)) {}
  ~Fields() { innermost_ = outer_; }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  // Those of this thread now; null when there are none.
  static const Json* current() noexcept { return innermost_ == nullptr ? nullptr : &innermost_->fields_; }

 private:
  static inline thread_local const Fields* innermost_ = nullptr;
  const Json fields_;
  const Fields* outer_;
};

}  // namespace shmconf::log

#endif  // SHMCONF_LOG_FIELDS_H_
