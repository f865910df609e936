// ask(): one query, run to its end on its io_context.
#ifndef SHMCONF_TESTS_UNIT_CONSUL_ASKING_H_
#define SHMCONF_TESTS_UNIT_CONSUL_ASKING_H_

#include <boost/asio/io_context.hpp>
#include <string>

#include "consul/client.h"
#include "consul/query.h"

namespace shmconf::consul {

Result<Answer> ask(boost::asio::io_context& io, Client& client, const Query& query);

Query prefix_query(std::string path = "config/web/");
// With an index, so that it blocks for wait at most.
Query blocking_query(std::uint64_t index, std::chrono::milliseconds wait);

// "" when the result is an answer.
std::string error_text(const Result<Answer>& answer);

}  // namespace shmconf::consul

#endif  // SHMCONF_TESTS_UNIT_CONSUL_ASKING_H_
