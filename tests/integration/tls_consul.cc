#include "integration/tls_consul.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "harness/eventually.h"
#include "harness/process.h"
#include "integration/sidecar.h"

namespace shmconf::integration {

namespace fs = std::filesystem;

std::unique_ptr<TlsConsul> TlsConsul::start() {
  auto consul = std::make_unique<TlsConsul>();
  harness::Certificates& authority = consul->authority_;
  consul->set_authorities(text_of(authority.authority_file()));
  consul->set_server(authority.issue("server", kServerNames));
  consul->set_client(authority.issue("client", ""));
  consul->install(authority.issue("administrator", ""), "administrator");

  harness::ConsulOptions options;
  options.mode = harness::ConsulOptions::Mode::kServer;
  options.extra_json = R"({"ports":{"http":-1,"https":)" + std::to_string(consul->https_.number()) +
                       R"(},"verify_incoming":true,"ca_file":")" + consul->file("authorities.pem") +
                       R"(","cert_file":")" + consul->file("server.pem") + R"(","key_file":")" +
                       consul->file("server-key.pem") + "\"}";
  consul->server_ = std::make_unique<harness::RealConsul>(options);
  consul->restart();
  return testing::Test::HasFailure() ? nullptr : std::move(consul);
}

std::map<std::string, std::string> TlsConsul::client_variables() const {
  return {{"SHMCONF_CONSUL_TLS_CA_FILE", file("authorities.pem")},
          {"SHMCONF_CONSUL_TLS_CERTIFICATE_FILE", file("client.pem")},
          {"SHMCONF_CONSUL_TLS_KEY_FILE", file("client-key.pem")}};
}

bool TlsConsul::put(const std::string& key, const std::string& value) const {
  harness::Command command;
  command.argv = {harness::consul_program(), "kv", "put", "-http-addr=" + url(), "-ca-file=" + file("authorities.pem"),
                  "-client-cert=" + file("administrator.pem"), "-client-key=" + file("administrator-key.pem"),
                  key, value};
  command.unset_env = {"CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN", "CONSUL_HTTP_SSL", "CONSUL_NAMESPACE"};
  const auto finished = harness::run(command);
  return finished && finished->status.code == 0;
}

void TlsConsul::set_authorities(const std::string& pem) const {
  write_text(file("authorities.new"), pem);
  fs::rename(file("authorities.new"), file("authorities.pem"));
}

void TlsConsul::install(const harness::Issued& issued, const std::string& who) const {
  const auto replace = [&](const std::string& from, const std::string& name) {
    fs::copy_file(from, file(name + ".new"), fs::copy_options::overwrite_existing);
    fs::rename(file(name + ".new"), file(name));
  };
  replace(issued.certificate_file, who + ".pem");
  replace(issued.key_file, who + "-key.pem");
}

void TlsConsul::reload() const {
  const std::size_t before = server_->process().stdout_text().size();
  EXPECT_TRUE(server_->process().send_signal(SIGHUP));
  EXPECT_TRUE(harness::eventually([&] {
    return server_->process().stdout_text().find("signal=hangup", before) != std::string::npos;
  }));
}

void TlsConsul::restart() const {
  const auto launched = server_->launch();
  EXPECT_TRUE(launched) << (launched ? "" : launched.error().text);
  EXPECT_TRUE(harness::eventually([&] { return put("ready", ""); }, std::chrono::seconds(30)))
      << server_->process().stdout_text();
}

}  // namespace shmconf::integration
