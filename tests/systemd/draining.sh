#!/bin/bash
# A service that works off what it has begun when it is asked to end, for which it still needs its
# configuration, live.
ask() {
  local verdict
  verdict=$(shmconf status | sed -n 's/^verdict *\([a-z]*\).*/\1/p')
  echo "$1: $(shmconf get greeting) $verdict" >>"$STATE_DIRECTORY/log"
}
trap 'ask told; sleep 0.5; ask drained; exit 7' TERM
ask started
while :; do sleep 0.1; done
