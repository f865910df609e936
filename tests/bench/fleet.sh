#!/usr/bin/env bash
# Measures what many sidecars cost on one machine against one Consul agent, at work and idle: see
# fleet_bench.cc. Takes about twelve minutes, and asserts nothing.
#
#   bash tests/bench/fleet.sh [--sidecars N] [--busy-seconds N] [--idle-seconds N]
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

# shellcheck source=config/build_tree.sh
source config/build_tree.sh

main() {
  local consul variable
  bash config/install_packages.sh build bench
  lock_tree build
  consul=$(bash tests/install_consul.sh build/consul 9>&- | tail -n 1)
  build_tree build/bench fleet_bench -DCMAKE_BUILD_TYPE=Release -DSHMCONF_BUILD_TESTS=ON -DSHMCONF_BUILD_PYTHON=OFF \
    -DSHMCONF_BUILD_NODE=OFF -DSHMCONF_SANITIZE= >&2
  for variable in "${!CONSUL_@}" "${!SHMCONF_@}"; do unset "$variable"; done
  SHMCONF_CONSUL=$consul build/bench/tests/fleet_bench "$@" 9>&-
}

main "$@"
