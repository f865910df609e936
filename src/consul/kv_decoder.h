// KvDecoder: what Consul answers to GET /v1/kv/..., a JSON list of objects, as a KvList.
//
// It decodes while the answer still comes, so that little is left to do behind its last byte, and holds
// the text of what it has not decoded yet, no more. An answer with blanks between its entries (as a
// development agent writes it) is decoded whole, behind its last byte. Not thread-safe.
#ifndef SHMCONF_CONSUL_KV_DECODER_H_
#define SHMCONF_CONSUL_KV_DECODER_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "consul/kv.h"
#include "shmconf/result.h"

namespace shmconf::consul {

class KvDecoder {
 public:
  // Little enough to stay in a processor's own cache with what is made of it.
  static constexpr std::size_t kBatchBytes = std::size_t{64} << 10;

  // expected_pairs: about how many will come, 0 if nobody knows; it saves memory and copies. Text of
  // batch_bytes, at least 1, is decoded at a time.
  explicit KvDecoder(std::size_t expected_pairs = 0, std::size_t batch_bytes = kBatchBytes);
  KvDecoder(KvDecoder&&) noexcept;
  KvDecoder& operator=(KvDecoder&&) noexcept;
  ~KvDecoder();

  // The next bytes of the answer. Fails with kNoSpace only: what is wrong with them is told at the end.
  Result<void> append(std::string_view text);

  // Once, behind the last byte. The list is whole or an error: kUnavailable, with the place and what was
  // wrong there, for anything but the documented shape (truncation, a missing Key, Value or ModifyIndex,
  // bad base64, a key given twice ...); kNoSpace without memory for the pairs. Unknown fields are skipped.
  // Keys that are not UTF-8 come as Consul writes them, with U+FFFD.
  Result<KvList> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_KV_DECODER_H_
