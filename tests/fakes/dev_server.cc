#include "fakes/dev_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <utility>

namespace shmconf::fakes {

struct DevServer::State {
  boost::asio::io_context io;
  std::unique_ptr<dev::Endpoint> endpoint;
  std::thread thread;
};

DevServer::DevServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

dev::EndpointOptions DevServer::any_port() {
  dev::EndpointOptions options;
  options.listen = "127.0.0.1:0";
  return options;
}

Result<std::unique_ptr<DevServer>> DevServer::start(dev::EndpointOptions options) {
  auto state = std::make_unique<State>();
  auto endpoint = dev::run_endpoint(state->io, options);
  if (!endpoint) return endpoint.error();
  state->endpoint = std::move(*endpoint);
  state->thread = std::thread([running = state.get()] { running->io.run(); });
  return std::unique_ptr<DevServer>(new DevServer(std::move(state)));
}

// The io_context ends by itself when stop() has taken all its work away; that it does is part of
// what the tests show.
DevServer::~DevServer() {
  boost::asio::post(state_->io, [this] { state_->endpoint->stop(); });
  state_->thread.join();
}

std::uint16_t DevServer::port() const { return state_->endpoint->port(); }
std::string DevServer::url() const { return state_->endpoint->url(); }

}  // namespace shmconf::fakes
