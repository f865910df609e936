#!/usr/bin/env bash
# Checks config/alerts.yml, and that each of its alerts fires when it should and not before.
#
#   alerts.sh PROMTOOL      $SHMCONF_PROMTOOL, if set, is taken instead
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
readonly kPromtool=${SHMCONF_PROMTOOL:-$1}
readonly kRules=../../config/alerts.yml

"$kPromtool" check rules --lint=all --lint-fatal "$kRules"
"$kPromtool" test rules alerts_test.yml

# A rule without a test is none.
for alert in $(sed -n 's/^ *- alert: //p' "$kRules"); do
  fires=$(grep -c "alertname: $alert\$" alerts_test.yml || true)
  quiet=$(sed -n "/alertname: $alert\$/,/exp_alerts/p" alerts_test.yml | grep -c 'exp_alerts: \[\]' || true)
  ((fires - quiet >= 1 && quiet >= 1)) || {
    echo "$alert: the tests must show it firing and not firing"
    exit 1
  }
done
