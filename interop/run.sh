#!/usr/bin/env bash
# Runs what must hold on the real parts.
#
#   interop/run.sh [PART…]     default: 4 3 fhir postgres
#
# 4 and 3 are lines of Apache Kafka: the tests of adapters/kafka, Watermill's
# reconnect test with the broker killed twice in the middle, and the program end to
# end; on the current line it is also killed again and again while events pass.
#
# fhir is HAPI's FHIR server beside Apache Kafka: the program end to end, and killed
# again and again while it writes. All that it has written there, and what other
# journeys lead to, must please HL7's validator.
#
# postgres is PostgreSQL: it is started, asked, and stopped.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
parts=("$@")
[[ $# -gt 0 ]] || parts=(4 3 fhir postgres)

stop_all() {
	local line
	for line in 4 3; do "$here/kafka.sh" stop "$line"; done
	"$here/hapi.sh" stop
	"$here/postgres.sh" stop
}
trap stop_all EXIT

part() { printf '== %s (%s)\n' "$*" "$(date -u +%H:%M:%S)"; }

# What runs end to end, by line.
declare -A end_to_end=([4]='^TestInterop(Conversation|Crash)$' [3]='^TestInteropConversation$')

# Journeys whose resources are validated besides those that are written to HAPI.
journeys='^Test(AVisit|Talk|FreeSlots|Requests|Reports|ResultsAsDocuments|Waiting|Survey|AroundAVisit)$'

# A pattern that matches nothing passes with go test, so that is looked at first.
listed=$(go test -list . ./cmd/bridge)
for test in TestInterop{Conversation,Crash,Chart,KilledWritingBack} \
	Test{AVisit,Talk,FreeSlots,Requests,Reports,ResultsAsDocuments,Waiting,Survey,AroundAVisit}; do
	grep -qx "$test" <<<"$listed" || { echo "interop: cmd/bridge has no test $test" >&2; exit 1; }
done

kafka() {
	BRIDGE_TEST_BROKERS=$("$here/kafka.sh" start "$1")
	export BRIDGE_TEST_BROKERS
	part "Kafka $1 at $BRIDGE_TEST_BROKERS: the adapter"
	go test -race -count=1 -timeout 4m ./adapters/kafka
	part "Kafka $1: killed and started again while messages flow"
	# Without -race: the suite's own reconnect test has a data race.
	BRIDGE_TEST_RESTART="$here/kafka.sh restart $1" \
		go test -count=1 -timeout 3m -run 'TestConformance/TestReconnect' ./adapters/kafka
	part "Kafka $1: end to end"
	go test -count=1 -timeout 5m -run "${end_to_end[$1]}" ./cmd/bridge
	"$here/kafka.sh" stop "$1"
	unset BRIDGE_TEST_BROKERS
}

fhir() {
	local brokers base written
	written=.cache/interop/written
	rm -rf "$written"
	mkdir -p "$written"
	brokers=$("$here/kafka.sh" start 4)
	base=$("$here/hapi.sh" start)
	export BRIDGE_TEST_WRITTEN=$PWD/$written
	part "HAPI at $base: end to end, with Apache Kafka"
	BRIDGE_TEST_BROKERS=$brokers BRIDGE_TEST_FHIR=$base go test -count=1 -timeout 5m -run '^TestInteropChart$' ./cmd/bridge
	"$here/kafka.sh" stop 4
	part "HAPI: killed while it writes"
	BRIDGE_TEST_FHIR=$base go test -count=1 -timeout 6m -v -run '^TestInteropKilledWritingBack$' ./cmd/bridge
	"$here/hapi.sh" stop
	part "journeys whose resources are validated"
	go test -count=1 -timeout 8m -run "$journeys" ./cmd/bridge
	unset BRIDGE_TEST_WRITTEN
	part "HL7's validator"
	"$here/hapi.sh" validate "$written"/*.ndjson
}

postgres() {
	local url
	url=$("$here/postgres.sh" start)
	part "PostgreSQL"
	psql "$url" -qAtc 'SELECT version()'
	"$here/postgres.sh" stop
}

# What cannot be fetched is known before the first test runs.
for p in "${parts[@]}"; do
	case $p in
	4 | 3) "$here/kafka.sh" fetch "$p" ;;
	fhir)
		"$here/kafka.sh" fetch 4
		"$here/hapi.sh" fetch
		;;
	postgres) "$here/postgres.sh" fetch ;;
	*) echo "interop: no part $p; there are 4, 3, fhir and postgres" >&2; exit 1 ;;
	esac
done

for p in "${parts[@]}"; do
	case $p in
	4 | 3) kafka "$p" ;;
	*) "$p" ;;
	esac
done
part "the real parts: all passed"
