#!/usr/bin/env bash
# Runs what must hold on Apache Kafka itself: for each release line the tests of
# adapters/kafka, Watermill's reconnect test with the broker killed twice in the
# middle, and the end-to-end test of the program. On the current line the program
# is also killed again and again while events pass.
#
#   interop/run.sh [LINE…]     default: 4 3
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
lines=("$@")
[[ $# -gt 0 ]] || lines=(4 3)

stop_all() {
	local line
	for line in "${lines[@]}"; do "$here/kafka.sh" stop "$line"; done
}
trap stop_all EXIT

# What runs end to end, by line.
declare -A end_to_end=([4]='^TestInterop(Conversation|Crash)$' [3]='^TestInteropConversation$')

# A pattern that matches nothing passes with go test, so that is looked at first.
listed=$(go test -list '^TestInterop' ./cmd/bridge)
for test in TestInteropConversation TestInteropCrash; do
	grep -qx "$test" <<<"$listed" || { echo "interop: cmd/bridge has no test $test" >&2; exit 1; }
done

# What cannot be fetched is known before the first test runs.
for line in "${lines[@]}"; do "$here/kafka.sh" fetch "$line"; done

for line in "${lines[@]}"; do
	BRIDGE_TEST_BROKERS=$("$here/kafka.sh" start "$line")
	export BRIDGE_TEST_BROKERS
	echo "== Kafka $line at $BRIDGE_TEST_BROKERS: the adapter"
	go test -race -count=1 -timeout 4m ./adapters/kafka
	echo "== Kafka $line: killed and started again while messages flow"
	# Without -race: the suite's own reconnect test has a data race.
	BRIDGE_TEST_RESTART="$here/kafka.sh restart $line" \
		go test -count=1 -timeout 3m -run 'TestConformance/TestReconnect' ./adapters/kafka
	echo "== Kafka $line: end to end"
	go test -count=1 -timeout 5m -run "${end_to_end[$line]}" ./cmd/bridge
	"$here/kafka.sh" stop "$line"
done
echo "== Apache Kafka: all passed"
