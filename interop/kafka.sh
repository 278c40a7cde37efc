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

die() { echo "interop: $*" >&2; exit 1; }

action=${1:-} line=${2:-none}
[[ -n ${versions[$line]:-} ]] || die "usage: kafka.sh fetch|start|restart|stop 4|3"
version=${versions[$line]}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")/.cache/interop/kafka-$version
jars=$root/lib run=$root/run

# need installs a Debian package when its command is absent.
need() {
	command -v "$1" >/dev/null && return
	echo "interop: installing $2" >&2
	local sudo=()
	[[ $(id -u) -eq 0 ]] || sudo=(sudo)
	"${sudo[@]}" apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "$2" >&2
	command -v "$1" >/dev/null || die "$1 is still absent after installing $2"
}

need_java() {
	need java openjdk-17-jre-headless
	local major
	major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n1)
	[[ ${major:-0} -ge 17 ]] || die "Kafka $version needs Java 17 or later, found ${major:-none}"
}

fetch() {
	[[ -e $root/fetched ]] && return
	need_java
	need mvn maven
	rm -rf "$jars"
	mkdir -p "$jars"
	mvn --batch-mode --quiet -Dstyle.color=never --file "$here/pom.xml" -Dkafka.version="$version" \
		dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$jars" >&2 ||
		die "Kafka $version could not be fetched"
	[[ -e $jars/kafka_2.13-$version.jar ]] || die "Kafka $version was fetched without its broker"
	touch "$root/fetched"
}

alive() { [[ -e $run/pid ]] && kill -0 "$(<"$run/pid")" 2>/dev/null; }

# free_port prints a port that nobody listens on.
free_port() {
	local port
	for _ in {1..50}; do
		port=$((20000 + RANDOM % 10000))
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
	die "found no free port"
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

stop() {
	alive || return 0
	local pid
	pid=$(<"$run/pid")
	kill "-$1" "$pid"
	for _ in {1..100}; do
		kill -0 "$pid" 2>/dev/null || { rm -f "$run/pid"; return; }
		sleep 0.2
	done
	kill -KILL "$pid"
	rm -f "$run/pid"
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
