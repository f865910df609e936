// Decoding of what Consul answers to GET /v1/kv/...: a JSON list of objects, into a KvList.
//
// Pure function; thread-safe on different bodies. It holds the body and the pairs, nothing else.
#ifndef SHMCONF_CONSUL_KV_DECODER_H_
#define SHMCONF_CONSUL_KV_DECODER_H_

#include "consul/body.h"
#include "consul/kv.h"
#include "shmconf/result.h"

namespace shmconf::consul {

// Takes the body over and decodes it in place. The result is whole or an error: kUnavailable, with
// the place and what was wrong there, for anything but the documented shape (truncation, a missing
// Key, Value or ModifyIndex, bad base64, a key given twice ...); kNoSpace without memory for the pairs.
// Unknown fields are skipped. Keys that are not UTF-8 come as Consul writes them, with U+FFFD.
Result<KvList> decode_kv(Body body);

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_KV_DECODER_H_
