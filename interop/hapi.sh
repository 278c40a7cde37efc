#!/usr/bin/env bash
# Fetches and runs a real FHIR server, HAPI's JPA server for R4 with H2, and HL7's
# validator, from their published artifacts and without Docker.
#
#   interop/hapi.sh fetch             fetch both, if they are not in the cache, and compile what starts them
#   interop/hapi.sh start             start an empty server on loopback; prints its base URL
#   interop/hapi.sh stop              stop it
#   interop/hapi.sh validate FILE…    validate resources in NDJSON; fails if one has an error
set -euo pipefail

version=8.8.0

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"
root=$(dirname "$here")/.cache/interop/hapi-$version
jars=$root/lib classes=$root/classes run=$root/run
usage="usage: hapi.sh fetch|start|stop|validate FILE…"

fetch() {
	need_java javac
	if [[ ! -e $root/fetched ]]; then
		artifacts "$here/hapi/pom.xml" "$jars" -Dhapi.version="$version" || die "HAPI $version could not be fetched"
		local jar
		for jar in hapi-fhir-jpaserver-base hapi-fhir-validation-resources-r4; do
			[[ -e $jars/$jar-$version.jar ]] || die "HAPI $version was fetched without $jar"
		done
		touch "$root/fetched"
	fi
	compile FhirServer "$here/hapi/FhirServer.java"
	compile Validate "$here/validate/Validate.java"
}

# compile CLASS SOURCE compiles what has changed.
compile() {
	[[ ! $classes/$1.class -nt $2 ]] || return 0
	mkdir -p "$classes"
	javac -cp "$jars/*" -d "$classes" "$2" || die "$1 could not be compiled"
}

# program CLASS ARGUMENT… runs one of ours. The quick compiler alone makes them start in half the time.
program() {
	exec java -Xmx2g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$classes:$jars/*" \
		-Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.defaultLogLevel=warn "$@"
}

start() {
	local port
	rm -rf "$run"
	mkdir -p "$run"
	port=$(free_port)
	(program FhirServer "$port") </dev/null >"$run/server.log" 2>&1 &
	echo $! >"$run/pid"
	for _ in {1..900}; do
		if grep -q 'FHIR server started' "$run/server.log"; then
			echo "http://127.0.0.1:$port/fhir"
			return
		fi
		alive || break
		sleep 0.2
	done
	tail -n 40 "$run/server.log" >&2
	die "HAPI $version did not start"
}

case ${1:-} in
fetch) fetch ;;
start)
	fetch
	stop TERM
	start
	;;
stop) stop TERM ;;
validate)
	[[ $# -gt 1 ]] || die "$usage"
	fetch
	program Validate "${@:2}" 2>/dev/null
	;;
*) die "$usage" ;;
esac
