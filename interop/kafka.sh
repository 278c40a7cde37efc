#!/usr/bin/env bash
# Fetches and runs Apache Kafka on loopback, from its published artifacts and without Docker.
#
#   interop/kafka.sh fetch LINE     fetch the broker, if it is not in the cache
#   interop/kafka.sh start LINE     start an empty one; prints host:port
#   interop/kafka.sh restart LINE   kill it (as a crash would) and start it again with its data
#   interop/kafka.sh stop LINE      stop it
#
# LINE is 4 or 3: the newest release of either.
set -euo pipefail

declare -A versions=([4]=4.4.0 [3]=3.9.2)

action=${1:-} line=${2:-none}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"
[[ -n ${versions[$line]:-} ]] || die "usage: kafka.sh fetch|start|restart|stop 4|3"
version=${versions[$line]}
root=$(dirname "$here")/.cache/interop/kafka-$version
jars=$root/lib run=$root/run

fetch() {
	[[ -e $root/fetched ]] && return
	need_java
	artifacts "$here/pom.xml" "$jars" -Dkafka.version="$version" || die "Kafka $version could not be fetched"
	[[ -e $jars/kafka_2.13-$version.jar ]] || die "Kafka $version was fetched without its broker"
	touch "$root/fetched"
}

# configure writes a combined broker and controller. The replication factors are
# those of a single broker; the rebalance delay is what development images use,
# for the default waits 3 s whenever a group forms; the number of partitions of
# the internal topics only makes starting quicker.
configure() {
	local port controller
	port=$(free_port) controller=$(free_port)
	[[ $port != "$controller" ]] || controller=$((controller + 1))
	rm -rf "$run"
	mkdir -p "$run"
	echo "$port" >"$run/port"
	cat >"$run/server.properties" <<-PROPERTIES
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$controller
		listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
		advertised.listeners=PLAINTEXT://127.0.0.1:$port
		controller.listener.names=CONTROLLER
		log.dirs=$run/data
		auto.create.topics.enable=false
		group.initial.rebalance.delay.ms=0
		offsets.topic.replication.factor=1
		offsets.topic.num.partitions=4
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		transaction.state.log.num.partitions=4
		share.coordinator.state.topic.replication.factor=1
		share.coordinator.state.topic.min.isr=1
	PROPERTIES
	java -cp "$jars/*" kafka.tools.StorageTool format --cluster-id bridge-interop-cluster \
		--config "$run/server.properties" >"$run/format.log" 2>&1 ||
		{ cat "$run/format.log" >&2; die "the storage could not be formatted"; }
}

launch() {
	nohup java -Xms256m -Xmx1g -XX:+UseG1GC -cp "$jars/*" \
		-Dorg.slf4j.simpleLogger.logFile="$run/server.log" \
		-Dorg.slf4j.simpleLogger.showDateTime=true \
		-Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
		-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info \
		kafka.Kafka "$run/server.properties" </dev/null >"$run/out.log" 2>&1 &
	echo $! >"$run/pid"
	for _ in {1..300}; do
		if grep -q 'Kafka Server started' "$run/server.log" 2>/dev/null; then
			echo "127.0.0.1:$(<"$run/port")"
			return
		fi
		alive || break
		sleep 0.2
	done
	tail -n 40 "$run/server.log" "$run/out.log" >&2 || true
	die "Kafka $version did not start"
}

case $action in
fetch) fetch ;;
start)
	fetch
	need_java
	stop TERM
	configure
	launch
	;;
restart)
	[[ -e $run/server.properties ]] || die "Kafka $version was not started"
	stop KILL
	rm -f "$run/server.log"
	launch
	;;
stop) stop TERM ;;
*) die "usage: kafka.sh fetch|start|restart|stop 4|3" ;;
esac
