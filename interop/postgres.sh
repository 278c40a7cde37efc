#!/usr/bin/env bash
# Fetches PostgreSQL from Debian and runs it on loopback, in a temporary folder and
# as an unprivileged user.
#
#   interop/postgres.sh fetch    install it, if it is absent
#   interop/postgres.sh start    start an empty one; prints its URL
#   interop/postgres.sh stop     stop it and remove its data
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"
run=$(dirname "$here")/.cache/interop/postgres

# newest prints the folder of the newest version's programs; Debian keeps them out of PATH.
newest() { printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n1; }

fetch() {
	[[ -x $(newest)/initdb ]] && return
	# The package would make a cluster of its own, and start it on the usual port.
	as_root mkdir -p /etc/postgresql-common
	[[ -e /etc/postgresql-common/createcluster.conf ]] ||
		as_root tee /etc/postgresql-common/createcluster.conf <<<'create_main_cluster = false' >/dev/null
	need psql postgresql
	[[ -x $(newest)/initdb ]] || die "PostgreSQL is still absent after installing it"
}

# unprivileged runs a command as the package's user where we are root: PostgreSQL does not run as root.
unprivileged() {
	if [[ $(id -u) -ne 0 ]]; then "$@"; else setpriv --reuid=postgres --regid=postgres --init-groups "$@"; fi
}

start() {
	local dir port password
	port=$(free_port) password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
	dir=$(unprivileged mktemp -d /tmp/bridge-postgres.XXXXXX)
	mkdir -p "$run"
	echo "$dir" >"$run/dir"
	cd /
	unprivileged tee "$dir/password" <<<"$password" >/dev/null
	unprivileged "$(newest)/initdb" -D "$dir/data" -U bridge -A scram-sha-256 --pwfile="$dir/password" -E UTF8 --locale=C --no-sync >"$run/log" 2>&1 ||
		{ cat "$run/log" >&2; die "the cluster could not be made"; }
	unprivileged "$(newest)/pg_ctl" -D "$dir/data" -l "$dir/log" -w \
		-o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$dir" start </dev/null >>"$run/log" 2>&1 ||
		{ cat "$run/log" "$dir/log" >&2; die "PostgreSQL did not start"; }
	echo "postgres://bridge:$password@127.0.0.1:$port/postgres"
}

# end does not wait for clients.
end() {
	if [[ -e $run/dir ]]; then
		local dir
		dir=$(<"$run/dir")
		cd /
		unprivileged "$(newest)/pg_ctl" -D "$dir/data" -m fast stop >/dev/null 2>&1 || true # it may never have started
		rm -rf "$dir" "$run"
	fi
}

case ${1:-} in
fetch) fetch ;;
start)
	fetch
	end
	start
	;;
stop) end ;;
*) die "usage: postgres.sh fetch|start|stop" ;;
esac
